"""What a call has taken, as it is carried until it is settled."""

import typing

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.reservation import Reservation, settling, to_settle
from gateway.core import keys
from gateway.core.limits import Bucket, Kind
from gateway.core.record import Settlement
from gateway.core.spending import Told

buckets = st.builds(
    Bucket,
    limit=st.sampled_from(["a", "b"]),
    kind=st.sampled_from(typing.get_args(Kind)),
    by=st.just("agent=x"),
    capacity=st.integers(1, 9),
    period_ms=st.just(1000),
    cost=st.integers(1, 3),
    counts_on=st.sampled_from(["reserved", "sent", "delivered"]),
)
settlements = st.builds(
    Settlement,
    id=st.just("id"),
    settled_ms=st.just(7),
    gave_back=st.booleans(),
    in_doubt=st.booleans(),
    costs=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 5)),
)


@given(st.lists(buckets, max_size=6), st.sets(st.integers(0, 5)), settlements)
def test_what_is_carried_until_the_end_settles_as_the_whole_would(
    taken: list[Bucket], left: set[int], settlement: Settlement
) -> None:
    cell = keys.cell("acme", 0)
    whole = Reservation(
        id="id",
        stream="stream",
        cell=cell,
        admitted_ms=5,
        buckets=tuple(taken),
        bucket_keys=tuple((f"{place}", f"{place}:open", f"{place}:pending") for place in range(len(taken))),
        left=frozenset(place for place in left if place < len(taken)),
        beside=b"what goes beside the record",
        settles=True,
    )
    carried = to_settle(whole)
    told = {"a": Told(used=1, remaining=2, max=3)}
    assert settling(carried, settlement, told=told) == settling(whole, settlement, told=told)
    assert len(msgspec.msgpack.encode(carried)) < len(msgspec.msgpack.encode(whole))
