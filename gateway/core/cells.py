"""Which of a tenant's cells a call belongs to, and how its cells share what is counted for all of them.

A subject always lands in the same cell, so whatever is counted by subject stays exact. What is counted for a whole
tenant, agent, method or channel is shared out: each cell grants its part, and together they never grant more than the
limit says.
"""

import hashlib

import msgspec

from gateway.core.limits import Bucket


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
