"""Looks at everything, each part for itself: what is down in one place must not hide what is wrong in another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from redis.exceptions import RedisError

from gateway.adapters.trust import PIN_FILE, trusted_people
from gateway.core.authority import Authority
from gateway.redis_clients import Client, client
from gateway.settings import Settings
from services.doctor.certificates import look_at_certificates
from services.doctor.clocks import look_at_clocks
from services.doctor.databases import look_at_database
from services.doctor.disks import look_at_disks
from services.doctor.key_files import look_at_keys
from services.doctor.observing import Observation, Part, bad, unknown
from services.doctor.processes import look_at_processes
from services.doctor.revisions import look_at_revision
from services.doctor.stores import PATIENCE, look_at_store
from services.doctor.streams import look_at_streams
from services.doctor.versions import look_at_versions, look_at_workers

LONGEST_SECONDS: Final = 20.0
"""Longest time that one part may take."""

_log = logging.getLogger(__name__)


async def examine(settings: Settings, *, redis_url: str, now_ms: int) -> tuple[Observation, ...]:
    """Everything that was seen, part after part. Never fails: what cannot be looked at is an observation too."""
    parts = await asyncio.gather(
        _seen("processes", lambda: look_at_processes(settings)),
        _in_store(settings, redis_url, now_ms=now_ms),
        _seen("database", lambda: look_at_database(settings.home, settings.audit_url)),
        _seen("certificates", lambda: _at_once(lambda: look_at_certificates(settings, now_ms=now_ms))),
        _seen("keys", lambda: _at_once(lambda: look_at_keys(settings))),
        _seen("disk", lambda: _at_once(lambda: look_at_disks(settings.home))),
        _seen("versions", lambda: _at_once(look_at_versions)),
    )
    return tuple(each for part in parts for each in part)


async def _in_store(settings: Settings, url: str, *, now_ms: int) -> list[Observation]:
    """Whatever the store has to say, where it answers."""
    addresses: tuple[str, ...] = ()

    async def store() -> list[Observation]:
        nonlocal addresses
        addresses, seen = await look_at_store(url, store_timeout_ms=settings.store_timeout_ms)
        return seen

    seen = await _seen("store", store)
    behind: tuple[Part, ...] = ("clocks", "revision", "streams")
    if not addresses or any(each.what in ("store-down", "store-denied", "store-loading") for each in seen):
        return [*seen, *(unknown(part, "store-needed") for part in behind)]
    people = _people(settings)
    if isinstance(people, Observation):
        return [*seen, people]
    async with client(url, cluster=addresses != ("",), **PATIENCE) as redis:
        clocks, *rest = await asyncio.gather(
            _seen("clocks", lambda: look_at_clocks(url, addresses)),
            _seen("revision", lambda: _revision(redis, settings, people, now_ms=now_ms)),
            _seen("streams", lambda: look_at_streams(redis, now_ms=now_ms)),
            _seen("versions", lambda: look_at_workers(redis)),
        )
    return [*seen, *clocks, *(each for part in rest for each in part)]


async def _revision(redis: Client, settings: Settings, people: Authority | None, *, now_ms: int) -> list[Observation]:
    return await look_at_revision(
        redis,
        pin_file=settings.home / PIN_FILE,
        trusted_people=people,
        certified=settings.tls_dir is not None,
        now_ms=now_ms,
    )


def _people(settings: Settings) -> Authority | Observation | None:
    if settings.trusted_people_file is None:
        return None
    try:
        return trusted_people(settings.trusted_people_file)
    except (OSError, ValueError):
        return bad("revision", "people-damaged", file=str(settings.trusted_people_file))


async def _seen(part: Part, look: Callable[[], Awaitable[Iterable[Observation]]]) -> list[Observation]:
    """What a look sees; what goes wrong with it is told without its text, which may name anything."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return list(await look())
    except (RedisError, TimeoutError):
        return [bad(part, "part-silent")]
    except Exception:  # one part must not take the others with it
        _log.debug("looking at %s has failed", part, exc_info=True)
        return [bad(part, "part-failed")]


async def _at_once(look: Callable[[], list[Observation]]) -> list[Observation]:
    return await asyncio.to_thread(look)
