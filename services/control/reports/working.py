"""The job that makes a report, as its process does it: counts, sets, has the log note which one that was, keeps it."""

import asyncio
from typing import TYPE_CHECKING, Final

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.clock import clock_ms
from gateway.redis_clients import connected
from gateway.rpc.channels import channel_to
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.changes import Changes
from services.control.jobs import JobFailed, Progress
from services.control.reports.store import Files, Kept, ReportStore, Written
from services.control.undone import Undone
from services.report_counts import Counting, Metadata
from services.report_making import made

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

_MOST_BYTES: Final = (("grpc.max_receive_message_length", 64 << 20),)


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked, as the log names them."""

    name: str
    kind: str
    id: str = ""


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made, for whom, and where it is counted. Goes to a process through a pipe, and never to disk."""

    audit: str
    redis_url: str
    kept: Kept
    maker: Maker
    metadata: Metadata
    """With which the audit service is asked: it answers no more than `maker` may see."""
    tenants: tuple[str, ...]
    """Whose findings belong to it."""
    now_ms: int


def report(making: Making, progress: Progress) -> bytes:
    """Make it: as JSON its name.

    Raises:
        JobFailed: nobody answers, or the log cannot take down who makes it.
    """
    try:
        asyncio.run(_make(making, progress))
    except (grpc.aio.AioRpcError, Undone) as error:
        raise JobFailed("job-audit") from error
    except (RedisError, OSError) as error:
        raise JobFailed("job-store") from error
    return msgspec.json.encode({"report": making.kept.name})


async def _make(making: Making, progress: Progress) -> None:
    kept, wanted = making.kept, making.kept.wanted
    async with (
        await connected(making.redis_url) as redis,
        channel_to(making.audit, options=_MOST_BYTES) as channel,
    ):
        stub: AuditServiceAsyncStub = AuditServiceStub(channel)
        counting = Counting(stub, redis, metadata=making.metadata)
        found = await made(counting, wanted, tenants=making.tenants, now_ms=making.now_ms, progress=progress)
        point = found.checkpoint
        written = Written(
            title=found.title,
            sha256=found.sha256,
            made_ms=making.now_ms,
            tree_size=point.size if point else 0,
            root=point.root if point else "",
            signed_ms=point.signed_ms if point else 0,
            note=point.note if point else "",
            key=point.key if point else "",
        )
        recording = Changes(stub).recording(
            making.maker, operation="create", resource=kept.name, tenant=wanted.tenant, after=found.told(wanted)
        )
        async with recording:  # no note, no report
            files = Files(found.html.encode(), found.pdf)
            await ReportStore(redis).write(kept, written, files, now_ms=clock_ms())
