"""What the commands about decisions show."""

import grpc
from rich.console import Console
from rich.table import Table

from gateway.rpc.status import text_from
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from pilote.decision.v1 import decision_pb2
from services.texts import say

_COLUMNS = ("receive_time", "agent", "method", "verdict", "reason", "rule", "status", "version", "ms", "id")


async def list_decisions(out: Console, err: Console, address: str, *, where: str, count: int, language: str) -> int:
    """Print a table of decisions that match a filter; returns the exit code."""
    request = audit_service_pb2.ListDecisionsRequest(filter=where, page_size=count)
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            page = await audit_service_pb2_grpc.AuditServiceStub(channel).ListDecisions(
                request, timeout=10, metadata=(("accept-language", language),)
            )
        except grpc.aio.AioRpcError as error:
            return _failed(err, error, address=address, language=language)
    rows = [_row(decision) for decision in page.decisions]
    if out.is_terminal:
        table = Table()
        for column in _COLUMNS:
            table.add_column(column, no_wrap=column == "id", overflow="fold")
        for row in rows:
            table.add_row(*row)
        out.print(table)
    else:  # another program reads it: whole values, parted by tabs
        for row in (_COLUMNS, *rows):
            out.out("\t".join(row))
    return 0


def _row(decision: decision_pb2.Decision) -> tuple[str, ...]:
    return (
        decision.receive_time.ToJsonString(),
        decision.agent,
        decision.method.rpartition("/")[2],
        decision_pb2.Verdict.Name(decision.verdict).removeprefix("VERDICT_"),
        decision.reason,
        decision.rule,
        decision.status,
        decision.model_version,
        f"{decision.total_duration.ToMicroseconds() / 1000:.1f}" if decision.HasField("total_duration") else "",
        decision.name.removeprefix("decisions/"),
    )


def _failed(err: Console, error: grpc.aio.AioRpcError, *, address: str, language: str) -> int:
    unreachable = error.code() is grpc.StatusCode.UNAVAILABLE
    text = say("audit-down", language=language, address=address) if unreachable else text_from(error)
    err.print(text, markup=False, soft_wrap=True)
    return 1
