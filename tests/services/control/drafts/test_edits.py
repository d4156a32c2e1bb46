"""Edits change one part of a policy's text, and nothing else in it."""

from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.control.drafts.edits import Edit, EditRefused, edited
from tests.e2e.policy import DEMO

TEXT = DEMO.read_text()


def edit(text: str, **what: Any) -> str:
    return edited(text, [msgspec.convert(what, Edit)])


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went and that came, where the texts differ: what is the same before and behind is left out."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


def test_a_weight_changes_in_its_line_and_nowhere_else() -> None:
    after = edit(TEXT, kind="set", section="routes", name="scoring", path=("arms", "champion", "weight"), value=6000)
    assert changed_lines(TEXT, after) == (
        ['      - {name: champion, version: "1", weight: 7000}'],
        ['      - {name: champion, version: "1", weight: 6000}'],
    )


def test_a_rule_is_replaced_field_by_field_and_keeps_its_comments() -> None:
    rule = next(rule for rule in yaml.safe_load(TEXT)["rules"] if rule["name"] == "marketing-needs-consent")
    after = edit(
        TEXT,
        kind="replace",
        section="rules",
        name="marketing-needs-consent",
        value=rule | {"mode": "monitor", "operations": ["CONTACT", "WRITE"]},
    )
    old, new = changed_lines(TEXT, after)
    assert old[0] == "    operations: [CONTACT]"
    assert new[0] == "    operations: [CONTACT, WRITE]"
    assert new[-1] == "    mode: monitor"
    assert "# A consent that nobody has recorded makes the rule fail" in after
    assert new[1:-1] == old[1:]


def test_a_part_is_added_behind_another_one() -> None:
    rule = {"name": "new", "when": "true &&\ntrue", "effect": "deny", "message": {"en": "No: ask", "fr": "Non : voyez"}}
    after = edit(TEXT, kind="add", section="rules", value=rule, after="writers-write")
    old, new = changed_lines(TEXT, after)
    assert old == []
    assert [each["name"] for each in yaml.safe_load(after)["rules"]][1:3] == ["writers-write", "new"]
    assert yaml.safe_load(after)["rules"][2] == rule
    assert new[0] == "  - name: new"


def test_a_part_moves_with_its_comment_and_the_rest_stays() -> None:
    text = "rules:\n  # about a\n  - name: a # first\n    effect: allow\n\n  - {name: b, effect: deny}\n  # end\n"
    after = edit(text, kind="move", section="rules", name="a")
    assert (
        after == "rules:\n\n  - {name: b, effect: deny}\n  # about a\n  - name: a # first\n    effect: allow\n  # end\n"
    )
    assert edit(after, kind="move", section="rules", name="a", after="") == (
        "rules:\n\n  # about a\n  - name: a # first\n    effect: allow\n  - {name: b, effect: deny}\n  # end\n"
    )


def test_a_section_is_added_between_those_before_and_behind_it() -> None:
    after = edit(TEXT, kind="set", section="pressure", value={"half_life": "7d", "max": 5})
    assert changed_lines(TEXT, after) == ([], ["pressure: {half_life: 7d, max: 5}", ""])
    sections = list(yaml.safe_load(after))
    assert sections.index("caps") < sections.index("pressure")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rules:\n  - name: a\n    effect: allow\n", "rules: []\n"),
        ("rules: # all\n  - {name: a, effect: allow}\ncaps: []\n", "rules: [] # all\ncaps: []\n"),
        ("rules: [{name: a, effect: allow}]", "rules: []"),
        ("{rules: [{name: b}, {name: a, effect: allow}], caps: []}", "{rules: [{name: b}], caps: []}"),
        ("rules:\n- name: b\n- name: a\n  # within\n# behind\n", "rules:\n- name: b\n# behind\n"),
        ("rules:\r\n  - name: a\r\n  - name: b\r\n", "rules:\r\n  - name: b\r\n"),
    ],
)
def test_the_last_and_any_other_part_is_removed(before: str, after: str) -> None:
    assert edit(before, kind="remove", section="rules", name="a") == after


def test_a_part_is_added_to_an_empty_list_and_to_none() -> None:
    part = {"name": "a", "effect": "allow"}
    assert edit("", kind="add", section="rules", value=part) == "rules:\n  - {name: a, effect: allow}\n"
    assert edit("rules: []\n", kind="add", section="rules", value=part) == "rules:\n  - {name: a, effect: allow}\n"
    assert edit("rules:\ncaps: []\n", kind="add", section="rules", value=part) == (
        "rules:\n  - {name: a, effect: allow}\ncaps: []\n"
    )


