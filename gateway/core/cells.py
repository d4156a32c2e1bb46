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


def share(bucket: Bucket, cells: int) -> Bucket:
    """One cell's part of a bucket that all cells count: a part of what may come at once, filled so much more slowly."""
    return msgspec.structs.replace(bucket, capacity=bucket.capacity // cells, interval_us=bucket.interval_us * cells)


def homes_of(rest: str, cells: int) -> Collection[int] | None:
    """The cells that a key belongs to, where a tenant has so many; `rest` is what follows the cell's prefix and ":".

    Empty for what begins anew in every cell when their number changes: buckets that the cells share out. `None` for
    streams, which stay where they are. What was stored for an idempotency key belongs to every cell: which of them its
    call went to is not in the key, and the same request in any of them must find it.

    Raises:
        KeyError: the kind of key is unknown here.
    """
    kind, _, name = rest.partition(":")
    match kind:
        case "decisions":
            return None
        case "stops" | "request":
            return range(cells)
        case "facts":
            return (cell_of(cells, name),)
        case "bound":
            return (cell_of(cells, *name.split(":", 1)),)
        case "bucket":
            subject = _SUBJECT.search(name)
            return (cell_of(cells, subject[1]),) if subject else ()
    raise KeyError(kind)
