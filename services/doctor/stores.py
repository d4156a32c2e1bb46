"""Looks at the store: whether it answers, as whom, what it keeps and forgets, how full it is, what it has loaded."""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from gateway.adapters import admission
from gateway.redis_clients import is_cluster, primaries, server
from services.doctor.observing import Observation, bad, good, warning

SLOTS: Final = 16_384
PATIENCE: Final[Mapping[str, Any]] = {
    "socket_connect_timeout": 2,
    "socket_timeout": 3,
    "retry": Retry(NoBackoff(), 0),
}
"""Options of every client here: one that hangs must not hide what else there is to see."""
FULL: Final = 0.8
"""Share of the memory from which on it is a warning; nothing is evicted, so at 1 writes fail and calls are refused."""
TOO_FULL: Final = 0.95
_PINGS: Final = 5


async def look_at_store(url: str, *, store_timeout_ms: int) -> tuple[tuple[str, ...], list[Observation]]:
    """The addresses of the servers that take writes, empty for the only one, and what was seen of each.

    No address where the store cannot be reached; what is said then is that.
    """
    try:
        cluster = await is_cluster(url, **PATIENCE)
        slots = await primaries(url, **PATIENCE) if cluster else {"": ()}
    except (RedisError, OSError) as error:
        return (), [_away(error, address="")]
    except ValueError:  # redis-py says what is wrong with the URL, and may quote it
        return (), [bad("store", "store-url")]
    seen = [] if not cluster else [await _coverage(url, tuple(slots))]
    for address in slots:
        seen += await _look_at_server(url, address, store_timeout_ms=store_timeout_ms)
    return tuple(slots), seen


def _away(error: Exception, *, address: str) -> Observation:
    """Why a server does not answer, by the kind of failure: its text might name a host or a user."""
    kinds = (error, error.__cause__)  # redis-py makes a ConnectionError of what goes wrong while it connects
    if any(isinstance(each, AuthenticationError | NoPermissionError) for each in kinds):
        return bad("store", "store-denied", address=address)
    if any(isinstance(each, BusyLoadingError) for each in kinds):
        return bad("store", "store-loading", address=address)
    return bad("store", "store-down", address=address)


async def _coverage(url: str, addresses: Sequence[str]) -> Observation:
    async with server(url, addresses[0] if addresses else "", **PATIENCE) as client:
        try:
            told: Any = await client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            return _away(error, address=addresses[0] if addresses else "")
    info = told if isinstance(told, dict) else dict(line.split(":", 1) for line in _text(told).split("\r\n") if line)
    covered = int(info["cluster_slots_ok"])
    if covered < SLOTS or info["cluster_state"] != "ok":
        return bad("store", "cluster-uncovered", covered=covered, missing=SLOTS - covered)
    return good("store", "cluster-covered", servers=len(addresses))


async def _look_at_server(url: str, address: str, *, store_timeout_ms: int) -> list[Observation]:
    async with server(url, address, **PATIENCE) as client:
        try:
            info: dict[str, Any] = await client.info("everything")
            waits = [await _ping_ms(client) for _ in range(_PINGS)]
            limits = await _fsync(client)
            libraries = await _libraries(client)
        except (RedisError, OSError) as error:
            return [_away(error, address=address)]
    name = {"address": address}
    version = str(info.get("valkey_version") or info.get("redis_version", ""))
    seen = [good("store", "store-up", version=version, kind="Valkey" if "valkey_version" in info else "Redis", **name)]
    seen += _role(info, name)
    seen += _keeping(info, limits, name)
    seen += _memory(info, name)
    seen.append(_functions(libraries, name))
    seen.append(_slowness(median(waits), store_timeout_ms, name))
    return seen


async def _ping_ms(client: "Redis") -> float:
    begun = time.perf_counter()
    await cast("Any", client.ping())
    return (time.perf_counter() - begun) * 1_000