def test_lines_that_come_end_like_those_that_are_there() -> None:
    after = edit("rules:\r\n  - name: b\r\n", kind="add", section="rules", value={"name": "a", "when": "x\n|| y"})
    assert "\n" not in after.replace("\r\n", "")


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("rules: [", "edit-yaml", {"kind": "remove", "section": "rules", "name": "a"}),
        ("- a", "edit-yaml", {"kind": "remove", "section": "rules", "name": "a"}),
        ("[" * 100_000, "edit-yaml", {"kind": "remove", "section": "rules", "name": "a"}),
        (TEXT, "edit-name", {"kind": "remove", "section": "rules", "name": "nobody"}),
        (TEXT, "edit-section", {"kind": "remove", "section": "ruels", "name": "nobody"}),
        (TEXT, "edit-taken", {"kind": "add", "section": "rules", "value": {"name": "writers-write"}}),
        (TEXT, "edit-unnamed", {"kind": "add", "section": "rules", "value": {"effect": "allow"}}),
        (TEXT, "edit-after", {"kind": "add", "section": "rules", "value": {"name": "a"}, "after": "nobody"}),
        (TEXT, "edit-list", {"kind": "add", "section": "replay", "value": {"name": "a"}}),
        ("rules: [&a {name: a}, *a]", "edit-layout", {"kind": "remove", "section": "rules", "name": "a"}),
    ],
)
def test_what_cannot_be_edited_without_harm_is_refused(text: str, code: str, what: dict[str, Any]) -> None:
    with pytest.raises(EditRefused) as refused:
        edit(text, **what)
    assert refused.value.code == code


NAMES = ("ann", "bob", "cid", "dan")
WORDS = st.text("abc d:#'\"{}[],&*!|>%@`-?é😀\\", max_size=12)
VALUES = st.one_of(WORDS, st.integers(-5, 10_000), st.booleans(), st.none(), st.lists(WORDS, max_size=3))


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, list[str]]:
    """The text of a section, with comments, blank lines and parts in several styles; and the parts' own texts."""
    parts = []
    for name in NAMES:
        above = draw(st.sampled_from(["", "  # above\n", "\n", "\n  # far\n\n", "  # two\n  # lines\n"]))
        style = draw(st.sampled_from(["block", "flow", "literal", "quoted"]))
        own = {
            "block": f"  - name: {name} # named\n    effect: allow\n    # within\n    when: a\n",
            "flow": f"  - {{name: {name}, effect: allow, when: a}} # flow\n",
            "literal": f"  - name: {name}\n    effect: allow\n    when: |\n      a\n      # no comment\n",
            "quoted": f'  -   name: \'{name}\'\n      effect: "allow"\n      when: "a"\n',
        }[style]
        parts.append(above + own)
    return "# top\nagents: []\n\nrules: # these\n" + "".join(parts) + "\n# caps\ncaps: []\n", parts


@given(entries(), st.sampled_from(NAMES), st.sampled_from(["effect", "when", "description"]), VALUES)
@settings(max_examples=150)
def test_setting_a_field_leaves_all_lines_of_other_parts(
    written: tuple[str, list[str]], name: str, field: str, value: object
) -> None:
    text, parts = written
    own = parts[NAMES.index(name)]
    after = edit(text, kind="set", section="rules", name=name, path=(field,), value=value)
    start = text.index(own)
    assert after.startswith(text[:start])
    assert after.endswith(text[start + len(own) :])
    assert yaml.safe_load(after)["rules"][NAMES.index(name)][field] == value


@given(entries(), st.sampled_from(NAMES))
@settings(max_examples=100)
def test_removing_a_part_leaves_all_lines_of_other_parts(written: tuple[str, list[str]], name: str) -> None:
    text, parts = written
    own = parts[NAMES.index(name)]
    after = edit(text, kind="remove", section="rules", name=name)
    start = text.index(own)
    before, behind = text[:start], text[start + len(own) :]
    assert after.startswith(before)
    assert after.endswith(behind)
    left = after[len(before) : len(after) - len(behind)]
    assert all(line.strip() == "" or line.strip().startswith("#") for line in left.splitlines())


@given(entries(), st.sampled_from(NAMES), st.sampled_from(["", None, *NAMES]))
@settings(max_examples=100)
def test_moving_a_part_keeps_every_line(written: tuple[str, list[str]], name: str, after: str | None) -> None:
    text, _ = written
    moved = edit(text, kind="move", section="rules", name=name, after=after)
    assert sorted(moved.splitlines()) == sorted(text.splitlines())


@given(entries(), st.dictionaries(st.sampled_from(["effect", "when", "description", "mode"]), VALUES, max_size=4))
@settings(max_examples=100)
def test_replacing_a_part_says_just_what_was_asked_for(written: tuple[str, list[str]], value: dict[str, Any]) -> None:
    text, parts = written
    after = edit(text, kind="replace", section="rules", name="bob", value={"name": "bob"} | value)
    assert yaml.safe_load(after)["rules"][1] == {"name": "bob"} | value
    start = text.index(parts[1])
    assert after.startswith(text[:start])
    assert after.endswith(text[start + len(parts[1]) :])
