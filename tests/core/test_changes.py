"""What has changed between two policies."""

import copy

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from gateway.activation.loading import load
from gateway.core.changes import Change, FieldChange, Place, applied, changes, differences, parts
from gateway.core.policy.document import Document
from tests.core.documents import all_kinds, documents, structs
from tests.examples import thoroughly
from tests.policies import READ, policy

_slow = thoroughly(20, suppress_health_check=list(HealthCheck))
_KINDS = all_kinds()


def document(**sections: object) -> Document:
    """A small policy with these sections."""
    return load(policy(**sections)).document


@given(documents(), documents())
@_slow
def test_what_has_changed_leads_from_one_document_to_the_other(old: Document, new: Document) -> None:
    made = changes(old, new)
    assert applied(old, made) == new
    assert bool(made) is (old != new)


@given(documents())
@_slow
def test_equal_documents_have_not_changed(one: Document) -> None:
    assert changes(one, copy.deepcopy(one)) == ()


@given(documents(), st.randoms())
@_slow
def test_another_order_is_told_by_the_fewest_parts_that_must_move(one: Document, random: object) -> None:
    shuffled = list(one.routes)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis's own Random
    made = changes(one, msgspec.structs.replace(one, routes=tuple(shuffled)))
    assert {change.kind for change in made} <= {"moved"}
    assert len(made) <= max(0, len(shuffled) - 1)


@given(data=st.data())
@pytest.mark.parametrize("kind", sorted(_KINDS.keys() - {"Document"}))  # whole documents are drawn above
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
def test_every_field_of_every_part_leads_to_a_change(kind: str, data: st.DataObject) -> None:
    one, other = data.draw(structs(_KINDS[kind])), data.draw(structs(_KINDS[kind]))
    for field, name in zip(one.__struct_fields__, one.__struct_encode_fields__, strict=True):
        changed = msgspec.structs.replace(one, **{field: getattr(other, field)})
        found = differences(one, changed)
        assert bool(found) is (one != changed)
        assert all(difference.path[0] == name for difference in found)


def test_a_part_is_added_removed_and_changed_under_its_name() -> None:
    cap, other = {"name": "week", "max": 2, "window": "7d"}, {"name": "day", "max": 1, "window": "24h"}
    old, new = document(caps=[cap]), document(caps=[{**cap, "max": 3}, other])
    changed, added = changes(old, new)
    assert changed.kind == "changed" and changed.place == Place("caps", "week")  # noqa: PT018
    assert changed.fields == (FieldChange(path=("max",), old=2, new=3),)
    assert added == Change(kind="added", place=Place("caps", "day"), new=new.caps[1], after="week")
    assert [change.kind for change in changes(new, old)] == ["removed", "changed"]


def test_weights_of_a_routes_arms_are_told_arm_by_arm() -> None:
    def routes(first: int) -> list[object]:
        arms = [
            {"name": "a", "upstream": "crm", "weight": first},
            {"name": "b", "upstream": "crm", "weight": 10_000 - first},
        ]
        return [{"name": "crm", "methods": ["/pilote.*"], "arms": arms}]

    (changed,) = changes(document(routes=routes(9000)), document(routes=routes(8000)))
    assert [(field.path, field.old, field.new) for field in changed.fields] == [
        (("arms", "a", "weight"), 9000, 8000),
        (("arms", "b", "weight"), 1000, 2000),
    ]


def test_a_route_that_is_tried_earlier_has_moved() -> None:
    crm = {"name": "crm", "methods": ["/pilote.*"], "arms": [{"name": "only", "upstream": "crm"}]}
    read = {**crm, "name": "read", "methods": [READ]}
    (moved,) = changes(document(routes=[crm, read]), document(routes=[read, crm]))
    assert (moved.kind, moved.place.section) == ("moved", "routes")
    assert moved.after in ("", "read")


def test_a_section_that_is_one_thing_comes_and_goes() -> None:
    without, with_it = document(), document(pressure={"half_life": "7d"})
    (added,), (removed,) = changes(without, with_it), changes(with_it, without)
    assert (added.kind, removed.kind, added.place) == ("added", "removed", Place("pressure"))
    assert Place("pressure") not in parts(without)


def test_changes_that_do_not_fit_a_document_are_refused() -> None:
    cap = {"name": "week", "max": 2, "window": "7d"}
    without, with_it = document(), document(caps=[cap])
    with pytest.raises(ValueError, match="caps 'week' cannot be added"):
        applied(with_it, changes(without, with_it))
    with pytest.raises(ValueError, match="caps 'week' cannot be removed"):
        applied(without, changes(with_it, without))


def test_changes_of_two_people_to_different_parts_can_be_made_one_after_the_other() -> None:
    week, day = {"name": "week", "max": 2, "window": "7d"}, {"name": "day", "max": 1, "window": "24h"}
    base = document(caps=[week])
    mine, theirs = document(caps=[{**week, "max": 3}]), document(caps=[week, day])
    both = applied(theirs, changes(base, mine))
    assert [(cap.name, cap.max) for cap in both.caps] == [("week", 3), ("day", 1)]


def test_a_limit_that_counts_otherwise_is_told_by_what_it_says_and_said() -> None:
    rate, window = (
        {"name": "rate", "by": ["agent"], "rate": 5},
        {"name": "rate", "by": ["agent"], "max": 5, "window": "1h"},
    )
    (changed,) = changes(document(limits=[rate]), document(limits=[window]))
    assert [(field.path, field.old, field.new) for field in changed.fields] == [
        (("rate",), 5, msgspec.UNSET),
        (("max",), msgspec.UNSET, 5),
        (("window",), None, "1h"),
    ]


def test_one_true_and_1_0_are_not_the_same() -> None:
    assert [len(differences(old, new)) for old, new in ((1, True), (1, 1.0), (1, 1))] == [1, 1, 0]


def test_every_listed_part_has_a_name() -> None:
    fields = inspect.type_info(Document).fields  # type: ignore[attr-defined] # a StructType
    listed = [field.type.item_type for field in fields if isinstance(field.type, inspect.VarTupleType)]
    assert len(listed) > 15
    assert all("name" in kind.cls.__struct_fields__ for kind in listed if isinstance(kind, inspect.StructType))
