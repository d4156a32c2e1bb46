"""What agents tell of consents becomes statements with a time and a proof, or is refused by the field that is wrong."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Facts
from gateway.core.consents import Consent, by_channel, latest
from gateway.core.errors import CallEnded, Reason
from gateway.core.fact_changes import Known, changed
from gateway.rpc.times import timestamp
from pilote.cdp.v1 import profile_pb2
from services.intake.consent_messages import AHEAD_MS, MOST, MOST_KEPT, consents_of, said_in, statements_of

NOW_MS = 1_700_000_000_000
STATUSES = {
    "granted": profile_pb2.CONSENT_STATUS_GRANTED,
    "refused": profile_pb2.CONSENT_STATUS_DENIED,
    "withdrawn": profile_pb2.CONSENT_STATUS_WITHDRAWN,
}


def consent(status: str = "granted", **fields: Any) -> profile_pb2.Consent:
    chosen: dict[str, Any] = {"purpose": "marketing", "channel": "email", "status": STATUSES[status]}
    if status == "granted":
        chosen["legal_basis"] = profile_pb2.LEGAL_BASIS_CONSENT
    times = {name: timestamp(value) for name, value in fields.items() if name.endswith("_time")}
    return profile_pb2.Consent(**(chosen | fields | times))


def said(facts: Facts, *consents: profile_pb2.Consent, now_ms: int = NOW_MS) -> Facts:
    told = statements_of(said_in(consents, agent="sales-bot", now_ms=now_ms), facts, now_ms=now_ms)
    return changed(Known(facts), (), told).facts


def test_a_consent_says_who_told_it_when_and_by_what_proof() -> None:
    basis = profile_pb2.LEGAL_BASIS_CONTRACT
    facts = said(Facts(), consent(source="form 7", legal_basis=basis), consent("refused", channel="sms", purpose="*"))
    one, other = facts.consent_records
    assert (one.status, one.captured_ms, one.legal_basis) == ("granted", NOW_MS, "contract")
    assert (one.purpose, one.proof) == ("marketing", "agent sales-bot: form 7")
    assert (other.status, other.captured_ms, other.purpose, other.proof) == ("refused", NOW_MS, "", "agent sales-bot")


def test_a_withdrawal_is_said_now_or_when_it_says_and_keeps_when_the_consent_was_given() -> None:
    given_ = said(Facts(), consent(capture_time=5_000))
    for withdrawn_ms, told in ((NOW_MS, consent("withdrawn")), (9_000, consent("withdrawn", withdrawal_time=9_000))):
        last = latest(said(given_, told).consent_records)
        assert last is not None
        assert (last.status, last.captured_ms, last.withdrawn_ms) == ("withdrawn", 5_000, withdrawn_ms)


def test_a_consent_that_is_told_late_does_not_undo_a_later_withdrawal() -> None:
    gone = said(Facts(), consent("withdrawn", withdrawal_time=9_000))
    assert by_channel(said(gone, consent(capture_time=8_000)).consent_records) == {"email/marketing": False}
    assert by_channel(said(gone, consent(capture_time=10_000)).consent_records) == {"email/marketing": True}


def test_a_no_is_not_lost_to_a_clock_that_runs_ahead() -> None:
    ahead = said(Facts(), consent(), now_ms=NOW_MS + 60_000)
    for no in ("refused", "withdrawn"):
        assert by_channel(said(ahead, consent(no)).consent_records) == {"email/marketing": False}


@given(st.lists(st.tuples(st.sampled_from(sorted(STATUSES)), st.sampled_from(["*", "news"])), min_size=1, max_size=8))
def test_what_is_said_last_is_what_a_profile_shows(words: list[tuple[str, str]]) -> None:
    facts = Facts()
    for step, (status, purpose) in enumerate(words):
        facts = said(facts, consent(status, purpose=purpose), now_ms=NOW_MS + step)
    shown = {each.purpose: each.status for each in consents_of(facts)}
    # A word about everything counts for every purpose that was spoken of.
    for purpose, last in shown.items():
        met = [word for word, about in words if about in ("*", purpose)]
        assert last == STATUSES[met[-1]]


WRONG = [
    ([], "consents"),
    ([consent(channel=f"c{number}") for number in range(MOST + 1)], "consents"),
    ([consent(), consent("refused")], "consents[1]"),
    ([consent(purpose="")], "consents[0].purpose"),
    ([consent(purpose="Pour tout")], "consents[0].purpose"),
    ([consent(), consent(channel="*")], "consents[1].channel"),
    ([consent(channel="")], "consents[0].channel"),
    ([consent(status="granted", legal_basis=0)], "consents[0].legal_basis"),
    ([consent(legal_basis=77)], "consents[0].legal_basis"),
    ([profile_pb2.Consent(purpose="news", channel="email")], "consents[0].status"),
    ([consent(capture_time=NOW_MS + AHEAD_MS + 1)], "consents[0].capture_time"),
    ([consent(capture_time=-1)], "consents[0].capture_time"),
    ([consent(withdrawal_time=5)], "consents[0].withdrawal_time"),
    ([consent("withdrawn", capture_time=9, withdrawal_time=5)], "consents[0].withdrawal_time"),
    ([consent("withdrawn", withdrawal_time=0)], "consents[0].withdrawal_time"),
    ([consent(expire_time=NOW_MS)], "consents[0].expire_time"),
    ([consent(source="x" * 101)], "consents[0].source"),
    ([consent(source="mail of ada@example.org")], "consents[0].source"),
]


@pytest.mark.parametrize(("consents", "field"), WRONG)
def test_what_is_wrong_is_named_by_its_field(consents: list[profile_pb2.Consent], field: str) -> None:
    with pytest.raises(CallEnded) as ended:
        said_in(consents, agent="sales-bot", now_ms=NOW_MS)
    assert ended.value.reason == Reason.ARGUMENT_INVALID
    assert field in dict(ended.value.violations)


def test_nobody_fills_the_store_with_consents_but_a_no_is_always_kept() -> None:
    many = Facts(
        consent_records=tuple(
            Consent(channel="email", status="granted", captured_ms=1, proof=str(number)) for number in range(MOST_KEPT)
        )
    )
    with pytest.raises(CallEnded) as ended:
        said(many, consent())
    assert ended.value.reason == Reason.LIMIT_EXCEEDED
    assert by_channel(said(many, consent("withdrawn")).consent_records)["email/marketing"] is False
