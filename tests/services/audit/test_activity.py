"""What has been going on in the last minutes: calls by second, by whom, and which buckets are nearly full."""

import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from gateway.core.record import BucketAsk, BucketLook, Outcome, Verdict
from pilote.audit.v1 import activity_pb2 as pb
from pilote.decision.v1 import decision_pb2
from services.audit.activity import MOST_NEAR, Activity, Near, Question, Tally, answered, asked
from services.audit.postgres import activity as of_postgres
from services.audit.postgres.lanes import locked
from services.audit.sqlite import activity as of_sqlite
from services.audit.store import DecisionStore
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle

END_MS = NOW_MS + 31_000
"""When everything that the tests write at the beginning of a minute counts as stored."""
REFUSED: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "POLICY_DENIED", "expires_ms": 0}


async def activity(audit: Audit, *, at_ms: int = END_MS, **request: Any) -> pb.GetActivityResponse:
    """What the service answers."""
    audit.now_ms = at_ms
    return await audit.queries().GetActivity(pb.GetActivityRequest(**request), None)


def a_look(used: int, number: int = 0, *, wait_ms: int = 0, capacity: int = 10, **changes: Any) -> dict[Any, Any]:
    """A call that found a bucket so."""
    bucket: dict[str, Any] = {
        "limit": "hourly",
        "kind": "window",
        "capacity": capacity,
        "period_ms": 3_600_000,
        "by": "agent=sales-bot",
    }
    record = {name: changes.pop(name) for name in ("id", "tenant", "cell") if name in changes}
    look = BucketLook(used, wait_ms=wait_ms)
    return admit(
        a_record(number, buckets=(BucketAsk(**(bucket | changes)),), **record),
        Outcome(granted=wait_ms == 0, looks=(look,), refused=-1 if wait_ms == 0 else 0),
    )


def total(buckets: Any) -> Counter[str]:
    """How many calls the buckets have, by verdict."""
    found = Counter[str]()
    for bucket in buckets:
        assert bucket.count == sum(each.count for each in bucket.verdicts)
        for each in bucket.verdicts:
            found[decision_pb2.Verdict.Name(each.verdict).removeprefix("VERDICT_")] += each.count
    return found


async def test_calls_are_counted_by_the_second_and_by_five_of_them_each_once(audit: Audit) -> None:
    entries = [admit(a_record(number * 1_000)) for number in range(7)] + [admit(a_record(100, **REFUSED))]
    await append(audit.redis, *entries, *entries, settle(a_settlement(0)))
    await audit.catch_up()
    found = await activity(audit)

    assert (len(found.seconds), len(found.minutes)) == (60, 180)
    assert total(found.seconds) == total(found.minutes) == {"ALLOW": 7, "DENY": 1}
    assert {each.start_time.ToMilliseconds(): each.count for each in found.seconds if each.count} == {
        NOW_MS: 2,
        **{NOW_MS + number * 1_000: 1 for number in range(1, 7)},
    }
    assert [each.count for each in found.minutes if each.count] == [6, 2]
    assert found.end_time.ToMilliseconds() == END_MS - 1_000
    assert found.ever_called


async def test_who_calls_why_not_and_what_serves_are_counted_with_the_most_frequent_first(audit: Audit) -> None:
    served = {"route": "score", "arm": "b", "model": "lead-score", "version": "3", "rollout": "ramp"}
    await append(
        audit.redis,
        *(admit(a_record(number, **REFUSED)) for number in range(3)),
        admit(a_record(4), Outcome(granted=False, reason="LIMIT_EXCEEDED", refused=-1)),
        *(admit(a_record(5 + number, agent="other-bot", **served)) for number in range(5)),
        admit(a_record(20, agent="other-bot", **(served | {"version": "2", "rollout": ""}))),
    )
    await audit.catch_up()
    found = await activity(audit, top_size=2)

    assert [(each.value, each.count) for each in found.reasons] == [("POLICY_DENIED", 3), ("LIMIT_EXCEEDED", 1)]
    assert [(each.agent, each.count, each.refused_count) for each in found.agents] == [
        ("other-bot", 6, 0),
        ("sales-bot", 4, 4),
    ]
    assert [(each.version, each.route, each.arm, each.model, each.rollout, each.count) for each in found.versions] == [
        ("3", "score", "b", "lead-score", "ramp", 5),
        ("2", "score", "b", "lead-score", "", 1),
    ]


