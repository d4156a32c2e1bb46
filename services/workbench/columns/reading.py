"""Reads the log on into the columns, and holds what was read against what the log's key has signed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from pilote.audit.v1 import audit_service_pb2, log_pb2
from services.proof.leaves import data_of
from services.proof.merkle import leaf_hash
from services.workbench.columns.database import Columns
from services.workbench.columns.measured import Values
from services.workbench.columns.sums import HOUR_MS, KEPT_HOURS, Entry, Summing

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

AT_ONCE: Final = 50_000
"""Entries that are taken in in one step: what is read anew where the process ends meanwhile."""
PROOF_SECONDS: Final = 10.0

Told = Callable[[int, int], None]
"""Hears how many entries have been read, and how many there are to read."""


class LogDiffers(Exception):
    """What the audit service gives is not the log that was signed, or not the one that was read before."""


async def read_on(
    columns: Columns, audit: "AuditServiceAsyncStub", *, now_ms: int = 0, told: Told | None = None
) -> int:
    """Take in what has come since; returns how many entries that were. What is too old by now is not summed up.

    While one step is kept, what the next one was decided by is opened, and the one after it read.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer. What was taken in by then stays.
        RedisError: nor the store, which has the policies that say what may be measured.
        LogDiffers: the log is another one than it was.
        msgspec.DecodeError: a newer version of Pilote has written an entry.
    """
    signed = (await audit.GetCheckpoint(audit_service_pb2.GetCheckpointRequest(), timeout=PROOF_SECONDS)).checkpoint
    begun = columns.size
    if signed.tree_size == begun:
        await _prove(columns, signed)
    read, opened = _Steps(1), _Steps(1)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_reading(audit, begun, signed.tree_size, into=read))
            group.create_task(_opening(read, columns.summing, audit, now_ms=now_ms, into=opened))
            while (step := await opened.get()) is not None:
                await _kept(columns, step)
                if columns.size == signed.tree_size:
                    await _prove(columns, signed)
                if told is not None:
                    told(columns.size - begun, step.size - begun)
    except* Exception as errors:  # who calls knows nothing of a group, and waits for a store that does not answer
        raise errors.exceptions[0] from None
    return columns.size - begun


@dataclass(slots=True)
class _Step:
    """Entries that are taken in together."""

    entries: list[Entry]
    size: int
    """Of the log, as it was when reading began."""
    values: Mapping[str, Values] = field(default_factory=dict)


_Steps: TypeAlias = asyncio.Queue[_Step | None]
"""One after the other; `None` is the end."""


async def _reading(audit: "AuditServiceAsyncStub", begun: int, signed_size: int, *, into: _Steps) -> None:
    """The log from `begun` on; a step ends with what was signed, so that the roots can be compared."""
    entries, size = list[Entry](), 0
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=begun)):
        size = size or answer.tree_size
        if size < begun:
            raise LogDiffers(f"The log has {size} entries, and {begun} were read before.")
        for entry in answer.entries:
            entries.append(_entry(entry))
            if len(entries) == AT_ONCE or entry.index + 1 == signed_size:
                await into.put(_Step(entries, size))
                entries = []
    if entries:
        await into.put(_Step(entries, size))
    await into.put(None)


async def _opening(
    steps: _Steps, summing: Summing | None, audit: "AuditServiceAsyncStub", *, now_ms: int, into: _Steps
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


async def _kept(columns: Columns, step: _Step) -> None:
    """Keep a step, to its end also where reading fails meanwhile: the next one to read begins where it ended."""
    keeping = asyncio.ensure_future(asyncio.to_thread(columns.append, step.entries, values=step.values))
    try:
        await asyncio.shield(keeping)
    except asyncio.CancelledError:
        await asyncio.wait((keeping,))
        raise


async def _prove(columns: Columns, signed: audit_service_pb2.Checkpoint) -> None:
    if columns.root != signed.root_hash:
        raise LogDiffers(f"What was read of the log is not what was signed of its {signed.tree_size} entries.")
    await asyncio.to_thread(columns.proved_to, signed.tree_size)
