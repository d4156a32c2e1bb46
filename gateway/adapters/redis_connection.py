"""One multiplexed connection to Redis for the hot path.

All calls of a worker share it: commands written in one turn of the loop leave in one write, replies come back in order.
Measured against a pool of redis-py connections this saves a quarter of the CPU of a governed call. Everything that is
not on the way of a call uses redis-py. `ClusterConnection` keeps one such connection to each primary of a cluster.

It never waits longer than its timeout, and it fails at once while there is no connection or while the server keeps an
earlier call waiting for longer than that: that is the breaker. Commands given up on stay in line, so that replies keep
meeting their commands, and so that the server's first sign of life closes the breaker.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import hiredis
from redis.connection import parse_url

from gateway.adapters.redis_tls import context_of

_log = logging.getLogger(__name__)

_STALLED_SECONDS: Final = 5.0
"""A server silent for so long is taken for lost, and the connection made anew."""
_BACKOFF_SECONDS: Final = (0.02, 0.05, 0.1, 0.2)
"""Pauses between attempts to connect anew."""
GRACE_SECONDS: Final = 0.3
"""How long a connection that was made anew takes no calls yet: longer than the longest pause, so that every gateway has
told the server what it may have forgotten before any of them lets a call through."""


class StoreDown(Exception):
    """The store did not answer: not connected, or not in time. Whether the command was carried out is unknown."""


class CommandRefused(Exception):
    """The store answered with an error; `str` is the store's text, for our log only."""


