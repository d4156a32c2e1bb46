"""Reads the log on into the columns, and holds what was read against what the log's key has signed."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.ending import first_of, to_its_end
from pilote.audit.v1 import audit_service_pb2
from services.workbench.columns.ahead import Ahead, filled
from services.workbench.columns.database import Columns
from services.workbench.columns.stepping import Steps, fill
from services.workbench.columns.taking import LogDiffers, Step

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

PROOF_SECONDS: Final = 10.0
FAR: Final = 200_000
"""So many new entries are read by a process of its own, whose start takes a second."""

Told = Callable[[int, int], None]
"""Hears how many entries have been read, and how many there are to read."""


async def read_on(
    columns: Columns,
    audit: "AuditServiceAsyncStub",
    *,
    now_ms: int = 0,
    told: Told | None = None,
    ahead: Ahead | None = None,
    far: int = FAR,
) -> int:
    """Take in what has come since; returns how many entries that were. What is too old by now is not summed up.

    While one step is kept, what the next one was decided by is opened, and the one after it read: from `far` entries
    on in a process of its own, where `ahead` says how.

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
    opened = Steps(1)
    elsewhere = ahead if signed.tree_size - begun >= far else None
    filling = partial(fill, audit, columns.summing) if elsewhere is None else partial(filled, elsewhere)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(filling(tree=columns.tree, signed_size=signed.tree_size, now_ms=now_ms, into=opened))
            while (step := await opened.get()) is not None:
                await _kept(columns, step)
                if columns.size == signed.tree_size:
                    await _prove(columns, signed)
                if told is not None:
                    told(columns.size - begun, step.size - begun)
    except* Exception as errors:  # who calls knows nothing of a group, and waits for a store that does not answer
        raise first_of(errors) from None
    return columns.size - begun


async def _kept(columns: Columns, step: Step) -> None:
    """Keep a step, to its end also where reading fails meanwhile: the next one to read begins where it ended."""
    await to_its_end(asyncio.to_thread(columns.keep, step))


async def _prove(columns: Columns, signed: audit_service_pb2.Checkpoint) -> None:
    if columns.root != signed.root_hash:
        raise LogDiffers(f"What was read of the log is not what was signed of its {signed.tree_size} entries.")
    await asyncio.to_thread(columns.proved_to, signed.tree_size)