async def test_a_call_that_another_arm_took_over_is_one_call(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(0)), admit(a_record(1, parent=an_id(0), standby=True)))
    await audit.catch_up()
    assert total((await activity(audit)).seconds) == {"ALLOW": 1}


async def test_tenants_see_their_own_calls_and_buckets(audit: Audit) -> None:
    await append(audit.redis, a_look(9), admit(a_record(1, tenant="globex")), admit(a_record(2, tenant="_", agent="")))
    await append(audit.redis, a_look(10, 3, tenant="globex"), tenant="globex")
    await audit.catch_up()

    mine, theirs = await activity(audit, tenants=["acme"]), await activity(audit, tenants=["globex"])
    nobody, all_of_them = await activity(audit, tenants=["initech"]), await activity(audit)
    assert [total(each.seconds)["ALLOW"] for each in (mine, theirs, nobody, all_of_them)] == [1, 2, 0, 4]
    assert [[near.tenant for near in each.near_buckets] for each in (mine, theirs, nobody, all_of_them)] == [
        ["acme"],
        ["globex"],
        [],
        ["globex", "acme"],
    ]
    assert [each.ever_called for each in (mine, theirs, nobody, all_of_them)] == [True, True, False, True]


async def test_a_bucket_is_near_its_limit_from_four_fifths_on_and_until_a_later_look_finds_it_lower(
    audit: Audit,
) -> None:
    await append(audit.redis, a_look(7))
    await audit.catch_up()
    before = await activity(audit)
    await append(audit.redis, a_look(8, 1), a_look(10, 2, wait_ms=60_000))
    await audit.catch_up()
    await append(audit.redis, a_look(9, 1, id=an_id(50)))  # an earlier look that is stored later
    await audit.catch_up()
    (full,) = (await activity(audit)).near_buckets
    await append(audit.redis, a_look(9, 3, by="agent=other-bot"), a_look(3, 4))
    await audit.catch_up()
    after = await activity(audit)

    assert (list(before.near_buckets), before.total_near_buckets) == ([], 0)
    assert (full.limit, full.kind, full.mode, full.by) == ("hourly", "window", "enforce", "agent=sales-bot")
    assert (full.used, full.capacity, full.period.ToSeconds()) == (10, 10, 3_600)
    assert (full.look_time.ToMilliseconds(), full.free_time.ToMilliseconds()) == (NOW_MS + 2, NOW_MS + 60_002)
    assert [(each.by, each.used, each.HasField("free_time")) for each in after.near_buckets] == [
        ("agent=other-bot", 9, False)
    ]


async def test_caps_of_one_customer_and_limits_that_block_are_not_near(audit: Audit) -> None:
    await append(audit.redis, a_look(1, kind="cap", capacity=1), a_look(0, 1, capacity=0, wait_ms=-1))
    await audit.catch_up()
    assert not (await activity(audit)).near_buckets


async def test_the_fullest_buckets_come_first_and_the_rest_are_counted(audit: Audit) -> None:
    await append(audit.redis, *(a_look(8 + number, number, by=f"agent=a{number}") for number in range(3)))
    await audit.catch_up()
    found = await activity(audit, top_size=2)
    assert [each.used for each in found.near_buckets] == [10, 9]
    assert found.total_near_buckets == 3


async def test_what_is_over_is_not_shown_and_then_forgotten(audit: Audit) -> None:
    await append(audit.redis, a_look(10, period_ms=60_000), admit(a_record(1, **REFUSED)))
    await audit.catch_up()
    later = await activity(audit, at_ms=NOW_MS + 62_500)
    much_later = await activity(audit, at_ms=NOW_MS + 1_000_000)
    await audit.store.tend(now_ms=NOW_MS + 3_000_000)
    gone = await activity(audit)

    assert (total(later.seconds), total(later.minutes)) == ({}, {"ALLOW": 1, "DENY": 1})
    assert not later.near_buckets
    assert (total(much_later.minutes), total(gone.minutes)) == ({}, {})
    assert (list(later.agents), list(later.reasons)) == ([], [])
    assert gone.ever_called