class StoreConnection(Protocol):
    """What the adapters of the hot path need of the store, be it one server or a cluster."""

    @property
    def servers(self) -> tuple[str, ...]:
        """Addresses of the servers that keys lie on; one, empty, where there is no cluster."""

    def server_of(self, key: str) -> str:
        """The one of `servers` that a key lies on."""

    def send(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Send a command to where its first key lies; the future gives its reply.

        Raises:
            StoreDown: at once, or from the future.
            CommandRefused: from the future, when the store answers with an error.
        """

    def takes(self, key: str | bytes) -> bool:
        """Whether commands about this key are taken now; else `send` raises at once, and nothing was sent."""

    def place_of(self, key: str | bytes) -> object:
        """Over which connection a key is reached; another one may lead to a server that has lost what was sent.

        `None` while there is none. One that was just made anew takes no calls yet, and `insist` only.
        """

    def insist(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Send a command to where `key` lies, ahead of all calls where the connection was just made anew.

        Raises:
            StoreDown: from the future, or at once where there is no connection.
            CommandRefused: from the future, when the store answers with an error.
        """

    def beside(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Send a command that names no key to where `key` lies. Raises like `send`."""

    async def everywhere(self, *command: str | bytes | int) -> None:
        """Send a command to every server; those that are down are passed over.

        Raises:
            StoreDown: when none answers.
            CommandRefused: when one answers with an error.
        """

    def on_up(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever the store, or one of its servers, is back after it was down."""

    def on_made(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever a connection was made anew, some time before calls may use it, see `insist`."""

    def on_move(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever keys may lie on other servers than before."""

    async def close(self) -> None:
        """Close the connection; calls that still wait fail."""


def key_of(command: tuple[str | bytes | int, ...]) -> str | bytes:
    """The first key of a command: of a function or script its fourth part, of any other its second."""
    return cast("str | bytes", command[3] if command[0] in ("FCALL", "EVAL") else command[1])


class RedisConnection(asyncio.Protocol):
    """A connection that keeps itself up. Use it from one event loop."""

    servers: tuple[str, ...] = ("",)

    def __init__(self, url: str, *, timeout_ms: int) -> None:
        self._options: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
        self._timeout = timeout_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._parser = hiredis.Reader()
        self._waiting: deque[tuple[asyncio.Future[Any], float, bytes]] = deque()
        self._outbox: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._on_up: list[Callable[[], None]] = []
        self._on_made: list[Callable[[], None]] = []
        self._greeted = False
        """Whether the connection is past its handshake; before, a reply says nothing of the commands of calls."""
        self._proven = False
        """Whether there is a connection to a server that carries commands out."""
        self.made = 0
        """How often a connection was made."""
        self.up = False
        """Whether commands are taken; False also while the server is overdue with a reply."""

    async def open(self) -> None:
        """Connect, and stay connected until `close`.

        Raises:
            StoreDown: when the first attempt fails.
        """
        try:
            await self._connect()
        except (OSError, CommandRefused) as error:
            raise StoreDown("the store cannot be reached") from error
        self._keeper = self._loop.create_task(self._keep())

    async def close(self) -> None:
        """Close the connection; calls that still wait fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._transport is not None:
            self._transport.close()
        self._fail_all()

    def on_up(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever the store is back after it was down."""
        self._on_up.append(tell)

    def on_made(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever the connection was made anew, some time before calls may use it, see `insist`."""
        self._on_made.append(tell)

    def insist(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """See `StoreConnection`; there is one server."""
        del key
        return self._enqueue(pack(command))

    def send(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """Send a command; the future gives its reply.

        Raises:
            StoreDown: at once, or from the future.
            CommandRefused: from the future, when the store answers with an error.
        """
        if not self.up:
            raise StoreDown("the store is down")
        return self._enqueue(pack(command))

    def takes(self, key: str | bytes) -> bool:
        """See `StoreConnection`; there is one server."""
        del key
        return self.up

    def place_of(self, key: str | bytes) -> object:
        """See `StoreConnection`; there is one server."""
        del key
        return self.made if self._proven else None

    def beside(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """See `StoreConnection`; there is one server."""
        del key
        return self.send(*command)

    async def everywhere(self, *command: str | bytes | int) -> None:
        """See `StoreConnection`; there is one server."""
        await self.send(*command)

    def server_of(self, key: str) -> str:
        """See `StoreConnection`; there is one server."""
        del key
        return ""

    def on_move(self, tell: Callable[[], None]) -> None:
        """See `StoreConnection`; nothing ever moves."""

    def _enqueue(self, packed: bytes) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        self._put_in_line(future, packed)
        return future

    def _put_in_line(self, future: asyncio.Future[Any], packed: bytes) -> None:
        self._waiting.append((future, self._loop.time() + self._timeout, packed))
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(packed)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check_overdue)

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, []
        if self._transport is not None and outbox:
            self._transport.write(b"".join(outbox) if len(outbox) > 1 else outbox[0])

    def _check_overdue(self) -> None:
        """Give up on commands whose time is over; they stay in line."""
        self._timer = None
        now = self._loop.time()
        for future, deadline, _ in self._waiting:
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._check_overdue)
                return
            self.up = False
            fail(future, "the store does not answer in time")
        if self._waiting:
            if now - self._waiting[0][1] > _STALLED_SECONDS and self._transport is not None:
                self._transport.abort()
            else:
                self._timer = self._loop.call_later(self._timeout, self._check_overdue)

    def data_received(self, data: bytes) -> None:
        """Match replies with the commands in line."""
        self._parser.feed(data)
        while (reply := self._parser.gets()) is not False:
            future, deadline, packed = self._waiting.popleft()
            if future.done():
                continue
            if isinstance(reply, hiredis.ReplyError):
                self._refused(future, str(reply), packed, deadline=deadline)
            else:
                future.set_result(reply)
        if self._greeted and not self.up:
            self._came_up()

    def _refused(self, future: asyncio.Future[Any], text: str, packed: bytes, *, deadline: float) -> None:
        """The server answered the command in `packed` with an error."""
        del packed, deadline
        future.set_exception(CommandRefused(text))

    def connection_lost(self, _error: Exception | None) -> None:
        """Fail what waits, and let the keeper connect anew."""
        self._transport = None
        self.up = self._greeted = self._proven = False
        self._fail_all()
        self._lost.set()

    def _fail_all(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        self._outbox.clear()
        for future, *_ in waiting:
            fail(future, "the connection to the store is lost")

    def _came_up(self) -> None:
        self.up = True
        for tell in self._on_up:
            tell()

    async def _keep(self) -> None:
        while True:
            await self._lost.wait()
            _log.warning("the connection to the store is lost")
            attempt = 0
            while True:
                await asyncio.sleep(_BACKOFF_SECONDS[min(attempt, len(_BACKOFF_SECONDS) - 1)])
                try:
                    await self._connect()
                except (OSError, StoreDown, CommandRefused):
                    attempt += 1
                else:
                    _log.info("the store is back")
                    break

    async def _connect(self) -> None:
        self._lost.clear()
        self._parser = hiredis.Reader()
        options = self._options
        async with asyncio.timeout(5):
            if path := options.get("path"):
                transport, _ = await self._loop.create_unix_connection(lambda: self, path)
            else:
                transport, _ = await self._loop.create_connection(
                    lambda: self, options.get("host", "localhost"), options.get("port", 6379), ssl=context_of(options)
                )
        self._transport = transport
        try:
            if password := options.get("password"):
                user = (options["username"],) if options.get("username") else ()
                await self._enqueue(pack(("AUTH", *user, password)))
            if database := options.get("db"):
                await self._enqueue(pack(("SELECT", database)))
            await self._prove()
        except (CommandRefused, StoreDown):
            transport.abort()
            raise
        if self._transport is not transport:  # lost in the very turn in which it had answered
            raise StoreDown("the connection to the store is lost")
        self.made += 1
        self._proven = True
        if self._is_anew():
            for tell in self._on_made:
                tell()
            await asyncio.sleep(GRACE_SECONDS)
            if self._transport is not transport:
                raise StoreDown("the connection to the store is lost")
        self._greeted = True
        self._came_up()

    def _is_anew(self) -> bool:
        """Whether the server may have forgotten something that it was told."""
        return self.made > 1

    async def _prove(self) -> None:
        """Raise `StoreDown` or `CommandRefused` where the server would not carry commands out yet."""
        await self._enqueue(pack(("GET", "pilote:{directory}:none")))  # refused while it is loading its data


def pack(command: tuple[str | bytes | int, ...]) -> bytes:
    """A command as it travels."""
    packed: bytes = hiredis.pack_command(cast("Any", command))  # its stub knows tuples of one element only
    return packed


def fail(future: asyncio.Future[Any], text: str) -> None:
    """Let a command's caller know that the store did not answer."""
    if not future.done():
        future.set_exception(StoreDown(text))
        future.exception()  # a caller that has gone away need not be told by the loop
