"""What could not be written to the store, kept on disk until it can: fsynced, replayed in order, harmless if repeated.

Each worker has a file of its own and holds a lock on it. Files left behind by workers that died are taken over by
whoever starts next.
"""

import asyncio
import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Awaitable, Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.adapters.redis_connection import key_of

_log = logging.getLogger(__name__)

Command = tuple[str | bytes | int, ...]
"""A Redis command whose repetition does no harm."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_HEAD: Final = struct.Struct(">II")
"""In front of each entry: its length in bytes, and their CRC-32."""


class Spool:
    """Commands waiting for the store, in one append-only file."""

    def __init__(self, folder: Path, *, worker: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / f"{worker}.spool"
        self._file = _locked(self._path)
        if self._file is None:
            raise FileExistsError(f"{self._path} belongs to a running worker")
        self._writing = asyncio.Lock()
        self._pending: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None
        commands, self._whole_bytes = _read(self._path)
        if (torn := self._path.stat().st_size - self._whole_bytes) > 0:
            # What a power failure cut short was never promised to anybody. Left there it would swallow what follows.
            _log.warning("the spool's last entry is cut short", extra={"bytes": torn})
            os.ftruncate(self._file.fileno(), self._whole_bytes)
        self.waiting = len(commands)
        """Commands in the file."""
        self._sent: dict[Path, set[int]] = {}
        """Which commands of a file were sent already, by their place, while others wait: see `replay`."""

    def put(self, command: Command) -> asyncio.Future[bool]:
        """Keep a command; the future says whether it is safe on disk. Never blocks the loop."""
        body = _ENCODER.encode(command)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.append((_HEAD.pack(len(body), zlib.crc32(body)) + body, done))
        self.waiting += 1
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())
        return done

    @property
    def size_bytes(self) -> int:
        """Length of the file: what it held at its fullest until all of it was sent."""
        return self._whole_bytes

    async def replay(self, send: Callable[[Command], Awaitable[Any]]) -> int:
        """Send everything in order and empty the file; also the files of dead workers. Returns how many were sent.

        A part of the store may be away: what is meant for it waits, and nothing of one cell overtakes another of the
        same cell; all else goes. Raises in the end what `send` has raised first. What was sent may be sent again only
        by another process, which does no harm.
        """
        sent = 0
        failures: list[Exception] = []
        for path in sorted(self._folder.glob("*.spool"), key=lambda path: (path == self._path, path)):
            try:
                sent += await (self._replay_own(send) if path == self._path else self._take_over(path, send))
            except Exception as error:  # one worker's commands must not hold up another's
                failures.append(error)
        if failures:
            raise failures[0]
        return sent

    def inherited(self) -> bool:
        """Whether other files wait here, of workers that may have died."""
        return any(path != self._path for path in self._folder.glob("*.spool"))

    async def close(self) -> None:
        """Wait until everything put is on disk, and give up the lock."""
        if self._task is not None:
            await self._task
        if self._file is not None:
            empty = self._path.stat().st_size == 0
            if empty:
                self._path.unlink()
            self._file.close()
            self._file = None

    async def _write(self) -> None:
        while self._pending:
            async with self._writing:
                batch, self._pending = self._pending, []
                safe = True
                try:
                    await asyncio.to_thread(self._append, b"".join(entry for entry, _ in batch))
                except OSError:
                    safe = False
                    # A person must act: neither the store nor the disk takes records, so calls stay refused.
                    _log.exception("the spool cannot be written", extra={"records": len(batch)})
                for _, done in batch:
                    if not done.done():
                        done.set_result(safe)

    def _append(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - closed only after the last write
        descriptor = self._file.fileno()
        try:
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._whole_bytes)  # half an entry would swallow the next ones
            raise
        self._whole_bytes += len(data)

    async def _replay_own(self, send: Callable[[Command], Awaitable[Any]]) -> int:
        async with self._writing:
            commands, _ = _read(self._path)
            sent = await self._send_all(self._path, commands, send)
            if self._file is not None and commands:
                await asyncio.to_thread(os.ftruncate, self._file.fileno(), 0)
                self._whole_bytes = 0
            self.waiting = len(self._pending)
        return sent

    async def _take_over(self, path: Path, send: Callable[[Command], Awaitable[Any]]) -> int:
        file = _locked(path)
        if file is None:
            return 0
        try:
            commands, _ = _read(path)
            sent = await self._send_all(path, commands, send)
            await asyncio.to_thread(path.unlink, missing_ok=True)
            return sent
        finally:
            file.close()

    async def _send_all(
        self, path: Path, commands: Sequence[Command], send: Callable[[Command], Awaitable[Any]]
    ) -> int:
        """Send what was not sent yet of a file; returns how many were sent, or raises if some could not be."""
        done = self._sent.setdefault(path, set())
        before = len(done)
        blocked: dict[str, Exception] = {}
        for place, command in enumerate(commands):
            if place not in done and (cell := _cell_of(command)) not in blocked:
                try:
                    await send(command)
                except Exception as error:
                    blocked[cell] = error
                else:
                    done.add(place)
        if blocked:
            raise next(iter(blocked.values()))
        del self._sent[path]
        return len(done) - before


def _cell_of(command: Command) -> str:
    """Prefix of the keys that a command is about: the cell, or the whole key where there is none."""
    key = key_of(command)
    return (key if isinstance(key, str) else key.decode(errors="replace")).partition("}")[0]


def _locked(path: Path) -> FileIO | None:
    """The file, locked for us and open for appending; `None` when somebody else holds it."""
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        # Between our opening and our locking, who held it may have emptied and removed it.
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _read(path: Path) -> tuple[list[Command], int]:
    """The commands in a file, and the bytes they take; ends before an entry that a power failure cut short.

    Such a failure may also leave zeros in it, where the file has grown but its content was not written yet.
    """
    data = path.read_bytes()
    commands: list[Command] = []
    position = 0
    while position + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, position)
        body = data[position + _HEAD.size : position + _HEAD.size + length]
        if length == 0 or len(body) < length or zlib.crc32(body) != checksum:
            break
        commands.append(tuple(msgspec.msgpack.decode(body)))
        position += _HEAD.size + length
    return commands, position
