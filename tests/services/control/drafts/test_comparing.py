"""What lies between policies, and drafts that follow what has become active meanwhile."""

from typing import Any

import pytest

from gateway.activation.loading import canonical, load
from gateway.core.changes import Place
from services.control.drafts.checking import loaded
from services.control.drafts.comparing import compared, draft_compared, rebased
from services.control.drafts.outline import outlined, part_of
from services.control.drafts.rendering import as_text, block
from services.control.drafts.store import DraftProblem
from services.control.drafts.trials import NoSuchPart, with_part
from tests.e2e.policy import DEMO
from tests.policies import demo, policy

DENY = {"name": "deny", "effect": "deny", "when": "false"}


def stored(**sections: Any) -> bytes:
    return canonical(load(policy(**sections)).document)


def test_a_change_is_told_in_both_languages_and_as_lines_of_text() -> None:
    found = compared(stored(), stored(rules=[*policy()["rules"], DENY]))
    assert "deny" in found.words["en"][0]
    assert "deny" in found.words["fr"][0]
    assert "+  - name: deny" in found.lines or any(line.startswith("+  - {name: deny") for line in found.lines)
    assert compared(stored(), stored()).words == {"en": (), "fr": ()}
    assert found.lines[0] == "@@ rules deny @@"
    assert compared(b"", stored()).lines[-1].startswith("+")
    (change,) = compared(stored(), stored(rules=[{"name": "open", "effect": "deny"}])).lines[1:2]
    assert change == "-  - {name: open, effect: allow}"
    assert draft_compared(stored(), block(policy()), ()).lines == ()


def test_a_draft_takes_over_what_others_have_changed_and_keeps_its_comments() -> None:
    text = block(policy()).replace(
        "rules:\n", "rules: # ours\n  # why\n  - {name: ours, effect: deny, when: 'false'}\n"
    )
    limit = {"name": "few", "by": ["agent"], "rate": 1}
    theirs = stored(rules=[*policy()["rules"], DENY], limits=[limit], description="theirs")
    after = rebased(text, stored(), theirs)
    assert "rules: # ours\n  # why\n" in after
    document = loaded(after)[0].document
    assert {rule.name for rule in document.rules} == {"ours", "open", "deny"}
    assert (document.description, document.limits[0].name) == ("theirs", "few")


def test_where_both_have_changed_one_part_people_must_look() -> None:
    text = block(policy(rules=[{"name": "open", "effect": "allow", "description": "ours"}]))
    theirs = stored(rules=[{"name": "open", "effect": "allow", "description": "theirs"}])
    with pytest.raises(DraftProblem) as problem:
        rebased(text, stored(), theirs)
    assert problem.value.code == "rebase-conflict"
    assert problem.value.values["places"] == "rules open"


def test_an_outline_lists_all_parts_with_their_lines() -> None:
    text = DEMO.read_text()
    outline = outlined(text)
    assert [part.name for part in outline.sections["caps"]] == ["marketing-pressure", "email-pressure"]
    for part in outline.sections["rules"]:
        assert f"name: {part.name}" in text.split("\n")[part.line - 1]
    assert outline.sections["rules"][-1].told["mode"] == "monitor"
    assert [part.name for part in outline.sections["rules"] if part.holds("C_SUITE segments")] == ["watch-executives"]
    assert part_of(text, "caps", "email-pressure") == {
        "name": "email-pressure", "channels": ["email"], "max": 4, "window": "7d",
    }  # fmt: skip
    assert part_of(text, "caps", "none") is None
    assert outlined(as_text(load(demo()).document)).count("rules") == 7


@pytest.mark.parametrize("text", ["", "a: [", "- a", "rules: x", "rules: {a: b}", "[" * 100_000, "rules: [*a]", "x"])
def test_an_outline_of_anything_else_is_empty(text: str) -> None:
    outline = outlined(text)
    assert all(part.name == "" for parts in outline.sections.values() for part in parts)
    assert part_of(text, "rules", "a") is None


def test_one_part_of_a_draft_is_tried_within_the_active_policy() -> None:
    active = load(policy()).document
    draft = load(policy(rules=[DENY, {"name": "open", "effect": "deny"}], description="other")).document
    tried = with_part(active, draft, Place("rules", "deny"))
    assert {rule.name: rule.effect for rule in tried.rules} == {"deny": "deny", "open": "allow"}
    assert tried.description == ""
    assert with_part(active, active, Place("rules", "open")) == active
    assert with_part(None, draft, Place("rules", "deny")) == draft
    for place in (Place("rules", "none"), Place("agents", "bot"), Place("pressure")):
        with pytest.raises(NoSuchPart):
            with_part(active, draft, place)
