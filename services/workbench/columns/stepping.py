"""The log in steps: read, held against its hashes, and what calls were decided by opened."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from pilote.audit.v1 import log_pb2
from services.proof.leaves import data_of
from services.proof.merkle import leaf_hash
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
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=begun)):
        size = size or answer.tree_size
        if size < begun:
            raise LogDiffers(f"The log has {size} entries, and {begun} were read before.")
        for entry in answer.entries:
            entries.append(_entry(entry))
            if len(entries) == AT_ONCE or entry.index + 1 == signed_size:
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


def _entry(entry: log_pb2.LogEntry) -> Entry:
    """An entry whose parts are what its hash says.

    Raises:
        LogDiffers: they are not.
    """
    kind, parts, told = entry.kind, tuple(entry.parts), entry.leaf_hash  # each look at a message costs
    if parts:
        try:
            right = leaf_hash(data_of(kind, parts)) == told
        except ValueError:
            right = False
        if not right:
            raise LogDiffers(f"The entry {entry.index} of the log is not what its hash says.")
    return kind, parts, told
