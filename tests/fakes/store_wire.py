"""A wire between a gateway and its store that a test may hold up right before a command, to end the gateway there."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path


class StoreWire:
    """Carries commands to the store until one matches `hold_back`; that one and all later ones never arrive."""

    def __init__(self, target: str, hold_back: re.Pattern[bytes] | None) -> None:
        self._target = target
        self._hold_back = hold_back
        self.held = asyncio.Event()
        """Set once the command has come."""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        with contextlib.suppress(OSError):
            await asyncio.gather(self._commands(reader, far_writer), _carry(far_reader, writer))

    async def _commands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1_048_576):
                found = self._hold_back.search(data) if self._hold_back else None
                if found:  # the commands before it were sent before it, and arrive
                    data = (
                        data[: data.rfind(b"\r\n*", 0, found.start()) + 2] if b"\r\n*" in data[: found.start()] else b""
                    )
                if not self.held.is_set():
                    writer.write(data)
                    await writer.drain()
                if found:
                    self.held.set()
        finally:
            writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1_048_576):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def store_wire(target: str, at: Path, *, hold_back: re.Pattern[bytes] | None) -> AsyncIterator[StoreWire]:
    """A wire from the socket `at` to the store's socket `target`."""
    wire = StoreWire(target, hold_back)
    server = await asyncio.start_unix_server(wire.accept, at)
    try:
        yield wire
    finally:
        server.close()
