"""Notes in the log what an operator changes straight in the store, where an audit service answers.

Such commands are how to help oneself when something is down: where nothing can be noted they go on, and their notes are
owed to the log, as those of a control plane are, see `services.control.owing`.
"""

import contextlib
import os
import pwd
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import msgspec

from gateway.clock import clock_ms
from gateway.rpc.channels import channel_to
from gateway.settings import language
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.commands.shell import Shell
from services.control.changes import Changes, Changing
from services.control.owing import Owing
from services.control.undone import Undone
from services.texts import say

SECONDS: Final = 2.0
"""Longest that a stop waits for an audit service that hangs."""


class Operator(msgspec.Struct, frozen=True):
    """Somebody on this machine, who can reach the store itself."""

    name: str
    kind: str = "operator"
    id: str = ""


def operator() -> Operator:
    """Who runs this process, as the operating system says: `operator:NAME`, or the user's number in its place."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may know no users
        name = str(uid)
    return Operator(f"operator:{name}")


@contextlib.asynccontextmanager
async def noting(
    shell: Shell,
    *,
    operation: str,
    resource: str,
    tenant: str = "",
    before: Any = None,
    after: Any = None,
    reason: str = "",
) -> AsyncIterator[Changing]:
    """A block that changes something, noted in the log now or as soon as that is possible; see `Changes.recording`."""
    settings = shell.settings()
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(channel_to(settings.audit_listen))
        redis, stub = await stack.enter_async_context(shell.store(settings)), AuditServiceStub(channel)
        changes = Changes(stub, owing=Owing(redis, stub, clock_ms=clock_ms), seconds=SECONDS)
        recording = changes.recording(
            operator(),
            operation=operation,
            resource=resource,
            tenant=tenant,
            before=before,
            after=after,
            reason=reason,
            takes_away=True,  # whatever it does: whoever can reach the store goes on without a log
        )
        try:
            changing = await stack.enter_async_context(recording)
        except (Undone, grpc.aio.AioRpcError):
            said, changing = "unnoted", Changing("", resource, after)
        else:
            said = "note-owed" if changing.owed else ""
        if said:
            text = say(said, language=language(settings), address=settings.audit_listen)
            shell.err.print(text, markup=False, soft_wrap=True)
        yield changing
