"""A decision in words: everything that can be said is said in both languages, with nothing left to fill in."""

import itertools
import re
from typing import get_args

import msgspec
import pytest

from gateway.core import explain as module
from gateway.core import explain_buckets, explain_rules, obstacle_reasons
from gateway.core.call import Lineage
from gateway.core.consents import Basis
from gateway.core.errors import Reason
from gateway.core.explain import explain
from gateway.core.explain_attempts import ANSWERS, explain_order
from gateway.core.obstacle_texts import explain_obstacles
from gateway.core.obstacles import obstacles
from gateway.core.reason_texts import REASONS
from gateway.core.record import Attempt, BucketAsk, BucketLook, Exposure, Outcome, Record, RuleLook, Settlement, Verdict
from gateway.core.terms import basis_named, channel_named
from gateway.rpc.status import SAID_NO

RULES = tuple(
    RuleLook(rule=f"r-{effect}-{mode}-{error}", effect=effect, mode=mode, error=error)
    for effect, mode, error in itertools.product(("allow", "deny", "redact"), ("enforce", "monitor"), ("", "broke"))
) + tuple(
    RuleLook(rule=f"r-{effect}-{mode}", effect=effect, mode=mode)
    for effect, mode in itertools.product(("hold", "defer"), ("enforce", "monitor"))
)
QUIET = tuple(
    RuleLook(rule="nights", effect="defer", mode=mode, until_ms=until_ms)
    for mode in ("enforce", "monitor")
    for until_ms in (1_767_603_600_000, -1)
)
HELD_OUT = (RuleLook(rule="nobody-calls", effect="holdout"),)
CONSENTS = tuple(
    RuleLook(rule="opt-in", effect="deny", standing=standing, since_ms=1_767_603_600_000)
    for standing in ("granted", "none", "refused", "withdrawn", "expired", "unknown")
)
CAP = BucketAsk(limit="pressure", kind="cap", capacity=2, period_ms=604_800_000, by="subject=ab")
KINDS = tuple(
    BucketAsk(limit=kind, kind=kind, capacity=2, period_ms=60_000, by="subject=ab")
    for kind in ("concurrency", "gap", "sequence", "score", "trail", "budget")
)
KIND_LOOKS = {wait: tuple(BucketLook(2, wait, "f" * 32) for _ in KINDS) for wait in (0, 60_000)}
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
    prompt="scorer@4",
    connector_version="2026.4",
    rollout="up",
    unit_ref="cd",
    campaign="ete-2026",
    objective="spring-vip",
    exposures=(Exposure("tone", "warm"), Exposure("length", "short")),
)
CITED = msgspec.structs.replace(
    RECORD, verdict=Verdict.DENY, reason="QUIET_HOURS", citation="Code, art. 7", rules=CONSENTS + HELD_OUT
)
HELD = msgspec.structs.replace(RECORD, verdict=Verdict.HOLD, hold="a" * 32, decider="Zoé", hold_comment="too pushy")
DEFERRED = msgspec.structs.replace(RECORD, verdict=Verdict.DEFER, hold="b" * 32)
EVALUATED = tuple(msgspec.structs.replace(record, hold="") for record in (HELD, DEFERRED))
OBSERVED = msgspec.structs.replace(RECORD, verdict=Verdict.DENY, reason="AUTONOMY_OBSERVE", would="OK")
LOOKS = (BucketLook(1, 0), BucketLook(2, 90_000), BucketLook(0, -1))
ENDED = Settlement(id="0" * 32, settled_ms=3, status="OK", total_us=1_500, overhead_us=250)
SERVED = msgspec.structs.replace(ENDED, served="gpt-4o-2024-11-20", pinned="gpt-4o-2024-08-06")


KEPT_BY_A_CAP = msgspec.structs.replace(
    RECORD, verdict=Verdict.HOLD, rule="pressure", rules=QUIET, hold="d" * 32, parent="c" * 32, asked_channel="phone"
)
PLAIN = msgspec.structs.replace(RECORD, operation="", category="", buckets=(CAP,))
TURNED_DOWN = msgspec.structs.replace(
    RECORD, verdict=Verdict.DENY, reason="HOLD_REFUSED", decider="Zoé", hold="a" * 32, message="No, said a person."
)
WATCHED = msgspec.structs.replace(RECORD, buckets=(CAP, msgspec.structs.replace(CAP, mode="monitor"), CAP))
FAILED = msgspec.structs.replace(ENDED, status="CANCELLED", reason="CANCELLED")
LINEAGE = Lineage(model="lead-score", version="2", route="scoring", arm="challenger")
LED = msgspec.structs.replace(RECORD, lineage=LINEAGE)


