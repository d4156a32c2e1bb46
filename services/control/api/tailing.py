"""Follows decisions for people: a stream of the audit service as server-sent events."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import grpc
import msgspec
from litestar.response.sse import ServerSentEventMessage

from gateway.core.errors import Reason
from gateway.core.texts import language_of
from pilote.audit.v1 import audit_service_pb2
from pilote.decision.v1.decision_pb2 import Decision
from services.control.api.problems import problem_of
from services.control.audit_client import Stub, as_json, ended

MOST: Final = 100
"""Most streams at once: each holds a connection here and one place at the audit service."""
QUIET_SECONDS: Final = 15.0
"""After so long without a decision a comment is sent, so that nobody between takes the line for dead."""

FOLLOWING: Final = "pilote-following"
"""Metadata by which the audit service says that it has taken the filter."""
Event = ServerSentEventMessage
Metadata = tuple[tuple[str, str], ...]


class Tailing:
    """All streams of this process."""

    def __init__(self, stub: Stub, *, most: int = MOST, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._stub = stub
        self._most = most
        self._quiet_seconds = quiet_seconds
        self.running = 0
        """Streams at the moment."""
        self._draining = asyncio.Event()

    async def follow(
        self, filter_: str, *, metadata: Metadata, told: Callable[[Decision], str] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Decisions from now on, once the audit service has taken the filter; `metadata` is that of the question.

        Each is told as JSON, or by `told`.

        Raises:
            CallEnded: LIMIT_EXCEEDED when too many follow already.
            grpc.aio.AioRpcError: the audit service does not answer, or refuses the filter.
        """
        language = language_of(dict(metadata).get("accept-language"))
        if self.running >= self._most:
            raise ended(Reason.LIMIT_EXCEEDED, "tails-full", language)
        request = audit_service_pb2.TailDecisionsRequest(filter=filter_)
        call: Any = self._stub.TailDecisions(request, metadata=metadata)
        if FOLLOWING not in dict(await call.initial_metadata()):
            await call.read()  # raises why it has ended
        events = self._events(call, language, told or _as_json)
        await anext(events)  # begun, it is ended as well: even where nobody ever asks for an event
        return events

    def drain(self) -> None:
        """End every stream: they would otherwise keep the server from stopping."""
        self._draining.set()

    async def _events(self, call: Any, language: str, told: Callable[[Decision], str]) -> AsyncGenerator[Event, None]:
        self.running += 1
        reading: asyncio.Task[Any] | None = None
        ending = asyncio.create_task(self._draining.wait())
        try:
            yield Event(data=None, comment="following")
            while True:
                reading = reading or asyncio.create_task(call.read())
                await asyncio.wait({reading, ending}, timeout=self._quiet_seconds, return_when=asyncio.FIRST_COMPLETED)
                if self._draining.is_set():
                    return
                if not reading.done():
                    yield Event(data=None, comment="nothing new")
                    continue
                answer, reading = reading.result(), None
                if answer is grpc.aio.EOF:
                    return
                yield Event(data=told(answer.decision), event="decision", id=answer.decision.name)
        except grpc.aio.AioRpcError as error:
            yield Event(data=_json(problem_of(error, language)), event="error")
        finally:
            self.running -= 1
            call.cancel()
            for task in (ending, reading):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
                        await task


def _as_json(decision: Decision) -> str:
    return _json(as_json(decision))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
