"""Clients of redis-py, for all that is not on the way of a call, to one server or to a cluster.

A URL may name several servers of one cluster, "redis://user:password@one:6379,two:6379"; the first that answers says
where the others are. Whether a server belongs to a cluster is asked of the server, not configured.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.driver_info import DriverInfo
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from gateway.core import keys
from gateway.core.errors import DataNewer
from gateway.ending import to_its_end
from gateway.starting import answered

_DRIVER: Final = DriverInfo()  # looked up once: each connection would read the package's metadata for it, 1 ms


class ClusterClient(RedisCluster):
    """A client of a cluster that fails as one of a single server does: with `RedisError` or `OSError` only."""

    async def initialize(self, *args: Any, **kwargs: Any) -> "ClusterClient":
        """Learn who keeps what, where that is not known yet."""
        left: int | None = None
        while True:
            try:
                await super().initialize(*args, **kwargs)
            except RedisClusterException as error:
                raise RedisConnectionError("the cluster cannot be reached") from error
            except (RedisError, OSError):
                # The first primary is asked for the table of commands, and no other where it is away (redis-py 8.1.0).
                primaries = self.get_primaries()
                left = len(primaries) - 1 if left is None else left - 1
                if left < 1:
                    raise
                self.nodes_manager.move_node_to_end_of_cached_nodes(primaries[0].name)
            else:
                return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Send a command to whoever keeps its keys."""
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError("nobody in the cluster keeps this key") from error


Client: TypeAlias = Redis | RedisCluster
Slots: TypeAlias = dict[str, tuple[tuple[int, int], ...]]
"""The primaries of a cluster by address, "host:port", and the ranges of slots that each keeps, both ends included."""


def seeds(url: str) -> tuple[str, ...]:
    """One URL for each server that `url` names."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return tuple(urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(","))


def at(url: str, server: str) -> str:
    """The URL of one server of the store at `url`: the same user, password and encryption. `server` is "host:port"."""
    parts = urlsplit(url)
    user, mark, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{mark}{server}"))


def address(host: str, port: int) -> str:
    """A server's address: host:port, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def is_cluster(url: str, **options: Any) -> bool:
    """Whether the servers at `url` form a cluster; the first that answers says.

    Raises:
        RedisError, OSError: when none answers.
    """
    # redis-py 8.1 leaves a connection open whose making is cancelled. What is asked has its own times to end in.
    return await to_its_end(_is_cluster(url, options))


async def _is_cluster(url: str, options: dict[str, Any]) -> bool:
    last: Exception | None = None
    for seed in seeds(url):
        async with _single(seed, **_hasty(options)) as client:
            try:
                return bool(int((await client.info("cluster")).get("cluster_enabled", 0)))
            except (RedisError, OSError) as error:
                last = error
    raise last or RedisConnectionError("the URL names no server")


async def connected(url: str, **options: Any) -> Client:
    """A client of the server or the cluster at `url`; `options` are redis-py's.

    Raises:
        RedisError, OSError: when nobody answers.
    """
    return client(url, cluster=await is_cluster(url), **options)


async def patiently(url: str, **options: Any) -> Client:
    """The same at a process's start, where a store that is busy, or starts as well, is waited for.

    Raises:
        DataNewer: a newer version of Pilote keeps its data there.
        RedisError, OSError: when nobody answers for `starting.PATIENCE_SECONDS`.
    """
    return await agreed(url, cluster=await answered(lambda: is_cluster(url), away=(RedisError, OSError)), **options)


async def agreed(url: str, *, cluster: bool, **options: Any) -> Client:
    """The same of what is known to be a cluster, or one server. Raises the same."""
    found = client(url, cluster=cluster, **options)
    try:
        await answered(lambda: agree_on_layout(found), away=(RedisError, OSError))
    except BaseException:
        await found.aclose()
        raise
    return found


async def agree_on_layout(redis: Client) -> None:
    """See that this version can read what the store keeps, and say so there where it writes anything new.

    Raises:
        DataNewer: it cannot.
        RedisError: the store does not answer.
    """
    found = int(await redis.get(keys.LAYOUT) or 0)
    if found > keys.LAYOUT_VERSION:
        raise DataNewer("What the store keeps", found=found, known=keys.LAYOUT_VERSION)
    if found < keys.LAYOUT_VERSION:
        await redis.set(keys.LAYOUT, keys.LAYOUT_VERSION)


def client(url: str, *, cluster: bool, **options: Any) -> Client:
    """A client of what is known to be a cluster, or one server; does not connect yet."""
    if not cluster:
        return _single(seeds(url)[0], **options)
    parsed: dict[str, Any] = dict(parse_url(seeds(url)[0]))  # type: ignore[no-untyped-call]
    for key in ("host", "port", "db", "path"):
        parsed.pop(key, None)
    if (kind := parsed.pop("connection_class", None)) is not None:
        parsed["ssl"] = kind.__name__ == "SSLConnection"
    nodes = [ClusterNode(host, port) for host, port in _hosts(seeds(url))]
    # A node that is away must not take the others' keys with it; nor must a call for it wait through ten attempts.
    return ClusterClient(
        startup_nodes=nodes,
        require_full_coverage=False,
        driver_info=_DRIVER,
        **{"retry": Retry(NoBackoff(), 1), **parsed, **options},
    )


def server(url: str, server: str, **options: Any) -> Redis:
    """A client of one server of the store at `url`; empty: of the only one."""
    return _single(at(url, server) if server else seeds(url)[0], **options)


async def primaries(url: str, known: Iterable[str] = (), **options: Any) -> Slots:
    """Who keeps what in the cluster at `url`. `known` are addresses to ask before those in the URL.

    Raises:
        RedisError, OSError: when none answers.
    """
    last: Exception | None = None
    for each in (*(at(url, server) for server in known), *seeds(url)):
        async with _single(each, **_hasty(options)) as asked:
            try:
                reply = await asked.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
            except (RedisError, OSError) as error:
                last = error
            else:
                return slots_in(reply, host=urlsplit(each).hostname or "")
    raise last or RedisConnectionError("the URL names no server")


def slots_in(reply: Any, *, host: str) -> Slots:
    """The answer to CLUSTER SLOTS. `host` is whom we asked: a server may not know its own address."""
    found: dict[str, list[tuple[int, int]]] = {}
    for first, last, primary, *_ in reply:
        name = primary[0].decode() if isinstance(primary[0], bytes) else primary[0]
        found.setdefault(address(host if name in (None, "", "?") else name, int(primary[1])), []).append((first, last))
    return {server: tuple(ranges) for server, ranges in found.items()}


def _hosts(urls: Iterable[str]) -> list[tuple[str, int]]:
    return [(parts.hostname or "localhost", parts.port or 6379) for parts in map(urlsplit, urls)]


def _hasty(options: dict[str, Any]) -> dict[str, Any]:
    """Options for a question that another server may answer as well."""
    return {"socket_connect_timeout": 1, "socket_timeout": 2, **options, "retry": Retry(NoBackoff(), 0)}


def _single(url: str, **options: Any) -> Redis:
    return Redis.from_url(url, driver_info=_DRIVER, **options)
