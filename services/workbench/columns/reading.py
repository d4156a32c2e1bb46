"""Reads the log on into the columns, and holds what was read against what the log's key has signed."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pilote.audit.v1 import audit_service_pb2, log_pb2
from services.proof.leaves import data_of
from services.proof.merkle import leaf_hash
from services.workbench.columns.database import Columns
from services.workbench.columns.sums import HOUR_MS, KEPT_HOURS, Entry

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

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer. What was taken in by then stays.
        LogDiffers: the log is another one than it was.
        msgspec.DecodeError: a newer version of Pilote has written an entry.
    """
    signed = (await audit.GetCheckpoint(audit_service_pb2.GetCheckpointRequest(), timeout=PROOF_SECONDS)).checkpoint
    begun = columns.size
    if signed.tree_size == begun:
        await _prove(columns, signed)
    batch: list[Entry] = []
    size = 0
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=begun)):
        size = size or answer.tree_size
        if size < begun:
            raise LogDiffers(f"The log has {size} entries, and {begun} were read before.")
        for entry in answer.entries:
            batch.append(_entry(entry))
            # A step ends with what was signed, so that the roots can be compared.
            if len(batch) == AT_ONCE or entry.index + 1 == signed.tree_size:
                await _take(columns, batch, audit, now_ms)
                if entry.index + 1 == signed.tree_size:
                    await _prove(columns, signed)
                if told is not None:
                    told(columns.size - begun, size - begun)
    await _take(columns, batch, audit, now_ms)
    if told is not None:
        told(columns.size - begun, size - begun)
    return columns.size - begun


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


async def _take(columns: Columns, batch: list[Entry], audit: "AuditServiceAsyncStub", now_ms: int) -> None:
    if batch:
        since_ms = now_ms - KEPT_HOURS * HOUR_MS
        values = {} if columns.summing is None else await columns.summing.opened(batch, audit, since_ms=since_ms)
        await asyncio.to_thread(columns.append, batch, values=values)
        batch.clear()


async def _prove(columns: Columns, signed: audit_service_pb2.Checkpoint) -> None:
    if columns.root != signed.root_hash:
        raise LogDiffers(f"What was read of the log is not what was signed of its {signed.tree_size} entries.")
    await asyncio.to_thread(columns.proved_to, signed.tree_size)
