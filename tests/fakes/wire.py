"""A wire between the gateway and an upstream that a test may cut: connections break without a word, as in a crash."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Wire:
    """Carries bytes to and fro."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.dead = False
        """Whether new connections are dropped too."""
        self.long_s = 0.0
        """How much later than on a short wire a new connection carries its first bytes."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection now."""
        for writer in self._writers:
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        self._writers.add(writer)
        if self.dead:
            writer.transport.abort()
            return
        await asyncio.sleep(self.long_s)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers.add(far_writer)
        with contextlib.suppress(OSError):
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        self._writers -= {writer, far_writer}


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A wire to that port of this machine."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.dead = True
        wire.cut()
        server.close()
