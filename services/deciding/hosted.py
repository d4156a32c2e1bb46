"""What decides, as the Python inside a worker's Envoy: an ASGI app that lives as long as that Envoy does.

Whoever has started the Envoy tells it through its standard input when to drain: by a word, or by ending. So a worker
whose starter is gone, however it went, drains and ends too.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from typing import Final

from gateway import own_memory
from gateway.adapters.trust import trusted_people
from gateway.adapters.workers import DECISION_WORKER
from gateway.core.errors import DataNewer
from gateway.ending import ended
from gateway.envoy.asgi import Health, envoy_app
from gateway.envoy.engine.admin import Admin
from gateway.envoy.engine.agents import serving as serving_agents
from gateway.envoy.engine.reach import Reach
from gateway.envoy.services import envoy_services
from gateway.governing import AWAY, governing
from gateway.key_files import keys_of
from gateway.rpc.asgi import GrpcOverAsgi, Scope, Send
from gateway.rpc.asgi_requests import Receive
from gateway.rpc.serving import collect_rarely
from gateway.settings import Settings, SettingsInvalid, from_environment
from gateway.watching.logs import configure
from services.deciding.draining import drained
from services.presenting import present_own
from services.up import redis_url

_log: Final = logging.getLogger(__name__)
_ORDERS: Final = 0
"""Its standard input."""


class Hosted:
    """The app. Calls come only while its lifespan lasts."""

    def __init__(self) -> None:
        self._app: GrpcOverAsgi | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or live."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                settings = from_environment()
                configure(settings.log_level)
                present_own(settings)
                self._app = await stack.enter_async_context(_answering(settings))
            except (*AWAY, SettingsInvalid, DataNewer, ValueError, OSError) as error:
                _log.critical("a decision worker cannot start: %s", _said(error))
                await send({"type": "lifespan.startup.failed", "message": _said(error)})
                return
            own_memory.keep()
            collect_rarely()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


app: Final = Hosted()


@contextlib.asynccontextmanager
async def _answering(settings: Settings) -> AsyncIterator[GrpcOverAsgi]:
    """What answers calls, until the block ends or it is told to drain; then this process ends."""
    keys = keys_of(settings)
    file = settings.trusted_people_file
    people = None if file is None else trusted_people(file)
    governs = governing(
        settings, redis_url=redis_url(settings), keys=keys, trusted_people=people, called=DECISION_WORKER
    )
    async with governs as governed, contextlib.AsyncExitStack() as stack:
        reach = None
        if settings.engine == "envoy" and settings.envoy_key_file is not None:
            reach = Reach(Admin(settings.envoy_key_file.parent), certified=settings.tls_dir is not None)
            governed.activating.tell(reach.use)
        services = envoy_services(
            settings,
            governed.pipeline,
            admission=governed.admission,
            watch=governed.watch,
            hold_keys=keys.hold,
            reach=reach,
        )
        if services.agents is not None and settings.envoy_key_file is not None:
            home, longest = settings.envoy_key_file.parent, settings.max_message_bytes
            await stack.enter_async_context(serving_agents(services.agents, home, max_message_bytes=longest))
        health = Health()
        answering = envoy_app(services, health, max_message_bytes=settings.max_message_bytes)
        governed.watch.observe_calls(lambda: answering.in_flight)
        told = asyncio.create_task(_end_when_told(answering, health, drain_seconds=settings.drain_seconds))
        yield answering
        await ended(told)
        if reach is not None:
            await reach.close()
        governed.stop()


async def _end_when_told(answering: GrpcOverAsgi, health: Health, *, drain_seconds: float) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(_ORDERS, told.set)
    try:
        await told.wait()
    finally:
        loop.remove_reader(_ORDERS)
    await drained(answering, health, within_s=drain_seconds)
    os.kill(os.getpid(), signal.SIGTERM)  # Envoy then ends this app's lifespan, and itself


def _said(error: Exception) -> str:
    if isinstance(error, AWAY):
        return "the store does not answer: start it, or say where it is by PILOTE_REDIS_URL"
    return str(error)