TRIES = tuple(
    Attempt(arm="one", upstream="crm", status=status, took_us=1_500, why=why, version=version, reason="STOPPED")
    for why, version in (("", ""), ("retry", "2"), ("fallback", "1"), ("hedge", "2"))
    for status in ("OK", "UNAVAILABLE", "NOT_FOUND", "CANCELLED", "OPEN", "FULL", "DENIED")
)
TRIED = msgspec.structs.replace(ENDED, attempts=TRIES, arm="two")
STANDBY = msgspec.structs.replace(RECORD, standby=True, parent="c" * 32)


def _sentences(language: str) -> list[str]:
    """Every way in which a call may go, in that language."""
    doubtful = Settlement(id="0" * 32, settled_ms=3, status="UNKNOWN", in_doubt=True, gave_back=True)
    nobody = Record(id="0" * 32, received_ms=1, decided_ms=2, verdict=Verdict.DENY, reason="AGENT_UNAUTHENTICATED")
    waived = msgspec.structs.replace(RECORD, buckets=(msgspec.structs.replace(CAP, mode="waived"),))
    every_kind = msgspec.structs.replace(RECORD, buckets=(*KINDS, CAP))
    outranked = BucketLook(1, 60_000, "f" * 32)
    return [
        *explain(
            every_kind,
            Outcome(granted=False, looks=(*KIND_LOOKS[60_000], outranked), refused=1),
            settlement=None,
            language=language,
        ),
        *explain(waived, Outcome(granted=True, looks=(outranked,)), settlement=ENDED, language=language),
        *explain(every_kind, Outcome(granted=True, looks=KIND_LOOKS[0]), settlement=ENDED, language=language),
        *explain(
            every_kind, Outcome(granted=False, looks=KIND_LOOKS[0], refused=6), settlement=None, language=language
        ),
        *explain(RECORD, Outcome(granted=True, looks=LOOKS, first="f" * 32), settlement=ENDED, language=language),
        *explain(STANDBY, Outcome(granted=True, looks=LOOKS), settlement=TRIED, language=language),
        *explain_order([("one", "2"), ("two", "1"), ("three", "")], language=language),
        *explain(CITED, Outcome(granted=False), settlement=None, language=language),
        *explain(KEPT_BY_A_CAP, Outcome(granted=False), settlement=None, language=language),
        *explain(
            PLAIN, Outcome(granted=False, reason="HOLD_REFUSED", first="e" * 32), settlement=None, language=language
        ),
        *explain(TURNED_DOWN, Outcome(granted=False), settlement=None, language=language),
        *explain(WATCHED, Outcome(granted=True, looks=LOOKS), settlement=FAILED, language=language),
        *explain(RECORD, Outcome(granted=False, looks=LOOKS, refused=1), settlement=None, language=language),
        *explain(RECORD, Outcome(granted=True), settlement=None, language=language),
        *explain(RECORD, Outcome(granted=True), settlement=doubtful, language=language),
        *explain(RECORD, Outcome(granted=True), settlement=SERVED, language=language),
        *explain(
            RECORD,
            Outcome(granted=True),
            settlement=msgspec.structs.replace(SERVED, pinned=SERVED.served),
            language=language,
        ),
        *explain(RECORD, Outcome(granted=False, reason="STOPPED", stop="all"), settlement=None, language=language),
        *explain(nobody, Outcome(granted=False), settlement=None, language=language),
        *(
            sentence
            for record in (LED, HELD, DEFERRED, OBSERVED, *EVALUATED)
            for sentence in explain(record, Outcome(granted=False), settlement=None, language=language)
        ),
    ]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_sentence_is_whole(language: str) -> None:
    sentences = _sentences(language)

    assert all("{" not in sentence and sentence.endswith(".") for sentence in sentences)


