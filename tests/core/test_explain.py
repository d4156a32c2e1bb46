"""A decision in words: everything that can be said is said in both languages, with nothing left to fill in."""

import itertools

import pytest

from gateway.core import explain as module
from gateway.core.explain import explain
from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, RuleLook, Settlement, Verdict

RULES = tuple(
    RuleLook(rule=f"r-{effect}-{mode}-{error}", effect=effect, mode=mode, error=error)
    for effect, mode, error in itertools.product(("allow", "deny", "redact"), ("enforce", "monitor"), ("", "broke"))
)
CAP = BucketAsk(limit="pressure", kind="cap", capacity=2, period_ms=604_800_000, by="subject=ab")
RECORD = Record(
    id="0" * 32,
    received_ms=1,
    decided_ms=2,
    verdict=Verdict.ALLOW,
    rules=RULES,
    buckets=(CAP, CAP, CAP),
    tenant="acme",
    agent="bot",
    method="/a.B/C",
    operation="CONTACT",
    subject_ref="ab",
    channel="email",
    model="lead-score",
    version="2",
    route="crm",
    arm="one",
    upstream="crm",
    revision=7,
    trace_id="1" * 32,
)
LOOKS = (BucketLook(1, 0), BucketLook(2, 90_000), BucketLook(0, -1))
ENDED = Settlement(id="0" * 32, settled_ms=3, status="OK", total_us=1_500, overhead_us=250)


def _sentences(language: str) -> list[str]:
    """Every way in which a call may go, in that language."""
    doubtful = Settlement(id="0" * 32, settled_ms=3, status="UNKNOWN", in_doubt=True, gave_back=True)
    nobody = Record(id="0" * 32, received_ms=1, decided_ms=2, verdict=Verdict.DENY, reason="AGENT_UNAUTHENTICATED")
    return [
        *explain(RECORD, Outcome(granted=True, looks=LOOKS, first="f" * 32), settlement=ENDED, language=language),
        *explain(RECORD, Outcome(granted=False, looks=LOOKS, refused=1), settlement=None, language=language),
        *explain(RECORD, Outcome(granted=True), settlement=None, language=language),
        *explain(RECORD, Outcome(granted=True), settlement=doubtful, language=language),
        *explain(RECORD, Outcome(granted=False, reason="STOPPED", stop="all"), settlement=None, language=language),
        *explain(nobody, Outcome(granted=False), settlement=None, language=language),
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_sentence_is_whole(language: str) -> None:
    sentences = _sentences(language)

    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences)


def test_every_text_there_is_gets_said() -> None:
    said = _sentences("en")
    beginnings = {key: english.partition("{")[0] for key, (english, _) in module._TEXTS.items()}

    assert [key for key, begin in beginnings.items() if not any(line.startswith(begin) for line in said)] == []


def test_a_cap_that_refused_is_named_with_its_count_and_when_it_is_free_again() -> None:
    lines = explain(RECORD, Outcome(granted=False, looks=LOOKS, refused=1), settlement=None)

    assert "pressure (subject=ab): 2 of 2 within 7 d were used up; free again in 2 min." in lines
    assert "The call was refused: CAP_EXCEEDED." in lines


def test_numbers_are_written_as_the_language_writes_them() -> None:
    outcome = Outcome(granted=True)

    assert "after 1.50 ms, of which" in " ".join(explain(RECORD, outcome, settlement=ENDED))
    assert "après 1,50 ms, dont 0,25 ms" in " ".join(explain(RECORD, outcome, settlement=ENDED, language="fr"))
