"""The log in steps: read, held against its hashes, and what calls were decided by opened and measured."""

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from pilote.audit.v1 import log_pb2
from services.proof.merkle import Growing
from services.workbench.columns.readings import readings_of
from services.workbench.columns.sums import HOUR_MS, KEPT_HOURS, Summing
from services.workbench.columns.taking import LogDiffers, Step, Taking

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

Steps: TypeAlias = asyncio.Queue[Step | None]
"""One after the other; `None` is the end."""


async def fill(
    audit: "AuditServiceAsyncStub",
    summing: Summing | None,
    *,
    tree: Growing,
    signed_size: int,
    now_ms: int,
    into: Steps,
) -> None:
    """The log from `tree` on, which grows, step by step; while one is opened the next one is read.

    A step ends with what was signed, so that the roots can be compared. What is too old by `now_ms` is not opened.

    Raises:
        ExceptionGroup: of what reading or opening has ended with, see `reading.read_on` and `gateway.ending.first_of`.
    """
    read = Steps(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(_reading(audit, tree, signed_size, into=read))
        group.create_task(_opening(read, summing, audit, now_ms=now_ms, into=into))


async def _reading(audit: "AuditServiceAsyncStub", tree: Growing, signed_size: int, *, into: Steps) -> None:
    begun, size, taking = tree.size, 0, Taking(tree, until=signed_size)
    async for answer in audit.ReadLog(log_pb2.ReadLogRequest(start_index=begun, packed=True)):
        size = size or answer.tree_size
        if size < begun:
            raise LogDiffers(f"The log has {size} entries, and {begun} were read before.")
        for _ in chain(taking.span(answer.span), taking.each(answer.entries)):
            await into.put(taking.taken(size=size))
    if taking.place > tree.size:
        await into.put(taking.taken(size=size))
    await into.put(None)


async def _opening(
    steps: Steps, summing: Summing | None, audit: "AuditServiceAsyncStub", *, now_ms: int, into: Steps
) -> None:
    """What calls were decided by, of each step."""
    while (step := await steps.get()) is not None:
        if summing is not None:
            values = await summing.opened(step.records, audit, since_ms=now_ms - KEPT_HOURS * HOUR_MS)
            step.readings = await asyncio.to_thread(readings_of, values)
        await into.put(step)
    await into.put(None)
