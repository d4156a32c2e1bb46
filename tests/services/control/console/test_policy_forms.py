"""Forms of a policy's parts: what is shown in one comes back as it was."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import FormMultiDict

from gateway.core.policy.objectives import Guarded
from services.control.console.policy.field import Field
from services.control.console.policy.fields import FORMS, NEW, filled, shown
from tests.policies import demo


def sent(part: dict[str, Any], section: str, **changed: str | list[str]) -> FormMultiDict:
    """What a browser sends of a form that was filled in by what is shown, with some fields changed."""
    values: list[tuple[str, str]] = []
    for field in FORMS[section]:
        value = changed.get(field.path, shown(part, section, field))
        if field.kind == "shares":
            each = shown(part, section, field)
            values += [
                (name, changed.get(name, each[name.partition(".")[2]]))
                for name in map(f"{field.path}.{{}}".format, each)
            ]
            continue
        several = value if isinstance(value, list) else [value]
        values += (
            [(field.path, ""), *((field.path, each) for each in several)]
            if field.kind == "checks"
            else [(field.path, several[0])]
        )
    return FormMultiDict(values)


PARTS = [(section, part) for section in FORMS if section != "packs" for part in demo().get(section, ())]


@pytest.mark.parametrize(("section", "part"), PARTS, ids=[part["name"] for _, part in PARTS])
def test_a_form_that_nobody_has_changed_changes_nothing(section: str, part: dict[str, Any]) -> None:
    assert filled(part, section, sent(part, section)) == part


def test_what_a_form_does_not_show_stays() -> None:
    cap = {
        "name": "a",
        "max": 1,
        "window": "7d",
        "priority": ["legal"],
        "exempt": [],
        "calendar": {"week_start": "sun"},
    }
    assert filled(cap, "caps", sent(cap, "caps", max="")) == cap | {"max": None}
    assert filled(cap, "caps", sent(cap, "caps", window="")) == {k: v for k, v in cap.items() if k != "window"}


def test_fields_below_others_come_and_go_with_what_they_are_below() -> None:
    rule = {"name": "a", "effect": "deny"}
    with_words = filled(rule, "rules", sent(rule, "rules", **{"message.en": "No.", "message.fr": "Non."}))
    assert with_words["message"] == {"en": "No.", "fr": "Non."}
    assert filled(with_words, "rules", sent(with_words, "rules", **{"message.en": "", "message.fr": ""})) == rule


def test_what_cannot_be_read_is_kept_for_the_check_to_find() -> None:
    found = filled({"name": "a"}, "caps", sent({"name": "a"}, "caps", max="two"))
    assert found["max"] == "two"
    hours = filled({}, "quiet_hours", sent({}, "quiet_hours", name="q", open="mon tue 9:00 20:00\nnever\n10:00 12:00"))
    assert hours["open"] == [
        {"days": ["mon", "tue"], "from": "09:00", "to": "20:00"}, "never", {"from": "10:00", "to": "12:00"},
    ]  # fmt: skip


@pytest.mark.parametrize("section", [*NEW])
def test_a_new_part_begins_with_what_its_form_can_show(section: str) -> None:
    part = dict(NEW[section])
    assert filled(part, section, sent(part, section)) == part


@given(st.text(max_size=40), st.sampled_from([field for field in FORMS["rules"] if field.kind != "checks"]))
def test_nothing_that_is_typed_into_a_field_makes_a_form_fail(typed: str, field: Field) -> None:
    filled({"name": "a"}, "rules", sent({"name": "a"}, "rules", **{field.path: typed}))


def test_an_arm_on_a_line_keeps_what_its_line_does_not_show() -> None:
    arms = [{"name": "a", "weight": 5000, "value": {"tone": "warm"}}, {"name": "b", "weight": 5000, "arm": "new"}]
    part = {"name": "tone", "arms": arms}
    assert shown(part, "experiments", _field("arms")) == "a 5000\nb 5000 new"
    found = filled(
        part, "experiments", sent(part, "experiments", arms="a 2500 old\nb 5000\nc 2500\n\nnot an arm at all")
    )
    assert found["arms"] == [
        {"name": "a", "arm": "old", "weight": 2500, "value": {"tone": "warm"}},
        {"name": "b", "weight": 5000},
        {"name": "c", "weight": 2500},
        "not an arm at all",
    ]


def test_an_agents_autonomy_and_a_routes_objectives_come_and_go() -> None:
    agent = {"name": "a", "tenant": "acme", "keys": [{"id": "k", "sha256": "0" * 64}]}
    bounded = filled(agent, "agents", sent(agent, "agents", **{"autonomy.CONTACT": "approve"}))
    assert bounded == agent | {"autonomy": {"CONTACT": "approve"}}
    assert filled(bounded, "agents", sent(bounded, "agents", **{"autonomy.CONTACT": ""})) == agent
    route = {"name": "r", "methods": ["/a.B/*"], "arms": [{"name": "m", "upstream": "u"}]}
    promised = {"objectives.availability": "99.9", "objectives.latency.within": "300ms"}
    found = filled(route, "routes", sent(route, "routes", **promised))
    assert found["objectives"] == {"availability": 99.9, "latency": {"within": "300ms"}}
    assert found["arms"] == route["arms"]


def _field(path: str) -> Field:
    return next(field for field in FORMS["experiments"] if field.path == path)


_ARMS = st.lists(
    st.fixed_dictionaries(
        {"name": st.from_regex(r"[a-z][a-z0-9_.-]{0,9}", fullmatch=True)},
        optional={"weight": st.integers(0, 10_000), "arm": st.just("main"), "value": st.booleans()},
    ),
    min_size=1,
    unique_by=lambda each: each["name"],
)


@given(_ARMS, st.text(max_size=30))
def test_lines_come_back_as_they_were_and_nothing_that_is_typed_makes_them_fail(
    arms: list[dict[str, Any]], typed: str
) -> None:
    part = {"name": "e", "arms": arms}
    assert filled(part, "experiments", sent(part, "experiments")) == part
    more = f"{shown(part, 'experiments', _field('arms'))}\n{typed}"
    assert filled(part, "experiments", sent(part, "experiments", arms=more))["arms"][: len(arms)] == arms


def test_guardrails_come_change_and_go_and_what_is_no_number_is_left_to_the_check() -> None:
    bare = {"name": "spring", "kpi": "nps"}
    guarded = filled(bare, "objectives", sent(bare, "objectives", **{"guardrails.opt_out_rate": "0,01"}))
    assert guarded == bare | {"guardrails": [{"measure": "opt_out_rate", "most": 0.01}]}
    several = filled(
        guarded,
        "objectives",
        sent(guarded, "objectives", **{"guardrails.opt_out_rate": "0.02", "guardrails.complaint_rate": "few"}),
    )
    assert several["guardrails"] == [
        {"measure": "opt_out_rate", "most": 0.02}, {"measure": "complaint_rate", "most": "few"},
    ]  # fmt: skip
    none = {"guardrails.opt_out_rate": "", "guardrails.complaint_rate": " "}
    assert filled(several, "objectives", sent(several, "objectives", **none)) == bare


_GUARDRAILS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"measure": st.sampled_from(get_args(Guarded)), "most": st.floats(0, 1)}),
        st.text(max_size=5),
        st.fixed_dictionaries({"measure": st.text(max_size=5) | st.integers()}),
    ),
    min_size=1,
    max_size=6,
)


@given(_GUARDRAILS, st.sampled_from(get_args(Guarded)), st.floats(0, 1).map("{:.6f}".format))
def test_guardrails_come_back_as_they_were_and_only_the_one_that_is_changed_changes(
    guardrails: list[Any], measure: str, most: str
) -> None:
    part = {"name": "o", "guardrails": guardrails}
    assert filled(part, "objectives", sent(part, "objectives")) == part
    found = filled(part, "objectives", sent(part, "objectives", **{f"guardrails.{measure}": most}))
    others = [each for each in guardrails if not isinstance(each, dict) or each["measure"] != measure]
    assert [each for each in found["guardrails"] if not isinstance(each, dict) or each["measure"] != measure] == others
    assert {"measure": measure, "most": float(most)} in found["guardrails"]
