"""What came of copies is said in both languages, with nothing left to fill in and nothing left unsaid."""

from typing import Any

import pytest

from gateway.copies import looks
from gateway.core import explain_copies as module
from gateway.core.explain_copies import explain_copies
from gateway.core.shadows import CopyEnd, Difference, ShadowResult
from pilote.decision.v1 import decision_pb2


def a_copy(end: CopyEnd = CopyEnd.AGREED, **changes: Any) -> ShadowResult:
    wanted: dict[str, Any] = {
        "id": "a" * 32,
        "kind": "shadow",
        "end": end,
        "route": "crm",
        "arm": "next",
        "upstream": "next-crm",
        "received_ms": 1_000,
        "revision": 7,
        "verdict": "ALLOW",
        "served_status": "OK",
        "served_us": 2_000,
    }
    return ShadowResult(**(wanted | changes))


DIFFERENT = a_copy(
    CopyEnd.DIFFERED,
    version="2",
    sent=True,
    status="OK",
    compared=True,
    took_us=12_345,
    differences=(Difference("score.*", "changed", 3, 0.125), Difference("by", "added"), Difference("", "missing")),
    more=4,
    answered="gpt-4o-2024-11-20",
    costs={"spend": 3},
    served_costs={"spend": 2},
)
EVERY = (
    *(a_copy(end) for end in CopyEnd),
    DIFFERENT,
    a_copy(CopyEnd.DIFFERED, verdict="DENY", reason="POLICY_DENIED", rule="no", rules_added=("no",)),
    a_copy(CopyEnd.DIFFERED, verdict="DENY", reason="POLICY_DENIED", rules_missing=("open",)),
    a_copy(CopyEnd.DIFFERED, sent=True, status="NOT_FOUND", compared=True, differences=(Difference("", "missing"),)),
    a_copy(CopyEnd.STOPPED, verdict="", stop="version=lead-score/2"),
)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_sentence_is_whole(language: str) -> None:
    sentences = explain_copies(EVERY, language=language)
    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences)


def test_every_text_there_is_gets_said() -> None:
    said = " ".join(explain_copies(EVERY))
    beginnings = {key: english.partition("{")[0] for key, (english, _) in module._TEXTS.items()}
    assert [key for key, begin in beginnings.items() if begin not in said] == []


def test_differences_are_told_by_path_and_how_far_numbers_are_apart() -> None:
    english, french = explain_copies([DIFFERENT]), explain_copies([DIFFERENT], language="fr")
    assert english == (
        "A shadow copy for next (2) came to something else.",
        "There gpt-4o-2024-11-20 answered.",
        "Differences: score.* (changed, 12.50 %, 3x), by (added), the whole reply (missing).",
        "4 further fields differ.",
        "Its upstream took 12.35 ms, that of the call 2.00 ms.",
    )
    assert "score.* (modifié, 12,50 %, 3x)" in french[2]


def test_a_copy_is_the_same_after_its_way_over_the_wire() -> None:
    message = decision_pb2.Decision(name=f"decisions/{'a' * 32}", route="crm", revision=7)
    message.receive_time.FromMilliseconds(1_000)
    message.copies.extend(looks.look(each) for each in EVERY)
    assert looks.results(message) == EVERY
