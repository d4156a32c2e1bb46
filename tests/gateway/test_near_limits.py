"""Which buckets are near their limits: as many as there are, for a minute, whoever asks."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import Bucket
from gateway.core.record import BucketLook
from gateway.watching.near_limits import MOST, NearLimits


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _bucket(limit: str = "calls", by: str = "agent=a", *, capacity: int = 100, kind: str = "window") -> Bucket:
    return Bucket(limit=limit, kind=kind, by=by, capacity=capacity, period_ms=1_000)


def _look(near: NearLimits, bucket: Bucket, used: int) -> None:
    near.look((bucket,), (BucketLook(used=used, wait_ms=0),))


def test_nine_tenths_is_near_and_less_is_not() -> None:
    near = NearLimits(Clock())
    _look(near, _bucket(by="agent=a"), 89)
    assert near.counts() == {}
    _look(near, _bucket(by="agent=a"), 90)
    _look(near, _bucket(by="agent=b"), 100)
    _look(near, _bucket(by="agent=b"), 100)
    assert near.counts() == {"calls": 2}


def test_a_bucket_that_has_recovered_counts_no_more_after_a_minute() -> None:
    clock = Clock()
    near = NearLimits(clock)
    _look(near, _bucket(), 95)
    clock.now += 61
    assert near.counts() == {"calls": 0}
    clock.now += 61
    _look(near, _bucket("others"), 95)
    assert near._near["calls"] == {}  # and is remembered no longer


def test_what_blocks_everything_and_what_concerns_one_customer_is_no_bucket_near_its_limit() -> None:
    near = NearLimits(Clock())
    _look(near, _bucket(capacity=0), 0)
    for kind in ("cap", "gap", "score", "sequence", "trail"):
        _look(near, _bucket(kind=kind, capacity=1), 1)
    assert near.counts() == {}


def test_however_many_buckets_there_are_memory_is_bounded() -> None:
    near = NearLimits(Clock())
    for number in range(MOST + 10):
        _look(near, _bucket(by=f"agent={number}"), 100)
    assert near.counts() == {"calls": MOST}


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(0, 120), st.floats(0, 50)),
        max_size=40,
    )
)
def test_the_count_is_that_of_a_plain_look_through_all_that_came(came: list[tuple[str, int, int, float]]) -> None:
    clock = Clock()
    near, seen = NearLimits(clock), {}
    for limit, by, used, pause in came:
        clock.now += pause
        _look(near, _bucket(limit, f"agent={by}"), used)
        if used >= 90:
            seen[limit, by] = clock.now
    for limit in "ab":
        wanted = sum(at >= clock.now - 60 for (name, _), at in seen.items() if name == limit)
        assert near.counts().get(limit, 0) == wanted
