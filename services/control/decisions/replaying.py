"""Has recorded calls decided upon once more under their own revisions, for people who ask."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from gateway.adapters.sealing import Sealer
from gateway.core.errors import Reason
from gateway.redis_clients import Client
from pilote.audit.v1 import audit_service_pb2
from services.commands.replay_lines import agrees, lines, reason
from services.commands.replaying import Replays, Revisions, Unusable, copies, replay, shown
from services.control.access.persons import language_in
from services.control.access.principals import Asked
from services.control.audit_client import AuditClient, ended

MOST: Final = 2
"""Most replays at once: compiling a revision takes a processor for a while."""


class Difference(msgspec.Struct, frozen=True):
    """A field of the record that is another one when the call is decided upon once more."""

    field: str
    recorded: str
    """As JSON; likewise `replayed`."""
    replayed: str


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """What came of deciding about a call once more."""

    decision: str
    """`decisions/{decision}`."""
    result: Literal["SAME", "DIFFERS", "NOT_POSSIBLE"]
    sentences: tuple[str, ...]
    """The same in words; why it is not possible."""
    differences: tuple[Difference, ...] = ()


class Replaying:
    """All replays of this process."""

    def __init__(
        self,
        client: AuditClient,
        redis: Client,
        *,
        replay_keys: Sequence[bytes],
        pseudonym_key: bytes,
        clock_ms: Callable[[], int],
    ) -> None:
        """`replay_keys` open what calls were decided by, `pseudonym_key` is the gateways' own."""
        self._client = client
        self._replays = Replays(Revisions(redis), sealer=Sealer(replay_keys), pseudonym_key=pseudonym_key)
        self._clock_ms = clock_ms
        self._free = asyncio.Semaphore(MOST)

    async def replay(self, request: Asked, decision: str) -> Again:
        """Decide about a call once more; `decision` is its id. Nothing that it was decided by is told.

        Raises:
            CallEnded: LIMIT_EXCEEDED where too many run.
            grpc.aio.AioRpcError: there is no such decision that whoever asks may see, or the audit service does not
                answer.
        """
        language, stub = language_in(request), self._client.stub
        name = f"decisions/{decision}"
        await self._client.answer(request, stub.GetDecision, audit_service_pb2.GetDecisionRequest(name=name))
        if self._free.locked():
            raise ended(Reason.LIMIT_EXCEEDED, "replays-full", language)
        audit: Any = stub
        async with self._free:
            try:
                once = await replay(decision, audit, self._replays, now_ms=self._clock_ms())
                copied = await copies(audit, once, self._replays)
            except Unusable as unusable:
                return Again(decision=name, result="NOT_POSSIBLE", sentences=(reason(unusable, language=language),))
        return Again(
            decision=name,
            result="SAME" if agrees(once, copied) else "DIFFERS",
            sentences=lines(once, copied, language=language),
            differences=tuple(Difference(*each) for each in shown(once)),
        )
