"""Counting in one gateway alone; that it counts like the store is shown by the models of admission."""

from gateway.core.keys import cell
from gateway.core.limits import Bucket
from gateway.core.local import MOST_BUCKETS, LocalCounts

NOW = 1_700_000_000_000
MINUTE = 60_000
ACME = cell("acme")
RATE = Bucket("rate", "rate", "x", 1, MINUTE, MINUTE * 1000, on_store_error="local")


def takes(counts: LocalCounts, *buckets: Bucket, at: int, call: str = "c") -> bool:
    return counts.take(buckets, cell=ACME, call=call, now_ms=at, expires_ms=at + MINUTE).granted


def test_a_look_that_takes_nothing_does_not_move_a_rate_when_the_clock_steps_back() -> None:
    counts, cap = LocalCounts(), Bucket("cap", "cap", "x", 1, MINUTE, on_store_error="local")
    assert takes(counts, RATE, cap, at=NOW)
    assert not takes(counts, RATE, at=NOW - 60 * MINUTE)
    assert not takes(counts, RATE, cap, at=NOW - 55 * MINUTE)
    assert takes(counts, RATE, at=NOW - 55 * MINUTE - 1)


def test_a_call_that_has_ended_runs_no_longer_and_one_that_came_to_nothing_gives_back() -> None:
    counts = LocalCounts()
    running = Bucket("running", "concurrency", "x", 1, 0, on_store_error="local")
    window = Bucket("window", "window", "x", 1, MINUTE, on_store_error="local")
    assert takes(counts, running, window, at=NOW, call="a")
    counts.settle("a", gave_back=False)
    assert takes(counts, running, at=NOW, call="b")
    assert not takes(counts, window, at=NOW)
    counts.settle("b", gave_back=True)
    assert takes(counts, running, at=NOW)


def test_what_is_open_is_not_counted_and_what_is_blocked_stays_so() -> None:
    counts = LocalCounts()
    open_ = Bucket("open", "cap", "x", 1, MINUTE, on_store_error="open")
    assert all(takes(counts, open_, at=NOW) for _ in range(3))
    assert not takes(counts, Bucket("none", "cap", "x", 0, MINUTE, on_store_error="open"), at=NOW)


def test_the_buckets_that_are_kept_are_bounded() -> None:
    counts = LocalCounts()
    for number in range(MOST_BUCKETS + 10):
        assert takes(
            counts, Bucket("rate", "rate", str(number), 1, MINUTE, MINUTE * 1000, on_store_error="local"), at=NOW
        )
    assert len(counts._held) == MOST_BUCKETS
