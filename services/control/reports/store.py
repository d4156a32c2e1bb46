"""Keeps for a day which reports somebody has asked for, and the files once they are made, in Redis."""

from typing import Any, Final

import msgspec

from gateway.redis_clients import Client
from services.control.access.stored import CONTROL
from services.report_making import Wanted

KEPT_MS: Final = 86_400_000
MOST_KEPT: Final = 20
"""Reports of one person; the oldest go."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A report that somebody has asked for."""

    id: str
    """16 hexadecimal digits."""
    owner: str
    wanted: Wanted
    tenants: tuple[str, ...] | None
    """Whose numbers it may have; `None`: everybody's, also of tenants to come."""
    created_ms: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"reports/{self.id}"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a report that is made."""

    title: str
    sha256: str
    """Of its HTML, 64 hexadecimal digits."""
    made_ms: int
    tree_size: int = 0
    """Of the checkpoint that proves it: entries; 0 where nothing was signed. Likewise the next two."""
    root: str = ""
    signed_ms: int = 0
    note: str = ""
    """It, with its signatures, and the key that checks them."""
    key: str = ""


class Files(msgspec.Struct, frozen=True):
    """The report itself."""

    html: bytes
    pdf: bytes


class ReportStore:
    """Every method raises `RedisError` when the store does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def begin(self, kept: Kept) -> None:
        """Keep that it is asked for; forgets the oldest where somebody has too many."""
        mine = _of(kept.owner)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(_key(kept.id), msgspec.json.encode(kept), px=KEPT_MS)
            pipe.zadd(mine, {kept.id: kept.created_ms})
            pipe.zremrangebyscore(mine, 0, kept.created_ms - KEPT_MS)
            pipe.pexpire(mine, KEPT_MS)
            pipe.zrange(mine, 0, -MOST_KEPT - 1)
            *_, oldest = await pipe.execute()
        for each in oldest:
            await self.forget(each.decode(), owner=kept.owner)

    async def forget(self, report: str, *, owner: str) -> None:
        """Keep nothing of a report."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(_key(report), *(_key(report, part) for part in ("written", "html", "pdf")))
            pipe.zrem(_of(owner), report)
            await pipe.execute()

    async def write(self, kept: Kept, written: Written, files: Files, *, now_ms: int) -> None:
        """Keep what was made, until a day after it was asked for."""
        left_ms = max(1, kept.created_ms + KEPT_MS - now_ms)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(_key(kept.id, "html"), files.html, px=left_ms)
            pipe.set(_key(kept.id, "pdf"), files.pdf, px=left_ms)
            pipe.set(_key(kept.id, "written"), msgspec.json.encode(written), px=left_ms)
            await pipe.execute()

    async def get(self, report: str) -> Kept | None:
        """One; `None` where there is none, or it was forgotten."""
        body = await self._redis.get(_key(report))
        return None if body is None else msgspec.json.decode(body, type=Kept)

    async def all(self, owner: str) -> tuple[Kept, ...]:
        """Those of a person, in no order."""
        ids = await self._redis.zrange(_of(owner), 0, -1)
        bodies = await self._redis.mget([_key(each.decode()) for each in ids]) if ids else ()
        return tuple(msgspec.json.decode(body, type=Kept) for body in bodies if body is not None)

    async def written(self, report: str) -> Written | None:
        """What is known of one that is made; `None` where it is not."""
        body = await self._redis.get(_key(report, "written"))
        return None if body is None else msgspec.json.decode(body, type=Written)

    async def file(self, report: str, form: str) -> bytes | None:
        """Its file, "html" or "pdf"."""
        found: bytes | None = await self._redis.get(_key(report, form))
        return found


def _key(report: str, part: str = "") -> str:
    return f"{CONTROL}:report:{report}:{part}" if part else f"{CONTROL}:report:{report}"


def _of(owner: str) -> str:
    return f"{CONTROL}:reports:{owner}"
