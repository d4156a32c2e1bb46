"""What the records say of a run: which verdicts, also those that no caller sees, and whether one is missing."""

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from pilote.audit.v1 import audit_service_pb2_grpc, shadows_pb2, summaries_pb2

FIELDS: Final = ("verdict", "reason", "rule.mode", "revision")
"""Beside verdicts: decisions in which a rule applied that only watches (`rule.mode` monitor)."""
COPIES: Final = ("copies", "agreed", "differed", "failed", "dropped")
PATIENCE_S: Final = 20.0
"""So long without one more decision, and no more will come."""
LONGEST_S: Final = 30.0
PAUSE_S: Final = 0.25


class Recorded(NamedTuple):
    """What the audit service has stored."""

    total: int
    values: Sequence[tuple[str, str, int]]
    """(field, value, how many decisions); of shadows how many copies."""


def recorded(address: str, *, agents: Iterable[str], since: float, wanted: Callable[[], int]) -> Recorded:
    """Decisions about calls of these agents since a time (seconds since the epoch), once there are as many as `wanted`.

    That is asked each time: beyond saturation calls still end while this waits. Or once none has come for 20 s,
    whatever there is: what is missing then is missing. Copies for shadows are those of all agents.

    Raises:
        grpc.RpcError: the audit service does not answer.
    """
    named = " OR ".join(f'agent = "{agent}"' for agent in agents)
    start = Timestamp()
    start.FromMilliseconds(int(since * 1000))
    request = summaries_pb2.SummarizeDecisionsRequest(
        filter=f'({named}) AND receive_time >= "{start.ToJsonString()}"', fields=FIELDS, top_size=20
    )
    most, until = -1, 0.0
    with grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub: Any = audit_service_pb2_grpc.AuditServiceStub(channel)
        while True:
            said = stub.SummarizeDecisions(request, timeout=LONGEST_S)
            if said.total_count > most:
                most, until = said.total_count, time.monotonic() + PATIENCE_S
            if most >= wanted() or time.monotonic() > until:
                break
            Event().wait(PAUSE_S)
        copied = stub.SummarizeShadows(shadows_pb2.SummarizeShadowsRequest(start_time=start), timeout=LONGEST_S)
    values = [(facet.field, each.value, each.count) for facet in said.facets for each in facet.values]
    for each in copied.summaries:
        what = f"{each.kind} {each.route}/{each.arm}"
        values += [(what, name, getattr(each, name)) for name in COPIES if getattr(each, name)]
    return Recorded(said.total_count, values)
