"""Breakers, ejected addresses and budgets of further tries, compared with models that keep everything they ever saw."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.core.addresses import MOST_TIMES, Addresses, OutlierRule
from gateway.core.breaking import FULL, OPEN, Breaker, BreakerRule
from gateway.core.guarding import Guard
from gateway.core.policy.upstreams import Breaker as BreakerDocument
from gateway.core.policy.upstreams import Outliers, Upstream
from gateway.core.retrying import LONGEST_BACKOFF_MS, WINDOW_MS, BudgetRule, RetryBudget, backoff_ms
from gateway.core.sliding import PARTS, Sliding

RULE = BreakerRule(percent=50, min_calls=4, window_ms=1_000, open_ms=500)


def tripped(rule: BreakerRule = RULE) -> Breaker:
    """A breaker that has opened at 0."""
    breaker = Breaker(rule)
    for _ in range(rule.min_calls):
        breaker.left(breaker.enter(now_ms=0), now_ms=0, failed=True)
    return breaker


def test_it_opens_once_the_share_of_enough_calls_has_failed_and_not_before() -> None:
    breaker = Breaker(RULE)
    for failed in (True, True, True):
        breaker.left(breaker.enter(now_ms=0), now_ms=0, failed=failed)
    assert breaker.state(now_ms=0) == "closed"  # three calls are too few
    breaker.left(breaker.enter(now_ms=1), now_ms=1, failed=False)
    assert breaker.state(now_ms=1) == "closed"  # only a failure opens it
    breaker.left(breaker.enter(now_ms=2), now_ms=2, failed=True)
    assert (breaker.state(now_ms=2), breaker.enter(now_ms=2), breaker.wait_ms(now_ms=2)) == ("open", OPEN, 500)


def test_failures_that_are_long_ago_do_not_count() -> None:
    breaker = Breaker(RULE)
    for at in (0, 0, 0, 2_000):
        breaker.left(breaker.enter(now_ms=at), now_ms=at, failed=True)
    assert breaker.state(now_ms=2_000) == "closed"


def test_after_a_while_one_call_tries_and_all_others_wait_for_what_comes_of_it() -> None:
    breaker = tripped()
    assert breaker.enter(now_ms=499) == OPEN
    probe = breaker.enter(now_ms=500)
    assert probe > 0
    assert [breaker.enter(now_ms=500 + ms) for ms in (0, 1, 10_000)] == [OPEN] * 3
    breaker.left(probe, now_ms=600, failed=False)
    assert breaker.state(now_ms=600) == "closed"
    assert breaker.enter(now_ms=600) >= 0


def test_a_try_that_fails_opens_it_anew_and_one_whose_caller_gave_up_says_nothing() -> None:
    breaker = tripped()
    breaker.left(breaker.enter(now_ms=500), now_ms=600, failed=True)
    assert breaker.enter(now_ms=1_099) == OPEN
    breaker.left(breaker.enter(now_ms=1_100), now_ms=1_200, failed=None)
    assert breaker.state(now_ms=1_200) == "half-open"
    breaker.left(breaker.enter(now_ms=1_200), now_ms=1_300, failed=False)
    assert breaker.state(now_ms=1_300) == "closed"


def test_calls_that_began_before_it_opened_say_nothing_afterwards() -> None:
    breaker = Breaker(RULE)
    early = [breaker.enter(now_ms=0) for _ in range(3)]
    for _ in range(4):
        breaker.left(breaker.enter(now_ms=0), now_ms=0, failed=True)
    breaker.left(early[0], now_ms=10, failed=False)
    assert breaker.state(now_ms=10) == "open"
    probe = breaker.enter(now_ms=500)
    breaker.left(early[1], now_ms=510, failed=True)
    breaker.left(early[2], now_ms=510, failed=False)
    assert breaker.enter(now_ms=510) == OPEN
    breaker.left(probe, now_ms=520, failed=False)
    assert breaker.state(now_ms=520) == "closed"


def test_no_more_calls_run_than_may_and_one_that_ends_makes_room() -> None:
    breaker = Breaker(BreakerRule(percent=50, min_calls=4, window_ms=1_000, open_ms=500, max_concurrent=2))
    first, second = breaker.enter(now_ms=0), breaker.enter(now_ms=0)
    assert breaker.enter(now_ms=0) == FULL
    breaker.left(first, now_ms=1, failed=None)
    assert breaker.enter(now_ms=1) == second


class BreakerMachine(RuleBasedStateMachine):
    """Whatever comes, in whatever order: it never lets two try, or more run than may."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(BreakerRule(percent=50, min_calls=2, window_ms=100, open_ms=50, max_concurrent=3))
        self.now = 0
        self.running: list[tuple[int, bool]] = []

    @rule(ms=st.integers(0, 120))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule()
    def call(self) -> None:
        state = self.breaker.state(now_ms=self.now)
        stage = self.breaker.enter(now_ms=self.now)
        if state == "open":
            assert stage == OPEN
        if stage >= 0:
            self.running.append((stage, state == "half-open"))
            assert len(self.running) <= 3
        if state == "closed":
            assert (stage == FULL) == (len(self.running) >= 3 and stage < 0)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), failed=st.sampled_from([True, False, None]))
    def end(self, data: st.DataObject, *, failed: bool | None) -> None:
        stage, probe = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.breaker.left(stage, now_ms=self.now, failed=failed)
        if probe and failed is not None:
            assert self.breaker.state(now_ms=self.now) == ("open" if failed else "closed")

    @invariant()
    def one_tries(self) -> None:
        assert sum([probe for _, probe in self.running]) <= 1


TestBreakerMachine = BreakerMachine.TestCase