def test_every_text_there_is_gets_said() -> None:
    said = _sentences("en")
    texts = {**module._TEXTS, **explain_rules._TEXTS, **explain_buckets._TEXTS}
    longest = {key: max(re.split(r"{\w+}", english), key=len) for key, (english, _) in texts.items()}

    assert [key for key, part in longest.items() if not any(part in line for line in said)] == []


def test_a_cap_that_refused_is_named_with_its_count_and_when_it_is_free_again() -> None:
    lines = explain(RECORD, Outcome(granted=False, looks=LOOKS, refused=1), settlement=None)

    assert "pressure (subject=ab): 2 of 2 within 7 d were used up; free again in 2 min." in lines
    assert "The call was refused: the customer has been contacted often enough (CAP_EXCEEDED)." in lines


def test_a_refusal_says_what_it_rests_on_be_it_by_a_rule_or_by_a_cap() -> None:
    cap = msgspec.structs.replace(CAP, citation="Décret, art. 1")
    capped = msgspec.structs.replace(RECORD, buckets=(CAP, cap, CAP))

    assert "Le refus repose sur Code, art. 7." in explain(CITED, Outcome(granted=False), settlement=None, language="fr")
    lines = explain(capped, Outcome(granted=False, looks=LOOKS, refused=1), settlement=None)
    assert "The refusal rests on Décret, art. 1." in lines
    assert not any("rests on" in line for line in explain(capped, Outcome(granted=True, looks=LOOKS), settlement=ENDED))


def test_a_consent_is_explained_by_how_the_customer_stood_to_it_and_since_when() -> None:
    english, french = (explain(CITED, Outcome(granted=False), settlement=None, language=each) for each in ("en", "fr"))

    assert "The customer had withdrawn the consent opt-in on 2026-01-05." in english
    assert "Le client avait retiré le consentement opt-in le 05/01/2026." in french
    watched = msgspec.structs.replace(CONSENTS[1], mode="monitor")
    lines = explain(msgspec.structs.replace(CITED, rules=(watched,)), Outcome(granted=False), settlement=None)
    assert "The rule opt-in would have denied it, but only watches." in lines


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_in_words_in_both_languages_and_what_would_have_to_change(reason: Reason) -> None:
    record = msgspec.structs.replace(RECORD, verdict=Verdict.DENY, reason=reason.value, rules=(), buckets=())
    words, ways = REASONS[reason], obstacle_reasons.REASONS[reason]
    assert words[0] != words[1]
    assert ways[0] != ways[1]
    for place, begin in enumerate(("The call was refused: ", "L’appel a été refusé : ")):
        language = ("en", "fr")[place]
        lines = explain(record, Outcome(granted=False), settlement=None, language=language)
        assert f"{begin}{words[place]} ({reason})." in lines
        found = obstacles(record, Outcome(granted=False))
        assert len(explain_obstacles(found, now_ms=0, language=language)) > 1
    by_store = explain(RECORD, Outcome(granted=False, reason=reason.value), settlement=None)
    assert f"The call was refused: {words[0]} ({reason})." in by_store


def test_a_reason_that_is_none_of_ours_is_named() -> None:
    record = msgspec.structs.replace(RECORD, verdict=Verdict.DENY, reason="NEW_REASON")
    assert "The call was refused: NEW_REASON." in explain(record, Outcome(granted=False), settlement=None)


def test_channels_operations_and_legal_bases_have_a_french_name() -> None:
    record = msgspec.structs.replace(RECORD, channel="phone")
    lines = explain(record, Outcome(granted=True), settlement=None, language="fr")
    assert "C’était une sollicitation par téléphone." in lines
    assert "Le 01/01/1970 à 00:00:00 UTC, bot a demandé /a.B/C : une sollicitation." in lines
    assert basis_named("existing_customer", language="fr") == "client existant"
    assert {basis_named(basis, language="fr") for basis in get_args(Basis)} & set(get_args(Basis)) == set()
    assert channel_named("pigeon", language="fr") == "pigeon"


