"""Tells probes whether this process is well: gRPC's health service, at a port without TLS that answers nothing else.

For whoever has no certificate, as Kubernetes' probes, which speak no TLS over gRPC. It answers on the loop that all
else runs on, so a process that is stuck is silent here, too.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.interceptors import ErrorsToStatus

READINESS: Final = "readiness"
"""The name of what is asked for whether calls may be sent here; without a name the process as a whole is."""
CHECK_SECONDS: Final = 1.0
"""How long what a process stands on has to answer: less than a probe waits."""
_ANSWER: Final = health_pb2.HealthCheckResponse

Check = Callable[[], Awaitable[bool]]


class Wellness:
    """How one process is, as it knows itself: well once it has started, ready until it begins to end."""

    def __init__(self, *, check_seconds: float = CHECK_SECONDS) -> None:
        self._within_s = check_seconds
        self._started = self._ends = False
        self._well: list[Check] = []
        self._ready: list[Check] = []

    def started(self) -> None:
        """Everything that answers does."""
        self._started = True

    def ends(self) -> None:
        """No call should be sent here any more; those under way go on, so the process stays well."""
        self._ends = True

    @contextlib.contextmanager
    def well_while(self, check: Check) -> Iterator[None]:
        """Within the block it is well only while that says so: to start it anew would mend it."""
        self._well.append(check)
        try:
            yield
        finally:
            self._well.remove(check)

    @contextlib.contextmanager
    def ready_while(self, check: Check) -> Iterator[None]:
        """Within the block it is ready only while that says so, which may come and go."""
        self._ready.append(check)
        try:
            yield
        finally:
            self._ready.remove(check)

    async def well(self) -> bool:
        """Whether the process is as it should be."""
        return self._started and await self._all(self._well)

    async def ready(self) -> bool:
        """Whether it may be sent calls."""
        return not self._ends and await self.well() and await self._all(self._ready)

    async def _all(self, checks: list[Check]) -> bool:
        try:
            async with asyncio.timeout(self._within_s):
                return all([await check() for check in tuple(checks)])
        except (OSError, TimeoutError):
            return False


_own: Final[ContextVar[Wellness | None]] = ContextVar("own", default=None)


def wellness() -> Wellness:
    """That of this process; where there is no port for probes, one that nobody asks for."""
    return _own.get() or Wellness()


@contextlib.asynccontextmanager
async def answering_probes(listen: str, *, check_seconds: float = CHECK_SECONDS) -> AsyncIterator[int]:
    """Answer at that address until the block ends, of the `wellness` of all that begins in it; yields the port.

    Where `listen` is empty it is nowhere, and the port 0.

    Raises:
        OSError: the address is taken.
    """
    own = Wellness(check_seconds=check_seconds)
    token = _own.set(own)
    try:
        if not listen:
            yield 0
            return
        server = grpc.aio.server(interceptors=(ErrorsToStatus(),), options=_BOUNDS)
        server.add_generic_rpc_handlers((_answering(own),))
        try:
            port = server.add_insecure_port(listen)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {listen} for probes: is another process using it?") from error
        await server.start()
        try:
            yield port
        finally:
            await server.stop(None)
    finally:
        _own.reset(token)


_BOUNDS: Final = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_allowed_incoming_connections", 64),
    ("grpc.max_concurrent_streams", 16),
    ("grpc.server_handshake_timeout_ms", 2_000),
    ("grpc.max_connection_idle_ms", 60_000),
    ("grpc.max_receive_message_length", 1_024),
)
"""Probes are few and small, and anybody may reach this port who reaches the process."""


def _answering(own: Wellness) -> grpc.GenericRpcHandler:
    """Of gRPC's health service, what probes ask."""

    async def check(request: health_pb2.HealthCheckRequest, _: object) -> health_pb2.HealthCheckResponse:
        if request.service not in {"", READINESS}:
            raise CallEnded(Reason.NOT_FOUND, f'Ask for "{READINESS}", or for nothing by name.')
        fine = await (own.ready() if request.service else own.well())
        return _ANSWER(status=_ANSWER.SERVING if fine else _ANSWER.NOT_SERVING)

    asked = grpc.unary_unary_rpc_method_handler(
        check,
        request_deserializer=health_pb2.HealthCheckRequest.FromString,
        response_serializer=_ANSWER.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(health.SERVICE_NAME, {"Check": asked})
