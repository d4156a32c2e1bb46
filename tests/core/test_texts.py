"""What callers read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import refusal
from gateway.core import consent_texts, texts
from gateway.core.call import Call, Operation
from gateway.core.consent_rules import ConsentRule, Missing, Standing
from gateway.core.decide import Decision
from gateway.core.errors import Reason
from gateway.core.limits import Bucket
from gateway.core.policy.vocabulary import Message
from gateway.core.record import BucketLook, Verdict

PLACEHOLDER = re.compile(r"\{(\w+)\}")
REFUSED_PLAINLY = (
    Reason.METHOD_UNDESCRIBED,
    Reason.ROUTE_NOT_FOUND,
    Reason.IDEMPOTENCY_KEY_REUSED,
    Reason.IDEMPOTENCY_KEY_RUNNING,
    Reason.UPSTREAM_IN_DOUBT,
    Reason.HOLD_REFUSED,
    Reason.HOLD_EXPIRED,
    Reason.HOLD_DAMAGED,
    Reason.AUTONOMY_OBSERVE,
)
"""What the pipeline, and the store's function, refuse for without a rule or bucket."""
REFUSED_BY_RULE = (Reason.POLICY_DENIED, Reason.CONSENT_MISSING, Reason.QUIET_HOURS)


@pytest.mark.parametrize("reason", [*REFUSED_PLAINLY, *REFUSED_BY_RULE])
def test_every_reason_to_refuse_has_words_in_both_languages_and_nothing_left_to_fill_in(reason: Reason) -> None:
    ended = refusal.plain(reason, agent="sales-bot", method="/a.B/C", language="fr")
    assert ended.localized is not None
    assert ended.localized[0] == "fr"
    assert ended.localized[1] != ended.message
    assert not PLACEHOLDER.search(ended.message + ended.localized[1])


@pytest.mark.parametrize("hold", ["", "holds/0123"])
@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.DEFER])
def test_a_kept_call_is_told_by_which_name_to_wait_for_it(verdict: Verdict, hold: str) -> None:
    plan = refusal.Plan(verdict=verdict, why=Reason.QUIET_HOURS, rule="nights", wait_ms=90_000, kept_ms=100_000)
    kept = refusal.kept(plan, agent="a", method="/a.B/C", revision=1, language="fr", hold=hold)
    assert kept.metadata.get("hold", "") == hold
    assert kept.retry_after_ms == (90_000 if verdict is Verdict.DEFER else None)
    assert kept.localized is not None
    for text in (kept.message, kept.localized[1]):
        assert hold in text
        assert not PLACEHOLDER.search(text)


def test_a_stream_that_needs_a_person_is_told_what_to_do_instead() -> None:
    ended = refusal.stream_held(agent="a", method="/a.B/C", rule="r", language="fr")
    assert ended.localized is not None
    assert "unary" in ended.message
    assert "unaire" in ended.localized[1]
    assert "hold" not in ended.metadata


@pytest.mark.parametrize(("kind", "reason"), [("cap", Reason.CAP_EXCEEDED), ("rate", Reason.LIMIT_EXCEEDED)])
@pytest.mark.parametrize("wait_ms", [-1, 1, 86_400_000])
def test_a_full_bucket_says_how_full_it_is_and_when_to_come_back(kind: str, reason: Reason, wait_ms: int) -> None:
    bucket = Bucket("pressure", kind, "agent=a", 4, 604_800_000, 0, "enforce")
    ended = refusal.by_bucket(bucket, BucketLook(4, wait_ms), agent="a", method="/a.B/C", language="fr")
    assert ended.reason is reason
    assert ended.retry_after_ms == (wait_ms if wait_ms > 0 else None)
    assert ended.localized is not None
    for text in (ended.message, ended.localized[1]):
        assert "4 " in text
        assert not PLACEHOLDER.search(text)


def test_english_callers_get_no_second_text() -> None:
    assert refusal.plain(Reason.POLICY_DENIED, agent="a", method="/a.B/C", language="en").localized is None


def test_both_languages_fill_in_the_same_values() -> None:
    for english, french in texts._REFUSALS.values():
        assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(french))


