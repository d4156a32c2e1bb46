"""One recorded call as a backtest sees it: what came of it, and what a new policy says before anything is counted."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from gateway.core.limits import Bucket

Follows = Literal["", "hold", "channel", "message"]
"""What a call follows on, its parent: the hold that it was kept in, the refusal after which another channel was tried,
or the first message of its stream."""


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What a call asks of one bucket."""

    form: int
    """Index of the bucket less what is below, in `Judged.forms`."""
    by: str
    cost: int = 1
    since_ms: int = 0
    ends_ms: int = 0


class End(msgspec.Struct, frozen=True, array_like=True):
    """How it was settled."""

    at_ms: int
    gave_back: bool = False
    in_doubt: bool = False
    costs: Mapping[str, int] = {}


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What the customer did after it."""

    type: str
    reported_ms: int
    revenue_cents: int = 0
    currency: str = ""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """A call that goes through on both sides, but otherwise: kind as a `differences.Difference` has it."""

    kind: Literal["arm", "version", "redactions", "variations"]
    was: str
    becomes: str


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One recorded call. Times are milliseconds since the epoch."""

    id: str
    at_ms: int
    """When it was admitted or refused."""
    place: int
    """In the order of storing, for calls of the same millisecond."""
    cell: str
    agent: str
    method: str
    subject: str
    contact: bool
    was: str
    """The verdict that it came to, limits and caps included."""
    was_by: str
    """For which reason and by which rule, limit or cap; empty where it was let through."""
    rules: str
    """What the new policy says: its verdict before anything is counted."""
    rules_by: str
    fixed: bool = False
    """It ended for what no policy says, such as a stop or a deadline: where the rules let it through, it stays so."""
    buckets: tuple[Asked, ...] = ()
    """Of the new policy."""
    expires_ms: int = 0
    first: str = ""
    """The decision that it repeated, by its idempotency key."""
    key: str = ""
    """Agent and idempotency key, where a repeat would get the first answer."""
    hash: str = ""
    """What stands for the request beside the key."""
    follows: Follows = ""
    parent: str = ""
    end: End | None = None
    told: tuple[Told, ...] = ()
    variations: tuple[str, ...] = ()
    """Of experiments, under the new policy: "experiment=variation"."""
    changes: tuple[Change, ...] = ()
    version: str = ""
    """Of a model, as recorded: the one that led to it, or answered."""


class Judged(msgspec.Struct, frozen=True):
    """A slice of the recorded calls, judged."""

    calls: tuple[Call, ...]
    """In the order in which they were received."""
    forms: tuple[Bucket, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = {}
    """Decision ids of calls that cannot be used, by why."""
    controlled: int = 0
    """How many were decided upon once more under their own revision too."""
    kept_share: int = 10_000
    """Of how many calls the inputs were kept, in basis points; the least of all revisions that decided them."""
    unreadable: tuple[str, ...] = ()
    """Names of the parts of the store that could not be read: calls in them are missing."""


class Forms:
    """The buckets of a slice less what differs from call to call: there are few."""

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], int] = {}
        self._found: list[Bucket] = []

    def asked(self, bucket: Bucket) -> Asked:
        """What a call asks of the bucket."""
        # All in which buckets of one limit or cap can differ; comparing whole ones takes three times as long.
        key = (
            *(bucket.limit, bucket.kind, bucket.capacity, bucket.period_ms, bucket.mode),
            *(bucket.rank, bucket.share, bucket.who, bucket.agent, bucket.interval_us),
        )
        form = self._places.get(key)
        if form is None:
            form = self._places[key] = len(self._found)
            self._found.append(msgspec.structs.replace(bucket, by="", cost=0, since_ms=0, ends_ms=0))
        return Asked(form, bucket.by, bucket.cost, bucket.since_ms, bucket.ends_ms)

    @property
    def found(self) -> tuple[Bucket, ...]:
        """All of them, in the order of their indices."""
        return tuple(self._found)


def bucket_of(asked: Asked, form: Bucket) -> Bucket:
    """The bucket again."""
    return msgspec.structs.replace(form, by=asked.by, cost=asked.cost, since_ms=asked.since_ms, ends_ms=asked.ends_ms)


ALLOWED: Final = "ALLOW"
GONE: Final = "GONE"
"""In place of a verdict: the call would not have been made, since what it follows on would have ended otherwise."""
