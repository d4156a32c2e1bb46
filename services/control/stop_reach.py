"""What a stop would reach, as far as the audit service knows: for the words in which people are asked."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc

from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
from services.control.filters import both, either, is_, since
from services.control.stopping import about

LATELY_MS: Final = 24 * 3_600_000
SECONDS: Final = 1.0
"""How long the audit service may take; a stop never waits for a number."""


class StopReach:
    """Counts calls. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, audit: AuditServiceStub, *, clock_ms: Callable[[], int]) -> None:
        self._audit: Any = audit
        self._clock_ms = clock_ms

    async def calls(self, tenants: Sequence[str], what: str) -> int | None:
        """How many calls of the last 24 hours it would have stopped; `None`: not known now."""
        answer = await self._ask(both(self._lately(tenants), about(what)), ())
        return None if answer is None else int(answer.total_count)

    async def channels(self, tenants: Sequence[str]) -> tuple[str, ...]:
        """The channels on which customers were contacted in the last 24 hours; none where that is not known now."""
        answer = await self._ask(both(self._lately(tenants), "operation = CONTACT"), ("channel",))
        return tuple(each.value for each in answer.facets[0].values) if answer is not None else ()

    def _lately(self, tenants: Sequence[str]) -> str:
        return both(either(*(is_("tenant", tenant) for tenant in tenants)), since(self._clock_ms() - LATELY_MS))

    async def _ask(self, filter_: str, fields: Sequence[str]) -> Any:
        asked = SummarizeDecisionsRequest(filter=filter_, fields=fields)
        try:
            return await self._audit.SummarizeDecisions(asked, timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return None