def test_what_comes_of_a_kept_call_says_who_decided_and_no_policy() -> None:
    record = Record(
        id="1" * 32, received_ms=1, decided_ms=2, verdict=Verdict.DENY, reason="HOLD_REFUSED", agent="bot",
        method="/a.B/C", operation="CONTACT", parent="0" * 32, hold="0" * 32, decider="Zoé", rule="two-eyes",
    )  # fmt: skip
    assert explain(record, Outcome(granted=False), settlement=None) == (
        "On 1970-01-01 00:00:00 UTC bot asked for /a.B/C: a contact.",
        f"It follows on the decision decisions/{'0' * 32}.",
        f"Zoé refused holds/{'0' * 32}.",
        "The call was refused: a person has looked at it and refused it (HOLD_REFUSED).",
    )


def test_a_call_that_a_cap_has_kept_says_which_and_one_that_was_moved_from_where() -> None:
    lines = explain(KEPT_BY_A_CAP, Outcome(granted=False), settlement=None)
    assert "pressure stood in its way." in lines
    assert f"It was kept for a person: holds/{'d' * 32}." in lines
    assert "It had been asked for by phone; a cap that was full there has moved it to email." in lines
    assert "It fell into the quiet hours nights, which end on 2026-01-05 09:00:00 UTC." in lines


def test_where_nothing_is_taken_no_first_step_is_noted() -> None:
    trail = msgspec.structs.replace(RECORD, buckets=(CAP, msgspec.structs.replace(CAP, kind="trail")))
    looks = (BucketLook(2, 90_000), BucketLook(0, 0))
    assert "first step" not in " ".join(explain(trail, Outcome(granted=False, looks=looks, refused=0), settlement=None))
    assert "first step" in " ".join(explain(trail, Outcome(granted=True, looks=looks), settlement=None))


def test_the_objective_that_a_call_served_and_its_campaign_are_named() -> None:
    lines = explain(RECORD, Outcome(granted=True), settlement=None, language="fr")
    assert {"Il faisait partie de la campagne ete-2026.", "Il servait l’objectif spring-vip."} <= set(lines)
    bare = msgspec.structs.replace(RECORD, campaign="", objective="")
    assert not any("objectif" in line for line in explain(bare, Outcome(granted=True), settlement=None, language="fr"))


def test_numbers_are_written_as_the_language_writes_them() -> None:
    outcome = Outcome(granted=True)

    assert "after 1.50 ms, of which" in " ".join(explain(RECORD, outcome, settlement=ENDED))
    assert "après 1,50 ms, dont 0,25 ms" in " ".join(explain(RECORD, outcome, settlement=ENDED, language="fr"))


def test_a_version_that_nobody_asked_for_is_told_and_one_that_was_asked_for_is_not() -> None:
    record = msgspec.structs.replace(RECORD, version="2")
    told = "The upstream served gpt-4o-2024-11-20 where gpt-4o-2024-08-06 was pinned."
    assert told in explain(record, Outcome(granted=True), settlement=SERVED)
    for served, pinned, alike in (("2", "", True), ("3", "", False), ("m-2", "m-2", True), ("2", "m-2", False)):
        ended = msgspec.structs.replace(ENDED, served=served, pinned=pinned)
        lines = explain(record, Outcome(granted=True), settlement=ended)
        assert (f"The upstream answered with {served}." in lines) == alike


def test_a_held_call_is_said_to_be_kept_and_a_repeat_names_the_hold_of_the_first() -> None:
    lines = explain(HELD, Outcome(granted=False, first="c" * 32), settlement=None)

    assert f"It was kept for a person: holds/{'c' * 32}." in lines
    assert f'Zoé approved holds/{"a" * 32}: "too pushy".' in lines
    assert not any("refused" in line for line in lines[-3:])


def test_an_upstream_that_says_no_has_answered_in_words_too() -> None:
    assert {code.name for code in SAID_NO} == ANSWERS


def test_what_was_tried_is_told_in_order() -> None:
    failed = Attempt(arm="champion", upstream="one", status="UNAVAILABLE", took_us=3_000, version="1")
    answered = Attempt(arm="spare", upstream="two", status="OK", took_us=9_000, why="fallback", version="2")
    settled = msgspec.structs.replace(ENDED, attempts=(failed, answered))
    told = explain(RECORD, Outcome(granted=True), settlement=settled)
    assert "The first try at champion (1) failed with UNAVAILABLE after 3.00 ms." in told
    assert "A try at spare (2), which took over, was answered after 9.00 ms." in told
