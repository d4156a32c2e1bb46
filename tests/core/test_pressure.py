"""Which contacts a cap covers, what they are counted by, and how the score decays."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import NO_ROUTE, UNKNOWN_SUBJECT, UNREADABLE_SUBJECT, Agent, Call, Facts, Operation
from gateway.core.limits import Bucket, Context
from gateway.core.pressure import CapRule, ScoreRule, cap_buckets, score, score_bucket

DAY = 86_400_000
NOW = 1_790_000_000_000


def contact(**fields: Any) -> Call:
    chosen: dict[str, Any] = {"channel": "email", "category": "marketing", "subject_ref": "ab"} | fields
    return Call(method="/a.B/C", operation=Operation.CONTACT, request=None, **chosen)


def context(call: Call, facts: Facts = UNKNOWN_SUBJECT) -> Context:
    return Context(Agent(name="bot", tenant="acme"), call, NO_ROUTE, facts, {}, str, NOW)


def cap(**fields: Any) -> CapRule:
    gap_ms = fields.pop("gap_ms", 0)
    return CapRule(bucket=Bucket("c", "cap", "", 2, DAY, gap_ms=gap_ms), **fields)


def buckets(rule: CapRule, **fields: Any) -> tuple[Bucket, ...]:
    return cap_buckets(rule, context(contact(**fields)))


@pytest.mark.parametrize(
    ("rule", "fields", "covered"),
    [
        (cap(), {}, True),
        (cap(channels=frozenset({"sms"})), {}, False),
        (cap(categories=frozenset({"marketing"})), {}, True),
        (cap(exempt=frozenset({"legal"})), {"category": "legal"}, False),
        (cap(brands=frozenset({"home"})), {"brand": "home"}, True),
        (cap(brands=frozenset({"home"})), {}, False),
        (cap(topics=frozenset({"loans"})), {"topics": ("cards", "loans")}, True),
        (cap(topics=frozenset({"loans"})), {"topics": ("cards",)}, False),
        (cap(topics=frozenset({"loans"})), {}, False),
    ],
)
def test_a_cap_covers_what_it_names(rule: CapRule, fields: dict[str, Any], *, covered: bool) -> None:
    assert bool(buckets(rule, **fields)) is covered


@pytest.mark.parametrize(
    ("facts", "covered"),
    [
        (Facts(segments=("new", "vip")), True),
        (Facts(segments=("new",)), False),
        (UNKNOWN_SUBJECT, False),
        (UNREADABLE_SUBJECT, True),
    ],
)
def test_a_cap_of_segments_covers_their_customers_and_whoever_cannot_be_read(facts: Facts, *, covered: bool) -> None:
    assert bool(cap_buckets(cap(segments=frozenset({"vip", "gold"})), context(contact(), facts))) is covered


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ((), ["subject=ab"]),
        (("channel",), ["subject=ab,channel=email"]),
        (("brand", "category"), ["subject=ab,brand=home,category=marketing"]),
        (("topic",), ["subject=ab,topic=cards", "subject=ab,topic=loans"]),
    ],
)
def test_contacts_are_counted_by_what_the_cap_says(by: tuple[str, ...], wanted: list[str]) -> None:
    found = buckets(cap(by=by), brand="home", topics=("loans", "cards", "loans"))
    assert [bucket.by for bucket in found] == wanted


def test_a_gap_is_a_bucket_of_its_own_before_its_cap() -> None:
    gap, whole = buckets(cap(gap_ms=5_000))
    assert (gap.kind, gap.period_ms, gap.cost, gap.by) == ("gap", 5_000, 0, whole.by)
    assert (whole.kind, whole.period_ms, whole.gap_ms) == ("cap", DAY, 5_000)


def test_the_more_important_category_ranks_higher_and_an_unnamed_one_lowest() -> None:
    rule = cap(ranks={"service": 2, "marketing": 1})
    ranks = [buckets(rule, category=category)[0].rank for category in ("service", "marketing", "survey")]
    assert ranks == [2, 1, 0]
    assert buckets(cap())[0].rank == -1


def test_a_contact_weighs_its_channel_times_its_category() -> None:
    rule = ScoreRule(half_life_ms=DAY, channels={"phone": 3000}, categories={"survey": 500, "legal": 0}, max=5000)
    weights = [
        found.cost if (found := score_bucket(rule, contact(channel=channel, category=category))) else None
        for channel, category in (("email", "marketing"), ("phone", "survey"), ("phone", "legal"))
    ]
    assert weights == [1000, 1500, None]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 30 * DAY)), max_size=20), st.integers(1, 30 * DAY))
def test_the_score_halves_with_every_half_life(past: list[tuple[int, int]], half_life_ms: int) -> None:
    contacts = [(weight, NOW - age) for weight, age in past]
    now = score(contacts, half_life_ms=half_life_ms, now_ms=NOW)
    later = score(contacts, half_life_ms=half_life_ms, now_ms=NOW + half_life_ms)
    assert math.isclose(now, 2 * later, rel_tol=1e-9, abs_tol=1e-12)
    assert now <= sum(weight for weight, _ in past) / 1000 + 1e-9


def test_a_contact_from_the_future_weighs_no_more_than_one_of_now() -> None:
    assert score([(1000, NOW + DAY)], half_life_ms=DAY, now_ms=NOW) == 1.0
