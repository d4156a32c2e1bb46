"""Start, announce and drain a gRPC server: the same for every process of ours."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from gateway.certificates import own
from gateway.core.errors import DataNewer
from gateway.ending import first_of
from gateway.rpc.interceptors import ErrorsToStatus
from gateway.rpc.probing import answering_probes, wellness
from gateway.rpc.reflecting import Reflecting
from gateway.rpc.server_tls import Callers, grpc_credentials

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Largest message a server of ours takes, unless a contract says otherwise."""


MOST_CONNECTIONS: Final = 4_096
"""Of one port of one process; further ones are closed at once."""
MOST_STREAMS: Final = 1_000
"""Calls of one connection at a time; a client keeps further ones back until some have ended. As many as gRPC itself
queues: a front that brings the calls of all agents, and those who follow decisions, share a connection."""

BOUNDS: Final = (
    ("grpc.max_allowed_incoming_connections", MOST_CONNECTIONS),
    ("grpc.max_concurrent_streams", MOST_STREAMS),
    # By then TLS and HTTP/2 must have been agreed on, or the connection is closed; gRPC's default is two minutes.
    ("grpc.server_handshake_timeout_ms", 10_000),
    # One without calls is told to go; clients connect anew with their next call.
    ("grpc.max_connection_idle_ms", 900_000),
)
"""What one peer may take of a server. Headers: 8 KiB a call, gRPC's own default."""


class Secure(NamedTuple):
    """A port that takes connections by TLS only."""

    listen: str
    credentials: grpc.ServerCredentials
    bound: Callable[[int], None]
    """Told the port, which matters where `listen` asked for port 0."""


@contextlib.asynccontextmanager
async def serving(
    add_services: Callable[[grpc.aio.Server], None],
    *,
    listen: str,
    names: Sequence[str],
    drain_seconds: float,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    otherwise: grpc.GenericRpcHandler | None = None,
    reflecting: Reflecting | None = None,
    health_servicer: health.aio.HealthServicer | None = None,
    secure: "Secure | None" = None,
    interceptors: "Sequence[grpc.aio.ServerInterceptor]" = (),
    callers: Callers = "processes",
    bounds: Sequence[tuple[str, int]] = BOUNDS,
    behind: bool = False,
) -> AsyncIterator[int]:
    """Serve until the block ends, then drain; yields the port, which matters where `listen` asked for port 0.

    `names` are the full service names shown by reflection and health. On leaving, health turns to NOT_SERVING first, no
    new call is taken, and running ones have `drain_seconds` to end. `otherwise` answers all calls that no service of
    the server does; it translates its own errors, since an interceptor around it would cost every call. `reflecting` is
    for a server whose services change, `health_servicer` for one that says by itself how its services are. `secure`
    is a second port of the same server. `interceptors` come after that which translates errors. Where this process
    has a certificate, connections are encrypted, and `callers` says who is asked for one; not so `behind` a process of
    this gateway's own, which alone can reach it.

    Raises:
        OSError: when the address is taken.
    """
    server = grpc.aio.server(
        interceptors=() if otherwise is not None else (ErrorsToStatus(), *interceptors),
        options=(
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", max_message_bytes),
            ("grpc.so_reuseport", 1),
            # Of a client that keeps silent for hours we notice its death; see gRFC A8 for the defaults.
            ("grpc.keepalive_time_ms", 60_000),
            *bounds,
        ),
    )
    add_services(server)
    servicer = health_servicer or health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflecting or Reflecting(names), server)
    if otherwise is not None:
        server.add_generic_rpc_handlers((otherwise,))
    try:
        port = server.add_insecure_port(listen) if behind else _bound(server, listen, callers)
        if secure is not None:
            listen = secure.listen
            secure.bound(server.add_secure_port(listen, secure.credentials))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {listen}: is another process using it?") from error
    await server.start()
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield port
    finally:
        wellness().ends()
        await servicer.enter_graceful_shutdown()
        await server.stop(drain_seconds)


def _bound(server: grpc.aio.Server, listen: str, callers: Callers) -> int:
    certificates = own()
    if certificates is None:
        return server.add_insecure_port(listen)
    return server.add_secure_port(listen, grpc_credentials(certificates, callers=callers))


class Told(asyncio.Event):
    """Set when the process is told to stop. Who waits for it has started everything, and probes are told so."""

    async def wait(self) -> Literal[True]:
        """Wait until it is set."""
        wellness().started()
        return await super().wait()

    def set(self) -> None:
        """The process ends."""
        wellness().ends()
        super().set()


@contextlib.asynccontextmanager
async def until_told_to_stop() -> AsyncIterator[Told]:
    """An event that SIGTERM and SIGINT set; the handlers are removed when the block ends."""
    stop = Told()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def run(main: Callable[[], Any], *, probes: str = "") -> None:
    """Run an async main function on uvloop (0.9x of asyncio's CPU per call, measured).

    `probes` is the address where it is told whether the process is well; empty: nowhere. A process that meets data of a
    newer version ends with what to do instead of a trace.
    """
    let_work_finish()
    collect_rarely()

    async def probed() -> None:
        async with answering_probes(probes):
            await main()

    try:
        uvloop.run(probed())
    except* DataNewer as group:
        _log.critical("%s", first_of(group))
        raise SystemExit(1) from None


def collect_rarely() -> None:
    """Let the garbage collector look seldom, and never at what was there before the first call.

    A call's objects end by their reference counts; looking through all calls under way after every 700 new objects, as
    Python does by default, finds nothing and costs 7 % of a governed call (measured, twice 4 interleaved rounds).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def let_work_finish() -> None:
    """Schedule this process as batch work: gRPC's own threads then no longer interrupt the loop at every packet.

    Where they share a core, a governed call costs 0.86x of the CPU, and the latency at 800 calls/s is no worse
    (measured). Call it before gRPC starts its threads, which inherit it. No privilege is needed; a sandbox that
    forbids it only costs the gain.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
