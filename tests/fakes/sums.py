"""An audit service that knows of arms what it is told, and answers nothing else."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from pilote.audit.v1 import arms_pb2


def summary(
    arm: str, people: int, *, failed: int, revision: int, last_ms: int, heard_ms: int | None = None
) -> arms_pb2.ArmSummary:
    """An arm whose people made one call each, of which so many failed; first seen under that revision."""
    heard = last_ms if heard_ms is None else heard_ms
    error_rate = arms_pb2.MeasureSums(
        measure="error_rate", n=people, y=failed, d=people, yy=failed, dd=people, yd=failed, last_time=_time(heard)
    )
    return arms_pb2.ArmSummary(
        arm=arm,
        subjects=people,
        calls=people,
        last_call_time=_time(last_ms),
        measures=[error_rate],
        phases=[arms_pb2.PhaseSubjects(revision=revision, subjects=people)],
    )


class FakeSums:
    """`arms` are what it answers with, whatever is asked; with `fails` it ends every call so."""

    def __init__(self) -> None:
        self.arms: list[arms_pb2.ArmSummary] = []
        self.fails: grpc.StatusCode | None = None
        self.asked: list[arms_pb2.SummarizeArmsRequest] = []
        self.port = 0

    async def summarize(self, request: arms_pb2.SummarizeArmsRequest, context: Any) -> arms_pb2.SummarizeArmsResponse:
        """Answer as it was told."""
        self.asked.append(request)
        if self.fails is not None:
            await context.abort(self.fails, "as it was told")
        return arms_pb2.SummarizeArmsResponse(arms=self.arms)


@contextlib.asynccontextmanager
async def fake_sums(*, listen: str = "127.0.0.1:0") -> AsyncIterator[FakeSums]:
    """A fake that serves until the block ends."""
    fake = FakeSums()
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        fake.summarize,
        request_deserializer=arms_pb2.SummarizeArmsRequest.FromString,
        response_serializer=arms_pb2.SummarizeArmsResponse.SerializeToString,
    )
    methods = {"SummarizeArms": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pilote.audit.v1.AuditService", methods),))
    fake.port = server.add_insecure_port(listen)
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(0)


def _time(at_ms: int) -> Timestamp:
    return Timestamp(seconds=at_ms // 1000, nanos=at_ms % 1000 * 1_000_000)