EJECT = OutlierRule(failures=2, eject_ms=100, max_percent=50)


def fail(addresses: Addresses, index: int, *, now_ms: int, times: int = 2) -> list[bool]:
    """So many calls to this address fail; which of them ejected it."""
    found: list[bool] = []
    while len(found) < times:
        entered = addresses.enter(now_ms=now_ms)
        found += [addresses.left(entered, now_ms=now_ms, failed=True)] if entered == index else []
        if entered != index:
            addresses.left(entered, now_ms=now_ms, failed=None)
    return found


def test_calls_go_where_the_fewest_run_and_take_turns_where_equally_many_do() -> None:
    addresses = Addresses(3)
    assert [addresses.enter(now_ms=0) for _ in range(4)] == [0, 1, 2, 0]
    addresses.left(1, now_ms=0, failed=False)
    assert addresses.enter(now_ms=0) == 1
    assert addresses.enter(now_ms=0, avoid=1) in {0, 2}
    assert Addresses(1).enter(now_ms=0, avoid=0) == 0


def test_an_address_that_fails_in_a_row_is_away_for_a_while_and_longer_each_time() -> None:
    addresses = Addresses(2, rule=EJECT)
    assert fail(addresses, 0, now_ms=0) == [False, True]
    assert {addresses.enter(now_ms=99) for _ in range(5)} == {1}
    assert fail(addresses, 0, now_ms=100) == [False, True]  # back, and at once away again, for twice as long
    assert [addresses.ejected(now_ms=at) for at in (299, 300)] == [1, 0]
    assert fail(addresses, 0, now_ms=1_000) == [False, True]  # it did well for long
    assert [addresses.ejected(now_ms=at) for at in (1_099, 1_100)] == [1, 0]


def test_a_success_in_between_begins_the_row_anew() -> None:
    addresses = Addresses(2, rule=EJECT)
    for failed in (True, False, True):
        assert not addresses.left(addresses.enter(now_ms=0, avoid=1), now_ms=0, failed=failed)
    assert addresses.ejected(now_ms=0) == 0


@given(
    st.integers(1, 6),
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([True, True, False, None])), max_size=120),
)
def test_never_more_addresses_are_away_than_may_and_never_all(
    count: int, percent: int, calls: list[tuple[int, bool | None]]
) -> None:
    addresses = Addresses(count, rule=OutlierRule(failures=1, eject_ms=50, max_percent=percent))
    now = 0
    for wait, failed in calls:
        now += wait
        index = addresses.enter(now_ms=now)
        assert 0 <= index < count
        addresses.left(index, now_ms=now, failed=failed)
        away = addresses.ejected(now_ms=now)
        assert away <= max(1, count * percent // 100)
        assert away < count
        assert addresses.ejected(now_ms=now + 50 * MOST_TIMES + 1) == 0


def test_a_guard_asks_the_breaker_first_and_counts_ejections() -> None:
    upstream = Upstream(
        name="crm",
        addresses=("one:1", "two:2"),
        breaker=BreakerDocument(min_calls=3, percent=100),
        outliers=Outliers(failures=1),
    )
    guard = Guard(upstream)
    for _ in range(3):
        entry = guard.enter(now_ms=0)
        guard.left(entry, now_ms=0, failed=True)
    assert guard.enter(now_ms=0).refused
    assert (guard.ejections, guard.addresses.ejected(now_ms=0)) == (1, 1)


@given(
    st.integers(1, 100),
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=80),
)
def test_a_budget_never_allows_more_than_its_share_but_for_what_it_always_allows(
    percent: int, least: int, asked: list[tuple[int, bool]]
) -> None:
    budget, now = RetryBudget(BudgetRule(percent=percent, min_per_second=least)), 0
    calls: list[int] = []
    tries: list[int] = []
    for wait, is_call in asked:
        now += wait
        if is_call:
            budget.called(now_ms=now)
            calls.append(now)
            continue

        def within(times: list[int], window_ms: int) -> int:
            part = -(-window_ms // PARTS)
            return sum([at // part > now // part - PARTS for at in times])  # noqa: B023 - used at once

        allowed = 100 * (within(tries, WINDOW_MS) + 1) <= percent * within(calls, WINDOW_MS)
        assert budget.take(now_ms=now) == (allowed or within(tries, 1_000) < least)
        if allowed or within(tries, 1_000) < least:
            tries.append(now)


@given(st.integers(1, 60_000), st.lists(st.tuples(st.integers(-50, 30_000), st.integers(0, 1)), max_size=60))
def test_what_lies_within_the_window_counts_and_what_is_older_by_a_part_does_not(
    window_ms: int, added: list[tuple[int, int]]
) -> None:
    sliding, now, latest = Sliding(window_ms, kinds=2), 0, 0
    kept: list[tuple[int, int]] = []
    for wait, kind in added:
        now = max(0, now + wait)  # which may step back
        latest = max(latest, now)
        sliding.add(kind, now_ms=now)
        kept.append((latest, kind))
        sums = sliding.sums(now_ms=now)
        part = -(-window_ms // PARTS)
        for each in (0, 1):
            least = sum([at > latest - window_ms + part and of == each for at, of in kept])
            most = sum([at > latest - part * PARTS - part and of == each for at, of in kept])
            assert least <= sums[each] <= most


@given(st.integers(1, 12), st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_before_a_further_try_is_anything_up_to_a_time_that_doubles(
    tries: int, base_ms: int, draw: float
) -> None:
    wait = backoff_ms(tries, base_ms=base_ms, draw=draw)
    assert 0 <= wait <= min(LONGEST_BACKOFF_MS, base_ms * 2 ** (tries - 1))
    assert backoff_ms(tries, base_ms=base_ms, draw=0.0) == 0
