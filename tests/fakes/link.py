"""A link between two processes that goes bad as networks do, and mends, while a test runs.

It listens on a port of this machine or on a Unix socket, and carries bytes to another one. What ails it is set at run
time, for each direction by itself. Without an ailment bytes come out as they went in, and ends are passed on.

A partition holds bytes back, as TCP would by sending them again and again, and delivers them once it is over. A packet
that is lost shows in the same way, as a pause: nothing is ever left out of the middle of a connection.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Target = int | Path
"""A port of this machine, or a Unix socket."""

_CHUNK: Final = 16_384
_UNDER_WAY: Final = 64
"""Most chunks between the ends of a direction; a writer waits once they are there."""
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: close with RST, whatever waits to be sent."""


@dataclass(slots=True)
class Lane:
    """What ails one direction of a link. May be changed at any time."""

    latency_s: float = 0.0
    """How long a byte is under way."""
    lost_every: int = 0
    """Of how many chunks one is lost, and sent anew after `again_s`, while those behind it wait; 0: none."""
    again_s: float = 0.2
    bytes_per_second: float = 0.0
    """How many bytes get through; 0: all. A reader so slow lets its peer's writes pile up."""
    through: asyncio.Event = field(default_factory=asyncio.Event)
    carried: int = 0
    """Chunks so far."""
    lost: list[int] = field(default_factory=list)
    """Which of them, from 1, have been lost."""

    def __post_init__(self) -> None:
        self.through.set()

    def part(self) -> None:
        """Carry nothing from now on."""
        self.through.clear()

    def mend(self) -> None:
        """Carry everything, at once."""
        self.latency_s, self.lost_every, self.bytes_per_second = 0.0, 0, 0.0
        self.through.set()

    async def hold(self, size: int, *, due_s: float) -> None:
        """Return when the next chunk of so many bytes may come out, that would have been there at `due_s`."""
        loop = asyncio.get_running_loop()
        if (early := due_s - loop.time()) > 0:
            await asyncio.sleep(early)
        await self.through.wait()
        self.carried += 1
        if self.lost_every and self.carried % self.lost_every == 0:
            self.lost.append(self.carried)
            await asyncio.sleep(self.again_s)
        if self.bytes_per_second:
            await asyncio.sleep(size / self.bytes_per_second)


class Link:
    """Carries connections to `target`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.there, self.back = Lane(), Lane()
        self.refuses = False
        """Whether new connections are reset at once."""
        self.port = 0
        self.at: Path | None = None
        """Where it listens."""
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it listens on a port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The same for a store."""
        return f"redis://{self.address}" if self.at is None else f"unix://{self.at}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def part(self) -> None:
        """Carry nothing in either direction; connections stay, and new ones are taken and stay silent."""
        self.there.part()
        self.back.part()

    def mend(self) -> None:
        """Be well again; what was held back arrives. Connections whose peer has vanished stay as they are."""
        self.refuses = False
        self.there.mend()
        self.back.mend()

    def reset(self) -> None:
        """Break every connection with RST, on both sides."""
        for each in tuple(self._open):
            each.reset()

    def vanish(self) -> None:
        """Let both peers of every connection be gone without a word: what either sends goes nowhere, for ever."""
        for each in self._open:
            each.vanished = True

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it has ended."""
        near = _End(reader, writer)
        try:
            far = None if self.refuses else _End(*await _opened(self._target))
        except OSError:
            far = None
        if far is None:
            near.reset()
            return
        connection = _Connection(near, far)
        self._open.add(connection)
        task = asyncio.create_task(connection.carry(self.there, self.back))
        self._tasks.add(task)
        await asyncio.wait({task})
        self._open.discard(connection)
        self._tasks.discard(task)

    async def close(self) -> None:
        """End what is open."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _End:
    """One side of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def reset(self) -> None:
        """Break it with RST; a Unix socket knows no such thing, and is closed with what it still had to say unsaid."""
        taken = self.writer.get_extra_info("socket")
        if taken.family != socket.AF_UNIX:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


class _Connection:
    """One connection, in both directions."""

    def __init__(self, near: _End, far: _End) -> None:
        self._near, self._far = near, far
        self._broken = asyncio.Event()
        self.vanished = False

    def reset(self) -> None:
        """Break it."""
        self._near.reset()
        self._far.reset()
        self._broken.set()

    async def carry(self, there: Lane, back: Lane) -> None:
        """Carry until both directions have ended, or it is broken."""
        chunks: tuple[_Chunks, _Chunks] = asyncio.Queue(_UNDER_WAY), asyncio.Queue(_UNDER_WAY)
        ends = (self._near, self._far)
        reading = [
            asyncio.create_task(self._read(end.reader, its, lane))
            for end, its, lane in zip(ends, chunks, (there, back), strict=True)
        ]
        writing = [
            asyncio.create_task(self._write(end.writer, its, lane))
            for end, its, lane in zip(reversed(ends), chunks, (there, back), strict=True)
        ]
        both = asyncio.create_task(asyncio.wait(writing))
        breaking = asyncio.create_task(self._broken.wait())
        try:
            await asyncio.wait({breaking, both}, return_when=asyncio.FIRST_COMPLETED)
            if both.done() and not self._broken.is_set():
                for end in ends:  # what was said last is still to be sent
                    end.writer.close()
                    await end.writer.wait_closed()
        except OSError:
            pass
        finally:
            for task in (breaking, both, *reading, *writing):
                task.cancel()
            await asyncio.gather(breaking, both, *reading, *writing, return_exceptions=True)
            for end in ends:
                end.writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, chunks: "_Chunks", lane: Lane) -> None:
        """Take bytes as they come: latency delays them, and does not make them fewer."""
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            try:
                data = await reader.read(_CHUNK)
            except OSError:
                self._lost()
                return
            await chunks.put((data, loop.time() + lane.latency_s))

    async def _write(self, writer: asyncio.StreamWriter, chunks: "_Chunks", lane: Lane) -> None:
        """Let them out when they are due, in their order, and then the end."""
        while True:
            data, due_s = await chunks.get()
            await lane.hold(len(data), due_s=due_s)
            if self.vanished:
                continue
            try:
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
            except OSError:
                self._lost()

    def _lost(self) -> None:
        """One side has broken it: the other hears of it, if there still is another."""
        if not self.vanished:
            self.reset()


_Chunks = asyncio.Queue[tuple[bytes, float]]


async def _opened(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection("127.0.0.1", target)


@contextlib.asynccontextmanager
async def link_to(target: Target, *, at: Path | None = None) -> AsyncIterator[Link]:
    """A link that listens until the block ends: on a Unix socket `at`, else on a free port."""
    link = Link(target)
    if at is not None:
        server = await asyncio.start_unix_server(link.accept, at)
        link.at = at
    else:
        server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
        link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        await link.close()
