"""Two people have edited one policy: what does not meet is put together, what does is named."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.changes import Place, parts
from gateway.core.merging import merge
from gateway.core.policy.document import Document, Holds
from gateway.core.policy.people import Person
from gateway.core.policy.ruling import Rule
from gateway.core.policy.serving import Arm, Route

NAMES = ("a", "b", "c", "d", "e")


def rules(names: list[str], effects: dict[str, bool]) -> tuple[Rule, ...]:
    return tuple(Rule(name=name, effect="deny" if effects.get(name) else "allow") for name in names)


def routes(names: list[str], methods: dict[str, bool]) -> tuple[Route, ...]:
    arm = Arm(name="only", upstream="crm")
    return tuple(Route(name=n, methods=("/a.*" if methods.get(n) else "/b.*",), arms=(arm,)) for n in names)


CHOSEN = st.lists(st.sampled_from(NAMES), unique=True)
FLAGS = st.dictionaries(st.sampled_from(NAMES), st.booleans())
DOCUMENTS = st.builds(
    lambda description, holds, names, flags, ways, methods: Document(
        description=description,
        agents=(),
        upstreams=(),
        routes=routes(ways, methods),
        rules=rules(names, flags),
        holds=Holds(expires=holds),
    ),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(["1h", "2h"]),
    CHOSEN,
    FLAGS,
    CHOSEN,
    FLAGS,
)


@given(base=DOCUMENTS, one=DOCUMENTS, two=DOCUMENTS)
def test_whose_edit_comes_first_makes_no_difference(base: Document, one: Document, two: Document) -> None:
    assert merge(base, one, two) == merge(base, two, one)


@given(base=DOCUMENTS, one=DOCUMENTS)
def test_who_is_alone_in_editing_gets_what_they_wrote(base: Document, one: Document) -> None:
    assert merge(base, base, one).document == one
    assert merge(base, one, one).document == one


@given(base=DOCUMENTS, one=DOCUMENTS, two=DOCUMENTS)
def test_every_part_is_as_whoever_changed_it_wants_it_and_where_both_did_it_is_named(
    base: Document, one: Document, two: Document
) -> None:
    merged = merge(base, one, two)
    was, first, second = parts(base), parts(one), parts(two)
    met = {
        place
        for place in {*was, *first, *second}
        if first.get(place) != was.get(place)
        and second.get(place) != was.get(place)
        and first.get(place) != second.get(place)
    }
    assert {place for place in merged.conflicts if place.name or place in was} >= met
    assert all(place in met or place in (Place("routes"), Place("rules")) for place in merged.conflicts)
    if merged.document is not None:
        for place, part in parts(merged.document).items():
            assert part == (second if first.get(place) == was.get(place) else first)[place]


@given(base=DOCUMENTS, edits=st.lists(st.sampled_from(["description", "holds", "rules", "routes"]), unique=True))
def test_edits_of_different_sections_give_the_same_in_any_order(base: Document, edits: list[str]) -> None:
    changed = {
        "description": "new",
        "holds": Holds(expires="9h"),
        "rules": (*base.rules, Rule(name="new", effect="deny")),
        "routes": base.routes[1:],
    }
    single = [msgspec.structs.replace(base, **{name: changed[name]}) for name in edits]
    wanted = msgspec.structs.replace(base, **{name: changed[name] for name in edits})
    for order in itertools.permutations(single):
        whole = base
        for each in order:
            merged = merge(base, whole, each)
            assert merged.document is not None
            whole = merged.document
        assert whole == wanted


def test_two_new_routes_at_one_place_are_a_question_but_two_new_rules_are_not() -> None:
    base = Document(agents=(), upstreams=(), routes=routes(["a"], {}), rules=rules(["a"], {}))
    one = msgspec.structs.replace(base, rules=rules(["a", "c"], {}))
    two = msgspec.structs.replace(base, rules=rules(["a", "b"], {}))
    merged = merge(base, one, two).document
    assert merged is not None
    assert [rule.name for rule in merged.rules] == ["a", "b", "c"]
    one = msgspec.structs.replace(base, routes=routes(["a", "c"], {}))
    two = msgspec.structs.replace(base, routes=routes(["a", "b"], {}))
    assert merge(base, one, two).conflicts == (Place("routes"),)


def test_a_part_that_one_removes_and_the_other_changes_is_a_question() -> None:
    ada = Person(name="ada", public_key="ed25519:" + "a" * 64)
    base = Document(agents=(), upstreams=(), routes=(), rules=(), people=(ada,))
    one = msgspec.structs.replace(base, people=())
    two = msgspec.structs.replace(base, people=(msgspec.structs.replace(ada, may_write=False),))
    assert merge(base, one, two).conflicts == (Place("people", "ada"),)
