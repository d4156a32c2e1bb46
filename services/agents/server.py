"""`pilote agents`: one process that answers agents over HTTP, and calls the gateway for them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from gateway.ending import ended
from gateway.instance import instance
from gateway.rpc.http_serving import http_serving
from gateway.rpc.probing import wellness
from gateway.rpc.serving import until_told_to_stop
from gateway.watching.exposing import metering
from gateway.watching.tracing import Tracing, otlp
from services.agents.asgi import App, Receive, Scope, Send, answer, mounted
from services.agents.calling import Caller, calling
from services.agents.catalogue import Catalogue
from services.agents.comments import comments
from services.agents.mcp.door import mcp_door
from services.agents.mcp.metadata import metadata_door
from services.agents.metrics import RestMetrics
from services.agents.options import Options
from services.agents.rest import Rest
from services.agents.spans import Spans

Door = Callable[[Catalogue, Caller, Options, Spans], AbstractAsyncContextManager[App]]
"""What answers below one path for as long as the process runs."""
DOORS: Final[dict[str, Door]] = {"/mcp": mcp_door, "/.well-known": metadata_door}
"""By the path that each is mounted at, such as "/mcp"; what none of them takes is REST."""

_log = logging.getLogger(__name__)


async def serve(options: Options) -> None:
    """Answer until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: the address is taken.
    """
    async with until_told_to_stop() as stop, running(options) as port:
        _log.info("agents are answered", extra={"port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[int]:
    """Answer until the block ends; yields the port.

    Raises:
        OSError: the address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        own = instance("agents")
        metrics = RestMetrics(await stack.enter_async_context(metering(own, options.to)))
        tracing = None
        if options.to.otlp_endpoint is not None:
            tracing = Tracing(own, exporter=otlp(options.to.otlp_endpoint))
            stack.push_async_callback(asyncio.to_thread, tracing.close)
        spans = Spans(tracing, ratio=options.trace_ratio)
        caller, channel = await stack.enter_async_context(
            calling(options.gateway, max_message_bytes=options.max_message_bytes)
        )
        catalogue = Catalogue(channel, comments=comments())
        following = asyncio.create_task(catalogue.follow())
        stack.push_async_callback(ended, following)
        mounts = {
            path: await stack.enter_async_context(door(catalogue, caller, options, spans))
            for path, door in DOORS.items()
        }
        rest = Rest(
            catalogue,
            caller,
            max_message_bytes=options.max_message_bytes,
            version=own.version,
            count=metrics.count,
            spans=spans,
        )

        async def knows_methods() -> bool:
            return catalogue.ready

        stack.enter_context(wellness().ready_while(knows_methods))
        mounts |= {"/healthz": _alive, "/readyz": _ready(catalogue), "/openapi.json": rest.openapi}
        serving = http_serving(
            mounted(mounts, otherwise=rest), listen=options.listen, drain_seconds=options.drain_seconds
        )
        yield await stack.enter_async_context(serving)


async def _alive(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, 200, b'{"status":"alive"}')


def _ready(catalogue: Catalogue) -> App:
    async def ready(_scope: Scope, _receive: Receive, send: Send) -> None:
        if catalogue.ready:
            await answer(send, 200, b'{"status":"ready"}')
        else:
            await answer(send, 503, b'{"status":"the gateway does not answer"}', headers=((b"retry-after", b"1"),))

    return ready
