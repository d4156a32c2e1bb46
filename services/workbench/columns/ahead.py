"""Reads the log ahead in a process of its own: where much is new, one core reads and opens while another one keeps."""

import asyncio
import gc
import logging
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from gateway import freed_memory
from gateway.ending import first_of
from gateway.rpc.channels import channel_to
from gateway.watching.logs import configure
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services import children
from services.proof.merkle import Growing
from services.workbench.columns.stepping import Steps, fill
from services.workbench.columns.sums import Summing
from services.workbench.columns.taking import Step

_STEP, _OVER, _ERROR = b"s", b"o", b"e"


class Ahead(msgspec.Struct, frozen=True):
    """What such a process needs to know."""

    audit: str
    """Address of the audit service."""
    summing: Callable[[], Summing | None]
    """Makes there what opens calls: a function at the top of a module, with its arguments."""
    log_level: str = ""
    """From which level on it writes its log; empty: it writes none."""


_encode: Final = msgspec.msgpack.encode
_step: Final = msgspec.msgpack.Decoder(Step)


async def filled(ahead: Ahead, *, tree: Growing, signed_size: int, now_ms: int, into: Steps) -> None:
    """What `stepping.fill` does, in a process that ends with this task; `tree` grows there.

    Raises:
        Exception: what it has ended with there; OSError where somebody has ended it.
    """
    context = children.context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, ahead, tree, signed_size, now_ms), daemon=True)
    try:
        await asyncio.to_thread(process.start)
        theirs.close()
        while (step := await asyncio.to_thread(_received, ours)) is not None:
            await into.put(step)
        await into.put(None)
    finally:
        if process.pid is not None:
            process.kill()  # whoever still waits for it hears that it is over


def _received(ours: Connection) -> Step | None:
    try:
        told = ours.recv_bytes()
    except EOFError:
        raise OSError("The process that reads the log ahead has ended; it is begun anew.") from None
    if told[:1] == _ERROR:
        raise pickle.loads(told[1:])  # noqa: S301 - from our own process
    if told[:1] == _OVER:
        return None
    return _step.decode(memoryview(told)[1:])


def _run(theirs: Connection, ahead: Ahead, tree: Growing, signed_size: int, now_ms: int) -> None:
    children.begin(niceness=0)
    freed_memory.stay()
    gc.disable()  # it ends soon; else records that wait to be sent are looked through again and again
    if ahead.log_level:
        configure(ahead.log_level)
    else:
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        asyncio.run(_send(theirs, ahead, tree, signed_size=signed_size, now_ms=now_ms))
    except Exception as error:  # it goes on where it is waited for
        theirs.send_bytes(_ERROR + pickle.dumps(error))
    else:
        theirs.send_bytes(_OVER)


async def _send(theirs: Connection, ahead: Ahead, tree: Growing, *, signed_size: int, now_ms: int) -> None:
    steps = Steps(1)
    try:
        async with channel_to(ahead.audit) as channel, asyncio.TaskGroup() as group:
            stub, summing = AuditServiceStub(channel), ahead.summing()
            group.create_task(fill(stub, summing, tree=tree, signed_size=signed_size, now_ms=now_ms, into=steps))
            while (step := await steps.get()) is not None:
                await asyncio.to_thread(_sent_step, theirs, step)
    except* Exception as errors:
        raise first_of(errors) from None


def _sent_step(theirs: Connection, step: Step) -> None:
    theirs.send_bytes(_STEP + _encode(step))
