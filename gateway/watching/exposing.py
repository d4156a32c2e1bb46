"""Metrics at one address: `/metrics` for Prometheus, of every process that keeps its state in one home.

Each process answers its siblings on a Unix socket in `metrics/` of the home. One of them, whichever comes first, has
the address, asks the others and answers for all; when it ends, another takes over. So workers that share the gateway's
port are counted each for itself, and one address a machine is all that is configured.
"""

import asyncio
import contextlib
import errno
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from gateway.certificates import own
from gateway.ending import ended
from gateway.instance import Instance
from gateway.rpc.server_tls import http_context
from gateway.watching.families import Family, Sample, families, merged, page
from gateway.watching.meters import Meters, otlp
from gateway.watching.siblings import locked, reachable, slot, taken, whole

OFF: Final = "off"
LOOK_SECONDS: Final = 1.0
"""How often a process that has not got the address tries to."""
PATIENCE_SECONDS: Final = 2.0
"""How long a sibling has to answer; one that does not is shown as silent."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(tuple[Family, ...])
_log = logging.getLogger(__name__)


class Metering(msgspec.Struct, frozen=True):
    """Where a process's metrics go."""

    otlp_endpoint: str | None = None
    listen: str = OFF
    """Where they are shown, "host:port"; `OFF`: nowhere."""
    home: Path = Path()

    @property
    def anywhere(self) -> bool:
        """Whether anybody reads them."""
        return self.otlp_endpoint is not None or self.listen != OFF


NOWHERE: Final = Metering()


@contextlib.asynccontextmanager
async def metering(instance: Instance, to: Metering) -> AsyncIterator[Meters]:
    """The metrics of one process until the block ends; then what is left is exported.

    Where the home cannot be written they are not shown, which is said: no process does without its work for that.
    """
    meters = Meters(instance, exporter=None if to.otlp_endpoint is None else otlp(to.otlp_endpoint))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, meters.close)
        if to.listen != OFF:
            try:
                await stack.enter_async_context(exposing(meters, listen=to.listen, home=to.home))
            except OSError as error:
                why = errno.errorcode.get(error.errno or 0, "unknown")
                _log.warning("metrics are not shown: the home cannot be written", extra={"error": why})
        yield meters


class Exposed:
    """The metrics of one process, and of its siblings where it has the address."""

    def __init__(self, meters: Meters, folder: Path, *, worker: int) -> None:
        self._meters = meters
        self._folder = folder
        self.worker: Final = worker
        """What tells it from others of its kind in this home, from 1 up."""
        self.port = 0
        """Where it answers for all; 0 while a sibling does, or nobody can."""
        self.tried = asyncio.Event()
        """Set once it has tried to get the address."""

    @property
    def name(self) -> str:
        """What its socket is called."""
        return f"{self._meters.instance.kind}-{self.worker}"

    async def own(self) -> tuple[Family, ...]:
        """Those of this process. Gathered off the loop: it takes milliseconds."""
        return await asyncio.to_thread(lambda: families(self._meters.read(), self._meters.instance, worker=self.worker))

    async def all(self) -> tuple[Family, ...]:
        """Those of every process here, and which of them answer."""
        own = self.name
        others = [path.stem for path in sorted(self._folder.glob("*.sock")) if path.stem != own]
        parts = await asyncio.gather(self.own(), *(self._ask(name) for name in others))
        found = {name: part for name, part in zip((own, *others), parts, strict=True) if part is not None}
        description = "Whether the process answers its siblings: 1, or 0 for one that is stuck."
        up = tuple(_up(name, up=bool(part)) for name, part in found.items())
        return merged([*found.values(), (Family("pilote_process_up", "gauge", "", description, up),)])

    async def _ask(self, name: str) -> tuple[Family, ...] | None:
        """What a sibling says: nothing where it does not answer, or as no process of this version would.

        `None` where it has ended.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                with reachable(self._folder, f"{name}.sock") as path:
                    reader, writer = await asyncio.open_unix_connection(path)
                try:
                    return _DECODER.decode(await whole(reader))
                finally:
                    writer.close()
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except (OSError, TimeoutError, msgspec.DecodeError):
            return ()

    async def answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell a sibling what was counted here; one that has gone meanwhile asks again."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                writer.write(_ENCODER.encode(await self.own()))
                await writer.drain()
        except (OSError, TimeoutError):
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def exposing(meters: Meters, *, listen: str, home: Path) -> AsyncIterator[Exposed]:
    """Show the metrics until the block ends. A taken address is no failure: it is waited for.

    Raises:
        OSError: the home cannot be written.
    """
    folder = await asyncio.to_thread(_folder, home)
    async with contextlib.AsyncExitStack() as stack:
        worker = stack.enter_context(slot(folder, meters.instance.kind))
        exposed = Exposed(meters, folder, worker=worker)
        own = stack.enter_context(taken(folder, f"{exposed.name}.sock"))
        server = await asyncio.start_unix_server(exposed.answer, sock=own)
        stack.callback(server.close)
        task = asyncio.create_task(_answering(exposed, listen, folder))
        stack.push_async_callback(ended, task)
        await exposed.tried.wait()
        yield exposed


async def _answering(exposed: Exposed, listen: str, folder: Path) -> None:
    """Have the address as soon as no sibling has it any more, and as long as we run."""
    told = False
    while True:
        with locked(folder / "address.lock") as ours:
            if ours:
                try:
                    await _listen(exposed, listen)
                except OSError as error:
                    if not told:
                        extra = {"listen": listen, "error": errno.errorcode.get(error.errno or 0, "unknown")}
                        _log.warning("metrics cannot be shown yet: the address cannot be listened on", extra=extra)
                    told = True
        exposed.tried.set()
        await asyncio.sleep(LOOK_SECONDS)


async def _listen(exposed: Exposed, listen: str) -> None:
    """Answer for all until cancelled.

    Raises:
        OSError: the address is taken by somebody else, or is none of ours.
    """

    async def metrics(request: web.Request) -> web.Response:
        found = await exposed.all()
        body, content_type = await asyncio.to_thread(page, found, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        host, _, port = listen.rpartition(":")
        certificates = own()
        tls = None if certificates is None else http_context(certificates, callers="processes")
        await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=tls).start()
        exposed.port = int(runner.addresses[0][1])
        exposed.tried.set()
        await asyncio.Event().wait()
    finally:
        exposed.port = 0
        await runner.cleanup()


def _folder(home: Path) -> Path:
    folder = home.resolve() / "metrics"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _up(name: str, *, up: bool) -> Sample:
    process, _, worker = name.rpartition("-")
    return Sample("", {"process": process, "worker": worker}, int(up))
