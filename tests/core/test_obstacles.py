"""What stood in the way of a call, and what would have to change: all of it, in order, in both languages."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import obstacle_buckets, obstacle_reasons
from gateway.core import obstacle_texts as module
from gateway.core.errors import Reason
from gateway.core.obstacle_reasons import reason_must
from gateway.core.obstacle_texts import explain_beyond, explain_obstacles
from gateway.core.obstacles import Condition, Obstacle, free_ms, names_in, obstacles
from gateway.core.policy.contacts import ConsentRequirement
from gateway.core.policy.document import Document
from gateway.core.policy.ruling import Rule
from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, RuleLook, Verdict
from gateway.core.without import removable, without

AT = 1_767_603_600_000
DAY = 86_400_000
METHOD = "/a.B/C"
ALLOWED = Record(
    id="0" * 32, received_ms=AT, decided_ms=AT, verdict=Verdict.ALLOW, tenant="acme", agent="bot", method=METHOD,
    operation="CONTACT", channel="email", category="marketing", revision=7,
)  # fmt: skip
DOCUMENT = Document(
    agents=(),
    upstreams=(),
    routes=(),
    rules=(
        Rule(name="no-minors", effect="deny", when='facts.traits["age"] < 18 && call.category != "facts.not-read"'),
        Rule(name="open", effect="allow", when="agent.name == 'bot'", methods=("/a.*",)),
        Rule(name="elsewhere", effect="allow", methods=("/b.*",)),
    ),
    consents=(ConsentRequirement(name="opt-in", bases=("consent", "legitimate_interest")),),
)


def refused(**changes: object) -> Record:
    return msgspec.structs.replace(ALLOWED, verdict=Verdict.DENY, **changes)


def test_nothing_stands_in_the_way_of_a_call_that_was_let_through() -> None:
    assert obstacles(ALLOWED, Outcome(granted=True)) == ()
    assert explain_obstacles((), now_ms=AT) == ()


def test_every_rule_that_denied_is_named_with_what_its_condition_looks_at() -> None:
    looks = (
        RuleLook("no-minors", "deny"),
        RuleLook("watching", "deny", mode="monitor"),
        RuleLook("open", "allow"),
        RuleLook("broken", "deny", error="a map has no such key"),
    )
    record = refused(reason="POLICY_DENIED", rule="no-minors", rules=looks)

    found = obstacles(record, Outcome(granted=False), document=DOCUMENT)

    assert [(each.kind, each.name, each.waits) for each in found] == [
        ("rule", "no-minors", False),
        ("failed", "broken", False),
    ]
    assert found[0].conditions[0].reads == ("facts.traits", "call.category")
    assert explain_obstacles(found, now_ms=AT) == (
        "For it to pass:",
        "The rule no-minors must not apply to it any more.",
        f"It applies where {DOCUMENT.rules[0].when}, and so looks at facts.traits, call.category.",
        "The rule broken must be repaired, since what cannot be evaluated denies: a map has no such key.",
        "Waiting alone does not help.",
    )


def test_where_no_rule_allowed_it_those_that_could_have_are_named() -> None:
    record = refused(reason="POLICY_DENIED")

    (found,) = obstacles(record, Outcome(granted=False), document=DOCUMENT)

    assert found.kind == "unallowed"
    assert found.conditions == (Condition("open", "agent.name == 'bot'", ("agent.name",)),)
    for policy, text in (
        (None, "A rule must allow it, and none did."),
        (msgspec.structs.replace(DOCUMENT, rules=()), "A rule must allow it, and the policy has none for this method."),
    ):
        bare = obstacles(record, Outcome(granted=False), document=policy)
        assert explain_obstacles(bare, now_ms=AT)[1] == text


def test_a_consent_says_for_which_purpose_and_channel_and_on_which_basis() -> None:
    look = RuleLook("opt-in", "deny", standing="withdrawn", since_ms=AT)
    record = refused(reason="CONSENT_MISSING", rule="opt-in", rules=(RuleLook("open", "allow"), look))

    found = obstacles(record, Outcome(granted=False), document=DOCUMENT)

    assert [(each.kind, each.channel, each.purpose) for each in found] == [("consent", "email", "marketing")]
    said = explain_obstacles(found, now_ms=AT, language="fr")
    assert said[1].startswith("Le client a retiré le 05/01/2026 son accord pour e-mail (objet : marketing) ;")
    assert said[2] == "Bases légales admises : consentement, intérêt légitime."


def test_quiet_hours_say_when_they_end_and_so_when_the_call_can_pass() -> None:
    looks = (RuleLook("nights", "deny", until_ms=AT + 1_001), RuleLook("sundays", "defer", until_ms=AT + DAY))
    found = obstacles(refused(reason="QUIET_HOURS", rule="nights", rules=looks), Outcome(granted=False))

    assert [(each.kind, each.free_ms) for each in found] == [("quiet_hours", AT + 1_001), ("quiet_hours", AT + DAY)]
    assert free_ms(found) == AT + DAY
    said = explain_obstacles(found, now_ms=AT)
    assert said[1] == "It must wait for the quiet hours nights to end, on 2026-01-05 09:00:02 UTC."
    assert said[-1].startswith("By waiting alone it can pass from 2026-01-06 09:00:00 UTC on")
    assert explain_obstacles(found, now_ms=AT + 2 * DAY)[-1] == "What it had to wait for is over by now."


def test_every_bucket_that_refused_says_by_how_much_and_from_when() -> None:
    asks = (
        BucketAsk("daily", "cap", 2, DAY, by="subject=ab"),
        BucketAsk("watched", "cap", 1, DAY, mode="monitor"),
        BucketAsk("spend", "budget", 100, DAY, cost=30),
        BucketAsk("free", "window", 9, DAY),
        BucketAsk("at-once", "concurrency", 3, 0),
    )
    looks = (BucketLook(2, 5_000), BucketLook(1, 9_000), BucketLook(90, DAY), BucketLook(1, 0), BucketLook(3, 700))
    record = msgspec.structs.replace(ALLOWED, buckets=asks)

    found = obstacles(record, Outcome(granted=False, looks=looks, refused=2))

    assert [(each.name, each.over, each.free_ms) for each in found] == [
        ("daily", 1, AT + 5_000),
        ("spend", 20, AT + DAY),
        ("at-once", 1, 0),
    ]
    assert free_ms(found) == 0  # nobody knows when a running call ends
    assert free_ms(found[:2]) == AT + DAY


def test_a_hold_says_that_somebody_must_decide_and_how() -> None:
    record = msgspec.structs.replace(
        ALLOWED, verdict=Verdict.HOLD, reason="APPROVAL_REQUIRED", rule="large", rules=(RuleLook("large", "hold"),),
        hold="a" * 32,
    )  # fmt: skip
    said = explain_obstacles(obstacles(record, Outcome(granted=False)), now_ms=AT)

    assert said[1] == "A person must approve it, as large asks."
    assert "pilote holds approve holds/" + "a" * 32 in said[2]
    capped = msgspec.structs.replace(record, rule="pressure", rules=())
    (found,) = obstacles(capped, Outcome(granted=False))
    assert (found.kind, found.name) == ("hold", "pressure")
    (over,) = obstacles(record, Outcome(granted=False, reason="HOLD_REFUSED", first="b" * 32))
    assert (over.kind, over.reason) == ("other", "HOLD_REFUSED")
    approved = msgspec.structs.replace(record, verdict=Verdict.DENY, reason="QUIET_HOURS", decider="Zoé")
    assert [each.kind for each in obstacles(approved, Outcome(granted=False))] == ["other"]


def every_obstacle() -> list[Obstacle]:
    """One of each kind in each of its ways."""
    standings = ("none", "refused", "withdrawn", "expired", "unknown")
    looks = (
        *(RuleLook("a", "deny"), RuleLook("b", "deny", error="e"), RuleLook("c", "holdout"), RuleLook("d", "hold")),
        *(RuleLook("opt-in", "deny", standing=standing, since_ms=AT) for standing in standings),
        RuleLook("opt-in", "deny", standing="refused", since_ms=AT, until_ms=AT),
        *(RuleLook("f", "deny", until_ms=AT), RuleLook("g", "deny", until_ms=-1)),
    )
    kinds = ("cap", "window", "rate", "budget", "concurrency", "quota", "gap", "score", "sequence")
    asks = tuple(BucketAsk(kind, kind, 2, DAY, by="subject=ab") for kind in (*kinds, "cap"))
    asks += (BucketAsk("shut", "cap", 0, DAY, by="agent=bot"), BucketAsk("large", "budget", 5, DAY, cost=9))
    found = tuple(BucketLook(2, 60_000, "f" * 32 if kind == "sequence" else "") for kind in kinds)
    found += (BucketLook(1, 60_000, "f" * 32), BucketLook(0, -1), BucketLook(0, -1))
    all_reasons = [refused(reason=reason.value) for reason in Reason]
    return [
        *obstacles(refused(rules=looks, reason="X", rule="a", hold="h"), Outcome(granted=False), document=DOCUMENT),
        *obstacles(refused(reason="POLICY_DENIED"), Outcome(granted=False)),
        *obstacles(refused(reason="POLICY_DENIED", method="/z/Z"), Outcome(granted=False), document=DOCUMENT),
        *obstacles(refused(reason="POLICY_DENIED"), Outcome(granted=False), document=DOCUMENT),
        *obstacles(refused(reason="LIMIT_EXCEEDED", rule="by-brand"), Outcome(granted=False)),
        *obstacles(msgspec.structs.replace(ALLOWED, verdict=Verdict.HOLD, hold="h"), Outcome(granted=False)),
        *obstacles(msgspec.structs.replace(ALLOWED, buckets=asks), Outcome(granted=False, looks=found, refused=0)),
        *obstacles(ALLOWED, Outcome(granted=False, reason="STOPPED", stop="all")),
        *obstacles(refused(reason="POLICY_DENIED", rule="no-minors", rules=(RuleLook("no-minors", "deny"),)),
                   Outcome(granted=False), document=DOCUMENT),
        *obstacles(refused(reason="POLICY_DENIED", rule="open", rules=(RuleLook("elsewhere", "deny"),)),
                   Outcome(granted=False), document=DOCUMENT),
        *(each for record in all_reasons for each in obstacles(record, Outcome(granted=False))),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_obstacle_is_said_in_whole_sentences(language: str) -> None:
    found = every_obstacle()
    said = [
        *explain_obstacles(found, now_ms=AT, language=language),
        *explain_beyond(found, (), known=False, language=language),
        *explain_beyond((), ("cap", "rate"), known=True, language=language),
    ]

    assert [each for each in said if "{" in each or not each.endswith((".", ":", " :"))] == []


def test_every_text_there_is_gets_said() -> None:
    found = every_obstacle()
    said = [
        *explain_obstacles(found, now_ms=AT),
        *explain_obstacles(found[:1], now_ms=AT),
        *explain_beyond(found, (), known=False),
        *explain_beyond((), ("cap", "rate"), known=True),
    ]
    for now_ms in (AT - 1, AT + 2 * DAY):
        said += explain_obstacles([each for each in found if each.free_ms], now_ms=now_ms)
    said += [reason_must(reason, language="en") for reason in (*Reason, "NEW")]
    texts = [*module._TEXTS.items(), *obstacle_buckets._TEXTS.items(), *obstacle_reasons.REASONS.items()]
    beginnings = {key: english.partition("{")[0] for key, (english, _) in texts}

    assert [
        key for key, begin in beginnings.items() if begin and not any(each.startswith(begin) for each in said)
    ] == []


_ASKS = st.builds(BucketAsk, st.just("l"), st.sampled_from(["cap", "window"]), st.integers(0, 3), st.just(DAY))
_LOOKS = st.builds(BucketLook, st.integers(0, 5), st.integers(-1, DAY))


@given(st.lists(st.tuples(_ASKS, _LOOKS), max_size=4), st.integers(-1, 3))
def test_who_is_refused_by_buckets_is_told_of_each_that_did_and_of_no_other(
    pairs: list[tuple[BucketAsk, BucketLook]], refusing: int
) -> None:
    asks, looks = tuple(ask for ask, _ in pairs), tuple(look for _, look in pairs)
    granted = all(look.wait_ms == 0 for look in looks)
    outcome = Outcome(granted=granted, looks=looks, refused=-1 if granted else max(0, refusing))
    found = obstacles(msgspec.structs.replace(ALLOWED, buckets=asks), outcome)

    wanted = [look for look in looks if look.wait_ms != 0]
    assert [each.look for each in found if each.kind == "bucket"] == wanted
    assert bool(found) is not granted
    if wanted and all(look.wait_ms > 0 for look in wanted):
        assert free_ms(found) == AT + max(look.wait_ms for look in wanted)
    else:
        assert free_ms(found) == 0


def test_names_are_those_of_variables_and_not_of_texts_or_functions() -> None:
    expression = """request.message.body.contains("call.x") && has(facts.traits) && 'vip' in facts.segments
        && now.getHours() > 7 && my.request.x && facts.consents["agent.name"]"""
    assert names_in(expression) == ("request.message.body", "facts.traits", "facts.segments", "now", "facts.consents")


def test_without_takes_away_what_stood_in_the_way_and_leaves_the_rest() -> None:
    found = (
        Obstacle(kind="rule", name="no-minors"),
        Obstacle(kind="unallowed"),
        Obstacle(kind="consent", name="opt-in"),
    )
    left = without(DOCUMENT, found, agent="bot", method=METHOD)

    assert [rule.name for rule in left.rules] == ["open", "elsewhere", "what-if-allowed"]
    assert left.consents == ()
    assert removable(found)
    assert not removable((*found, Obstacle(kind="stop")))
    assert not removable(())
