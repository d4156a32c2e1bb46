"""Which of a tenant's cells a call belongs to, and how its cells share what is counted for all of them.

A subject always lands in the same cell, so whatever is counted by subject stays exact. What is counted for a whole
tenant, agent, method or channel is shared out: each cell grants its part, and together they never grant more than the
limit says.
"""

import hashlib
import re
from collections.abc import Collection
from typing import Final

import msgspec

from gateway.core.limits import Bucket

_SUBJECT: Final = re.compile(r"[,:]subject=([0-9a-f]{32})(?![0-9a-f])")


def cell_of(cells: int, *parts: str) -> int:
    """The cell, from 0, of what these parts name.

    They are a subject's pseudonym; for a call without a subject its agent and idempotency key, so that a repeat finds
    the first call; without either the decision id, so that such calls use the share of every cell. The same on every
    gateway, whatever its version: changing it would forget what is counted.
    """
    digest = hashlib.blake2b("\x00".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % cells


def share_of(most: int, cells: int) -> int:
    """One cell's part of what all of them may hold together, rounded down."""
    return most // cells


def shared(buckets: tuple[Bucket, ...], cells: int, *, divided: Collection[str]) -> tuple[Bucket, ...]:
    """The buckets as one of so many cells counts them. `divided` are the limits that the cells share out."""
    found = [_shares(bucket, cells) if bucket.limit in divided else (bucket,) for bucket in buckets]
    return tuple([bucket for own in found for bucket in own])


def _shares(bucket: Bucket, cells: int) -> tuple[Bucket, ...]:
    """One cell's part of a bucket: a part of what it holds, and of a rate filled so much more slowly.

    What an upstream tells of its quota is about all cells, and a cell hears of it from answers to its own calls only:
    by that alone, cells that hear nothing for a while would together go beyond it. So each cell looks at what it was
    told last, and besides counts its own calls, of which it has its part of the configured maximum.
    """
    if bucket.kind == "quota":
        # The share of the agent's priority is one of the maximum.
        own = share_of(bucket.capacity * bucket.share // 100, cells)
        return bucket, msgspec.structs.replace(bucket, kind="window", capacity=own, share=100)
    capacity, interval_us = share_of(bucket.capacity, cells), bucket.interval_us * cells
    return (msgspec.structs.replace(bucket, capacity=capacity, interval_us=interval_us),)


def homes_of(rest: str, cells: int) -> Collection[int] | None:
    """The cells that a key belongs to, where a tenant has so many; `rest` is what follows the cell's prefix and ":".

    Empty for what begins anew in every cell when their number changes: buckets that the cells share out, and what calls
    under way have taken of budgets, whose estimates stand then. `None` for what stays where it is: streams, and marks
    of what was replayed, which is replayed to the same cell. What was stored for an idempotency key belongs to every
    cell: which of them its call went to is not in the key, and the same request in any of them must find it. So do the
    caps that wait for a delivery. Holds are no business of this function: see `hold_home`.

    Raises:
        KeyError: the kind of key is unknown here.
    """
    kind, _, name = rest.partition(":")
    match kind:
        case "decisions" | "outcomes" | "recounted":
            return None
        case "stops" | "request" | "awaited":
            return range(cells)
        case "event" | "inference" | "told":  # the last by its subject, whose cell is found in the same way
            return (event_home(cells, name.partition(":")[0]),)
        case "failures" | "findings":
            return (0,)
        case "taken":
            return ()
        case "facts" | "times":
            return (cell_of(cells, name),)
        case "bound":
            return (cell_of(cells, *name.split(":", 1)),)
        case "bucket":
            subject = _SUBJECT.search(name)
            return (cell_of(cells, subject[1]),) if subject else ()
    raise KeyError(kind)


def event_home(cells: int, decision: str) -> int:
    """The cell that keeps what follows on a decision: who tells of that knows no more than the decision's id."""
    return cell_of(cells, decision)


def hold_home(cells: int, *, hold: str, subject_ref: str, request_key: str) -> int:
    """The cell that a hold belongs to: that of the call that is kept. `request_key` ends in ":agent:key"."""
    if subject_ref:
        return cell_of(cells, subject_ref)
    if request_key:
        _, _, rest = request_key.partition("}:request:")
        return cell_of(cells, *rest.split(":", 1))
    return cell_of(cells, hold)