async def _fsync(client: "Redis") -> str:
    """When the append-only file is written to the disk; empty where the server does not say."""
    try:
        found: Any = await client.config_get("appendfsync")
    except ResponseError:  # managed services have no CONFIG
        return ""
    return str(found.get("appendfsync", ""))


async def _libraries(client: "Redis") -> tuple[str, ...] | None:
    """Names of the libraries of functions; `None` where the server has no functions."""
    try:
        found: Any = await client.execute_command("FUNCTION", "LIST", "LIBRARYNAME", "pilote_*")  # type: ignore[no-untyped-call]
    except NoPermissionError:
        raise
    except ResponseError:
        return None
    return tuple(_text(_field(each, "library_name")) for each in found)


def _field(reply: Any, name: str) -> Any:
    if isinstance(reply, dict):
        return reply.get(name.encode(), reply.get(name))
    pairs = dict(zip(map(_text, reply[::2]), reply[1::2], strict=True))
    return pairs[name]


def _role(info: Mapping[str, Any], name: Mapping[str, str]) -> list[Observation]:
    if info.get("role") == "slave":
        return [bad("store", "store-replica", **name)]
    replicas = int(info.get("connected_slaves", 0))
    return [good("store", "store-replicas", replicas=replicas, **name)] if replicas else []


def _keeping(info: Mapping[str, Any], fsync: str, name: Mapping[str, str]) -> list[Observation]:
    """Whether what was promised outlives a restart."""
    seen: list[Observation] = []
    policy = str(info.get("maxmemory_policy", ""))
    if policy != "noeviction":
        seen.append(bad("store", "store-evicts", policy=policy, **name))
    if evicted := int(info.get("evicted_keys", 0)):
        seen.append(bad("store", "store-evicted", count=evicted, **name))
    if not int(info.get("aof_enabled", 0)):
        replicas = int(info.get("connected_slaves", 0))
        seen.append((warning if replicas else bad)("store", "store-forgets", **name))
    elif info.get("aof_last_write_status") != "ok":
        seen.append(bad("store", "store-cannot-write", **name))
    elif fsync == "no":
        seen.append(warning("store", "store-never-syncs", **name))
    else:
        seen.append(good("store", "store-keeps", fsync=fsync or "?", **name))
    if info.get("rdb_last_bgsave_status") == "err" or info.get("aof_last_bgrewrite_status") == "err":
        seen.append(warning("store", "store-rewrite-fails", **name))
    return seen


def _memory(info: Mapping[str, Any], name: Mapping[str, str]) -> list[Observation]:
    used, limit = int(info["used_memory"]), int(info.get("maxmemory", 0))
    system = int(info.get("total_system_memory", 0))
    share = used / (limit or system or used or 1)
    values = {"used_mb": round(used / 1e6), "limit_mb": round((limit or system) / 1e6), "percent": round(share * 100)}
    make = bad if share >= TOO_FULL else warning if share >= FULL else good
    seen = [make("store", "store-full" if make is not good else "store-room", **values, **name)]
    clients, most = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    if most and clients >= FULL * most:
        seen.append(warning("store", "store-clients", clients=clients, most=most, **name))
    return seen


def _functions(libraries: tuple[str, ...] | None, name: Mapping[str, str]) -> Observation:
    if libraries is None:
        return bad("store", "store-no-functions", **name)
    wanted = admission.library()[0]  # that of holds is loaded with the first hold
    others = sum(each != wanted and not each.startswith("pilote_holds_") for each in libraries)
    if wanted not in libraries:
        return warning("store", "store-functions-missing", others=others, **name)
    return good("store", "store-functions", others=others, **name)


def _slowness(ping_ms: float, store_timeout_ms: int, name: Mapping[str, str]) -> Observation:
    values = {"ping_ms": round(ping_ms, 2), "timeout_ms": store_timeout_ms}
    if ping_ms >= store_timeout_ms:
        return bad("store", "store-too-slow", **values, **name)
    if ping_ms >= store_timeout_ms / 4:
        return warning("store", "store-slow", **values, **name)
    return good("store", "store-quick", **values, **name)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