async def test_what_goes_on_is_kept_when_the_store_is_tended(audit: Audit) -> None:
    await append(audit.redis, a_look(10), admit(a_record(1, **REFUSED)))
    await audit.catch_up()
    before = await activity(audit)
    await audit.store.tend(now_ms=END_MS)
    assert await activity(audit) == before


async def test_before_the_first_call_all_is_empty(audit: Audit) -> None:
    found = await activity(audit)
    assert (total(found.minutes), list(found.agents), found.ever_called) == ({}, [], False)


async def test_names_that_no_index_takes_are_counted_all_the_same(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(0, agent="a" * 3_000, version="v" * 3_000, model="m\0")))
    await audit.catch_up()
    found = await activity(audit)
    assert ([each.count for each in found.agents], [each.count for each in found.versions]) == ([1], [1])


@pytest.mark.parametrize(
    ("request_", "field"),
    [({"top_size": 101}, "top_size"), ({"top_size": -1}, "top_size"), ({"tenants": ["a"] * 1_001}, "tenants")],
)
def test_what_makes_no_sense_is_refused(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(CallEnded) as refused:
        asked(pb.GetActivityRequest(**request_), now_ms=NOW_MS)
    assert refused.value.reason is Reason.ARGUMENT_INVALID
    assert [path for path, _ in refused.value.violations] == [field]


async def test_a_million_calls_in_the_last_minutes_are_summed_within_fifty_milliseconds(stores: Any) -> None:
    """The best of seven took 9 ms in SQLite and 18 ms in PostgreSQL, on two cores that had five times as much to do."""
    store = stores.new()
    try:
        tally = Tally(())
        for at_s in range(NOW_MS // 1_000, NOW_MS // 1_000 + 900):
            for tenant in ("acme", "globex"):
                tally.seconds.update({("verdict", at_s, tenant, each): 250 for each in Verdict})
                if at_s % 5 == 0:
                    tally.seconds.update({("series", at_s, tenant, each): 1_250 for each in Verdict})
                tally.seconds.update({("agent", at_s, tenant, f"agent-{each}"): 40 for each in range(25)})
        for number in range(5_000):
            near = Near("acme", 0, "daily", "window", "enforce", f"subject={number}", 8, 10, 86_400_000, NOW_MS, 0)
            tally.looks[near.key] = near
        await _write(store, tally)
        question, took = Question(("acme", "globex"), NOW_MS // 1_000 + 900, 10), []
        for _ in range(7):
            began = time.process_time()
            found = answered(question, await store.activity(question))
            took.append(time.process_time() - began)  # others may have the cores
        assert total(found.minutes).total() == 2 * 900 * 4 * 250
        assert min(took) < 0.05
    finally:
        await store.close()


async def test_only_so_many_buckets_are_kept(store: DecisionStore) -> None:
    tally = Tally(())
    for number in range(MOST_NEAR + 5):
        near = Near("acme", 0, "daily", "window", "enforce", f"n={number}", 9, 10, 86_400_000, NOW_MS + number, 0)
        tally.looks[near.key] = near
    await _write(store, tally)
    await store.tend(now_ms=NOW_MS)
    found = await store.activity(Question((), NOW_MS // 1_000, 1))
    assert found.near_total == MOST_NEAR
    assert found.near[0].by == f"n={MOST_NEAR + 4}"


@given(st.lists(st.tuples(st.integers(-5, 905), st.sampled_from(Verdict)), max_size=40))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_series_lose_no_call_of_their_time_and_invent_none(calls: list[tuple[int, Verdict]]) -> None:
    end_s = NOW_MS // 1_000 + 900
    verdicts = Counter((NOW_MS // 1_000 + at, verdict.value) for at, verdict in calls)
    series = Counter((NOW_MS // 1_000 + at // 5 * 5, verdict.value) for at, verdict in calls)
    found = answered(Question((), end_s, 10), Activity(verdicts, series, (), (), 0, ever=True))
    assert total(found.minutes) == Counter(verdict.value for at, verdict in calls if 0 <= at < 900)
    assert total(found.seconds) == Counter(verdict.value for at, verdict in calls if 840 <= at < 900)


async def _write(store: Any, tally: Tally) -> None:
    """Write what a great many batches would have added."""
    if hasattr(store, "_write"):
        await store._write(lambda connection: of_sqlite.add(connection, tally))
    else:
        await store._writer.run(lambda each: locked(each, lambda: of_postgres.add(each, tally)))
