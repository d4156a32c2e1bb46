"""The hot path's connection to a Redis Cluster: one multiplexed connection to each primary.

Every command goes to the primary that keeps the slot of its first key. Each primary has a timeout and a breaker of its
own, so one that does not answer fails the calls of its slots only. Who keeps what is learnt at the start, at every
MOVED, and again and again while a primary is away, since a replica may have taken its place.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from gateway.adapters.redis_connection import (
    CommandRefused,
    RedisConnection,
    StoreConnection,
    StoreDown,
    fail,
    key_of,
    pack,
)
from gateway.redis_clients import Slots, address, at, is_cluster, seeds, slots_in

_log = logging.getLogger(__name__)

_CHECK_SECONDS: Final = 0.5
"""While a primary is away, the others are asked so often who keeps its slots now."""
_PAUSE_SECONDS: Final = 0.05
"""Shortest time between two questions, however many keys have moved."""
_MOST_REDIRECTS: Final = 2
"""One by MOVED, and one by ASK where the slot is on its way right then."""
_UNSETTLED: Final = ("CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "LOADING", "READONLY")
"""Errors that say nothing of the command: the slot has no primary just now, or is between two of them."""


async def opened(url: str, *, timeout_ms: int) -> StoreConnection:
    """A connection to the store at `url`, be it one server or a cluster: the server says which.

    Raises:
        StoreDown: when nobody answers.
    """
    try:
        cluster = await is_cluster(url)
    except (RedisError, OSError) as error:
        raise StoreDown("the store cannot be reached") from error
    connection = (ClusterConnection if cluster else RedisConnection)(url, timeout_ms=timeout_ms)
    try:
        await connection.open()
    except BaseException:
        await connection.close()
        raise
    return connection


class ClusterConnection:
    """Connections to all primaries of a cluster, that keep themselves up. Use it from one event loop."""

    def __init__(self, url: str, *, timeout_ms: int) -> None:
        self._url = url
        self._timeout_ms = timeout_ms
        self._loop = asyncio.get_running_loop()
        self._nodes: dict[str, _Node] = {}
        self._slots: list[_Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._redirects: dict[asyncio.Future[Any], int] = {}
        self._in_doubt = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_up: list[Callable[[], None]] = []
        self._on_move: list[Callable[[], None]] = []
        self._on_made: list[Callable[[], None]] = []
        self.opened = False
        """Whether all that is connected to from now on comes in for somebody, or is back."""

    @property
    def servers(self) -> tuple[str, ...]:
        """See `StoreConnection`."""
        return tuple(self._nodes)

    async def open(self) -> None:
        """Learn who keeps what, connect to all, and stay connected until `close`.

        Raises:
            StoreDown: when nobody says who keeps what.
        """
        if not await self._learn():
            raise StoreDown("no server of the cluster can be reached")
        await asyncio.wait([node.tried for node in self._nodes.values()])
        self.opened = True
        self._keeper = self._loop.create_task(self._keep())

    async def close(self) -> None:
        """See `StoreConnection`."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        for node in self._nodes.values():
            await node.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def on_up(self, tell: Callable[[], None]) -> None:
        """See `StoreConnection`."""
        self._on_up.append(tell)

    def on_made(self, tell: Callable[[], None]) -> None:
        """See `StoreConnection`."""
        self._on_made.append(tell)

    def on_move(self, tell: Callable[[], None]) -> None:
        """See `StoreConnection`."""
        self._on_move.append(tell)

    def server_of(self, key: str) -> str:
        """See `StoreConnection`; empty where nobody is known to keep the key."""
        node = self._slots[_slot(key)]
        return "" if node is None else node.server

    def send(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """See `StoreConnection`."""
        return self.beside(key_of(command), *command)

    def takes(self, key: str | bytes) -> bool:
        """See `StoreConnection`."""
        node = self._slots[_slot(key)]
        return node is not None and node.up

    def place_of(self, key: str | bytes) -> object:
        """See `StoreConnection`."""
        node = self._slots[_slot(key)]
        return (node, node.made) if node is not None and node.proven else None

    def insist(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """See `StoreConnection`."""
        node = self._slots[_slot(key)]
        if node is None:
            raise StoreDown("nobody keeps this key")
        return node.insist(key, *command)

    def beside(self, key: str | bytes, *command: str | bytes | int) -> asyncio.Future[Any]:
        """See `StoreConnection`."""
        node = self._slots[_slot(key)]
        if node is None:
            raise StoreDown("nobody keeps this key")
        return node.send(*command)

    async def everywhere(self, *command: str | bytes | int) -> None:
        """See `StoreConnection`."""

        async def one(node: _Node) -> None:
            await node.send(*command)

        ended = await asyncio.gather(*(one(node) for node in self._nodes.values()), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, StoreDown):
                raise error
        if all(isinstance(error, StoreDown) for error in ended):
            raise StoreDown("no server of the cluster answers")

    def redirected(self, future: asyncio.Future[Any], text: str, packed: bytes, *, deadline: float, host: str) -> None:
        """Send a command again to where the server at `host` says: "MOVED 866 127.0.0.1:6381", or ASK.

        The deadline stays.
        """
        kind, slot, where = text.split(" ")[:3]
        name, _, port = where.rpartition(":")
        server = address(name or host, int(port))
        node = self._node(server)
        if kind == "MOVED" and self._slots[int(slot)] is not node:
            self._slots[int(slot)] = node
            self._in_doubt.set()
            self._tell(self._on_move)
        elif kind == "ASK":
            self._tell(self._on_move)
        times = self._redirects.get(future, 0) + 1
        if times > _MOST_REDIRECTS:
            fail(future, "the key moves on and on")
            return
        if times == 1:
            future.add_done_callback(self._redirects.pop)
            self._loop.call_at(deadline, fail, future, "the store does not answer in time")
        self._redirects[future] = times
        self._own(node.take(future, packed, asking=kind == "ASK"))

    def _node(self, server: str) -> "_Node":
        node = self._nodes.get(server)
        if node is None:
            node = self._nodes[server] = _Node(self, at(self._url, server), server, timeout_ms=self._timeout_ms)
            node.on_up(self._came_up)
            node.on_made(lambda: self._tell(self._on_made))
        return node

    def _came_up(self) -> None:
        self._tell(self._on_up)

    @staticmethod
    def _tell(those: list[Callable[[], None]]) -> None:
        for tell in those:
            tell()

    async def _keep(self) -> None:
        """Learn anew when a key has moved, and as long as a primary is away."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._in_doubt.wait()
            if self._in_doubt.is_set() or not all(node.up for node in self._nodes.values()):
                self._in_doubt.clear()
                if not await self._learn():
                    _log.warning("no server of the cluster says who keeps what")
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _learn(self) -> bool:
        """Ask one server after the other who keeps what; says whether one has answered."""
        for node in [node for node in self._nodes.values() if node.up]:
            if await self._learn_from(node):
                return True
        for seed in seeds(self._url):
            asked = _Node(self, seed, "", timeout_ms=self._timeout_ms)
            await asyncio.wait([asked.tried])
            try:
                if await self._learn_from(asked):
                    return True
            finally:
                await asked.close()
        return False

    async def _learn_from(self, node: "_Node") -> bool:
        try:
            found = slots_in(await node.send("CLUSTER", "SLOTS"), host=node.host)
        except (StoreDown, CommandRefused):
            return False
        if found:  # one that has just lost its memory knows of nobody, and says so
            self._use(found)
        return bool(found)

    def _use(self, found: Slots) -> None:
        slots: list[_Node | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for server, ranges in found.items():
            node = self._node(server)
            for first, last in ranges:
                slots[first : last + 1] = [node] * (last + 1 - first)
        for server in self._nodes.keys() - found.keys():
            self._own(self._nodes.pop(server).close())
        if slots != self._slots:
            self._slots = slots
            self._tell(self._on_move)

    def _own(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Node(RedisConnection):
    """The connection to one server of a cluster. It connects by itself; `tried` is done after the first attempt."""

    servers = ()

    def __init__(self, cluster: ClusterConnection, url: str, server: str, *, timeout_ms: int) -> None:
        super().__init__(url, timeout_ms=timeout_ms)
        self._options.pop("db", None)
        self._cluster = cluster
        self.server = server
        self.host = str(self._options.get("host", "localhost"))
        self.tried: asyncio.Task[None] = self._loop.create_task(self._try())

    async def take(self, future: asyncio.Future[Any], packed: bytes, *, asking: bool) -> None:
        """Send a command that another server has passed on; its caller waits for `future`."""
        await asyncio.wait([self.tried])
        if not self.up:
            fail(future, "the store is down")
        elif not future.done():
            if asking:
                self._enqueue(pack(("ASKING",)))
            self._put_in_line(future, packed)

    async def close(self) -> None:
        """See `RedisConnection`."""
        self.tried.cancel()
        await asyncio.wait([self.tried])
        await super().close()

    @property
    def proven(self) -> bool:
        """Whether there is a connection to a server that carries commands out."""
        return self._proven

    def _is_anew(self) -> bool:
        return bool(self.server) and (self._cluster.opened or super()._is_anew())

    async def _prove(self) -> None:
        await self._enqueue(pack(("PING",)))  # refused while it is loading its data; a key may be another server's
        # One that has just come back refuses everything for two seconds. Who hears that it is back tells it what it may
        # have lost, and it must take that before it takes any call.
        if b"cluster_state:ok" not in await self._enqueue(pack(("CLUSTER", "INFO"))):
            raise StoreDown("the cluster is not ready")

    async def _try(self) -> None:
        try:
            await self._connect()
        except (OSError, StoreDown, CommandRefused):
            self._lost.set()
        self._keeper = self._loop.create_task(self._keep())

    def _refused(self, future: asyncio.Future[Any], text: str, packed: bytes, *, deadline: float) -> None:
        kind = text.partition(" ")[0]
        if kind in ("MOVED", "ASK"):
            self._cluster.redirected(future, text, packed, deadline=deadline, host=self.host)
        elif kind in _UNSETTLED:
            fail(future, "the cluster is not ready")
        else:
            super()._refused(future, text, packed, deadline=deadline)


def _slot(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)
