"""The log in steps: read, held against its hashes, and what calls were decided by opened."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeAlias

from pilote.audit.v1 import log_pb2
from services.proof.leaves import hash_of
from services.proof.merkle import HASH_BYTES
from services.workbench.columns.measured import Values
from services.workbench.columns.sums import HOUR_MS, KEPT_HOURS, Entry, Summing

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

AT_ONCE: Final = 50_000
"""Entries that are taken in in one step: what is read anew where the process ends meanwhile."""


class LogDiffers(Exception):
    """What the audit service gives is not the log that was signed, or not the one that was read before."""


@dataclass(slots=True)
class Step:
    """Entries that are taken in together."""

    entries: list[Entry]
    size: int
    """Of the log, as it was when reading began."""
    values: Mapping[str, Values] = field(default_factory=dict)


Steps: TypeAlias = asyncio.Queue[Step | None]
"""One after the other; `None` is the end."""


async def fill(
    audit: "AuditServiceAsyncStub",
    summing: Summing | None,
    *,
    begun: int,
    signed_size: int,
    now_ms: int,
    into: Steps,
) -> None:
    """The log from `begun` on, step by step; while one is opened the next one is read.

    A step ends with what was signed, so that the roots can be compared. What is too old by `now_ms` is not opened.

    Raises:
        ExceptionGroup: of what reading or opening has ended with, see `reading.read_on` and `gateway.ending.first_of`.
    """
    read = Steps(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(_reading(audit, begun, signed_size, into=read))
        group.create_task(_opening(read, summing, audit, now_ms=now_ms, into=into))


async def _reading(audit: "AuditServiceAsyncStub", begun: int, signed_size: int, *, into: Steps) -> None:
    entries, size = list[Entry](), 0
    at = begun
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=begun, packed=True)):
        size = size or answer.tree_size
        if size < begun:
            raise LogDiffers(f"The log has {size} entries, and {begun} were read before.")
        for entry in chain(_entries(answer.span), map(_entry, answer.entries)):
            entries.append(entry)
            at += 1
            if len(entries) == AT_ONCE or at == signed_size:
                await into.put(Step(entries, size))
                entries = []
    if entries:
        await into.put(Step(entries, size))
    await into.put(None)


async def _opening(
    steps: Steps, summing: Summing | None, audit: "AuditServiceAsyncStub", *, now_ms: int, into: Steps
) -> None:
    """What calls were decided by, of each step."""
    while (step := await steps.get()) is not None:
        if summing is not None:
            step.values = await summing.opened(step.entries, audit, since_ms=now_ms - KEPT_HOURS * HOUR_MS)
        await into.put(step)
    await into.put(None)


def _entries(span: log_pb2.LogSpan) -> Iterator[Entry]:
    """Entries whose parts are what their hashes say.

    Raises:
        LogDiffers: they are not.
    """
    start, kinds, told, parts = span.start_index, list(span.kinds), span.leaf_hashes, list(span.parts)
    counts, places = span.part_counts, span.kind_places
    whole = len(told) == len(places) * HASH_BYTES and len(counts) == len(places) and sum(counts) == len(parts)
    if not whole or max(places, default=-1) >= len(kinds):
        raise LogDiffers(f"The entries of the log from {start} on are not what a span says of them.")
    rest = iter(parts)
    for at, (place, count) in enumerate(zip(places, counts, strict=True)):
        yield _held(
            kinds[place],
            tuple(islice(rest, count)),
            told[at * HASH_BYTES : (at + 1) * HASH_BYTES],
            index=start + at,
        )


def _entry(entry: log_pb2.LogEntry) -> Entry:
    """Likewise one of an audit service that knows no spans yet."""
    return _held(entry.kind, tuple(entry.parts), entry.leaf_hash, index=entry.index)


def _held(kind: str, parts: tuple[bytes, ...], told: bytes, *, index: int) -> Entry:
    if parts:
        try:
            right = hash_of(kind, parts) == told
        except ValueError:
            right = False
        if not right:
            raise LogDiffers(f"The entry {index} of the log is not what its hash says.")
    return kind, parts, told
