"""A TCP proxy that answers late, when it is told to: what a slow network or upstream looks like to a gateway."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Final

_CHUNK: Final = 64 * 1024


class Delay:
    """How late answers come just now; set from any thread."""

    def __init__(self) -> None:
        self.seconds = 0.0


@contextlib.contextmanager
def delaying(port: int, *, to_port: int) -> Iterator[Delay]:
    """Listen on 127.0.0.1 until the block ends; everything that comes back from `to_port` comes as late as is said.

    Raises:
        OSError: the port is taken.
    """
    delay = Delay()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connections = _Connections(delay, to_port)
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(connections.serve, "127.0.0.1", port), loop).result()
    try:
        yield delay
    finally:
        asyncio.run_coroutine_threadsafe(connections.end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Connections:
    def __init__(self, delay: Delay, to_port: int) -> None:
        self._delay = delay
        self._to_port = to_port
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs us in one
        self._running.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            self._running.discard(task)
            writer.close()

    async def end(self, server: asyncio.Server) -> None:
        """Close all."""
        server.close()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        try:
            # Either end closes both: half a connection is no use to HTTP/2.
            await asyncio.wait(
                {
                    asyncio.ensure_future(_on(reader, back_writer)),
                    asyncio.ensure_future(_late(back_reader, writer, self._delay)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            back_writer.close()


async def _on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Delay) -> None:
    """Late, and no slower: what follows is read meanwhile."""
    loop = asyncio.get_running_loop()
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while True:
            at, data = await due.get()
            await asyncio.sleep(max(0.0, at - loop.time()))
            writer.write(data)
            await writer.drain()

    writing = asyncio.ensure_future(write())
    try:
        while data := await reader.read(_CHUNK):
            due.put_nowait((loop.time() + delay.seconds, data))
    finally:
        writing.cancel()