def test_french_has_its_accents_and_its_apostrophes() -> None:
    french = " ".join(text for _, text in texts._REFUSALS.values())
    assert set("éàçûê’") & set(french) >= set("éàê’")
    assert "'" not in french


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text()))
def test_filling_in_never_interprets_what_is_filled_in(values: dict[str, str]) -> None:
    wanted = "|".join(values.get(name, "{" + name + "}") for name in "abca")
    assert texts.fill("{a}|{b}|{c}|{a}", values) == wanted


def test_an_agent_named_like_a_placeholder_stays_a_name() -> None:
    assert texts.fill("{agent} and {rule}", {"agent": "{rule}", "rule": "x"}) == "{rule} and x"


@pytest.mark.parametrize(
    ("ms", "english", "french"),
    [
        (-1, "0 ms", "0 ms"),
        (0, "0 ms", "0 ms"),
        (999, "999 ms", "999 ms"),
        (1_000, "1 s", "1 s"),
        (1_201, "1.3 s", "1,3 s"),
        (60_000, "1 min", "1 min"),
        (60_001, "2 min", "2 min"),
        (3_600_000, "1 h", "1 h"),
        (5_400_000, "1 h 30 min", "1 h 30 min"),
        (604_800_000, "7 d", "7 j"),
        (601_200_000, "6 d 23 h", "6 j 23 h"),
        (601_200_001, "7 d", "7 j"),
        (90_060_000, "1 d 2 h", "1 j 2 h"),
    ],
)
def test_a_span_is_rounded_up_to_two_units(ms: int, english: str, french: str) -> None:
    assert texts.span(ms, language="en") == english
    assert texts.span(ms, language="fr") == french


@given(st.integers(0, 10**11))
def test_whoever_waits_as_long_as_the_text_says_has_waited_long_enough(ms: int) -> None:
    units = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
    words = texts.span(ms, language="en").split()
    said = sum(float(count) * units[unit] for count, unit in zip(words[::2], words[1::2], strict=True))
    assert said >= ms
    assert len(words) <= 4


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9", "fr"),
        ("de, FR;q=0.5, en", "fr"),
        ("en-GB, fr", "en"),
        ("*", "en"),
        (b"fr", "en"),
        (",;,;=" * 1000, "en"),
    ],
)
def test_the_first_language_that_we_speak_is_taken(header: str | bytes | None, wanted: str) -> None:
    assert texts.language_of(header) == wanted


@pytest.mark.parametrize("message", [None, Message(en="No.", fr="Non.")])
def test_a_refusal_cites_what_it_rests_on_at_its_end_and_for_machines(message: Message | None) -> None:
    decision = Decision(verdict=Verdict.DENY, reason=Reason.QUIET_HOURS, rule="r", message=message, citation="art. 7")
    ended = refusal.by_rule(decision, agent="a", method="/a.B/C", revision=1, language="fr")

    assert ended.localized is not None
    assert (ended.message.endswith(" (art. 7)"), ended.localized[1].endswith(" (art. 7)")) == (True, True)
    assert ended.metadata["citation"] == "art. 7"


def test_a_full_bucket_cites_what_it_rests_on() -> None:
    bucket = Bucket("pressure", "cap", "agent=a", 4, 604_800_000, 0, "enforce", citation="art. 7")
    ended = refusal.by_bucket(bucket, BucketLook(4, 1), agent="a", method="/a.B/C", language="fr")

    assert ended.localized is not None
    assert (ended.message.endswith(" (art. 7)"), ended.localized[1].endswith(" (art. 7)")) == (True, True)
    assert ended.metadata["citation"] == "art. 7"
    assert "citation" not in refusal.plain(Reason.STOPPED, agent="a", method="/a.B/C", language="en").metadata


def test_a_missing_consent_has_words_for_every_standing_in_both_languages() -> None:
    call = Call(method="/a.B/C", operation=Operation.CONTACT, request=None, channel="phone")
    for status in consent_texts._MISSING:
        standing = Standing(status=status, since_ms=1_768_000_000_000, silent_until_ms=1_769_000_000_000)
        said = consent_texts.refusal(Missing(ConsentRule(name="r"), standing), call)
        assert not PLACEHOLDER.search(said.en + said.fr)
        assert said.en.endswith("before 2026-01-21 12:53 UTC.")
        assert said.fr.endswith("avant le 21/01/2026 12:53 UTC.")
        assert ("phone" in said.en, "phone" in said.fr, "'" not in said.fr) == (True, True, True)
