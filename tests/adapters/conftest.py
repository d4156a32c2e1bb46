"""A real store, and the adapters over it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from gateway.adapters.admission import Admission
from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreConnection
from gateway.adapters.reservation import reserve
from gateway.adapters.spool import Spool
from gateway.core import keys
from gateway.core.limits import Bucket
from gateway.core.record import Outcome, Record, Settlement, Verdict
from gateway.redis_clients import Client
from tests.stores import Store

PATIENT_MS = 5_000
"""Timeout where the store is expected to answer, however busy the machine is."""
ACME = keys.cell("acme")
STREAM = keys.decisions(ACME)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for the thing itself, at most ten seconds."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - what we wait for is in another process
            await asyncio.sleep(0.005)


def freeze(server: Store) -> None:
    """Let the store answer nothing, and keep its connections."""
    server.freeze()


def thaw(server: Store) -> None:
    """Let it go on."""
    server.thaw()


class Desk:
    """Admission as the tests use it: one tenant, ids counted up, the time as an argument."""

    def __init__(self, admission: Admission, redis: Client, spool: Spool) -> None:
        self.admission = admission
        self.redis = redis
        self.spool = spool
        self.connection: StoreConnection | None = None
        self._count = 0

    async def admit(
        self,
        *buckets: Bucket,
        now_ms: int,
        call: str = "",
        request: tuple[str, str] = ("", ""),
        expires_ms: int = 0,
        only_look: bool = False,
    ) -> tuple[Outcome, bytes]:
        """Admit one call; `request` is its idempotency key and the hash of what it asks."""
        self._count += 1
        record = Record(
            id=call or f"{self._count:032x}",
            received_ms=now_ms,
            decided_ms=now_ms,
            verdict=Verdict.ALLOW,
            tenant="acme",
            expires_ms=expires_ms,
        )
        key, request_hash = request
        reservation = reserve(record, buckets, request_key=keys.idempotency(ACME, "bot", key) if key else "")
        return await self.admission.admit(reservation, record, request_hash=request_hash, only_look=only_look)

    async def take(self, *buckets: Bucket, now_ms: int, **more: Any) -> Outcome:
        """Admit one call without an idempotency key."""
        return (await self.admit(*buckets, now_ms=now_ms, **more))[0]

    async def settle(
        self,
        *buckets: Bucket,
        call: str,
        key: str = "",
        gave_back: bool = False,
        in_doubt: bool = False,
        answer: bytes = b"",
    ) -> None:
        """Settle a call, and wait until that is written."""
        record = Record(id=call, received_ms=0, decided_ms=0, verdict=Verdict.ALLOW, tenant="acme")
        reservation = reserve(record, buckets, request_key=keys.idempotency(ACME, "bot", key) if key else "")
        settlement = Settlement(id=call, settled_ms=0, status="OK", gave_back=gave_back, in_doubt=in_doubt)
        self.admission.settle(reservation, settlement, answer=answer)
        await until(lambda: self.settled(call))

    async def settled(self, call: str) -> bool:
        """Whether a call's settlement is in the stream."""
        return any(kind == "settle" and body["id"] == call for kind, body, _ in await self.entries())

    async def entries(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Kind, record or settlement, and outcome of everything in the stream."""
        found: Any = await self.redis.xrange(STREAM)
        return [
            (
                fields[b"k"].decode(),
                msgspec.json.decode(fields[b"r"]),
                msgspec.json.decode(fields[b"o"]) if b"o" in fields else {},
            )
            for _, fields in found
        ]

    async def everything(self) -> dict[bytes, Any]:
        """All that the store holds, as bytes to compare."""
        names: Any = await self.redis.keys("pilote:*")
        return {key: await self.redis.dump(key) for key in sorted(names)}


@pytest.fixture
async def connection(redis_url: str) -> AsyncIterator[StoreConnection]:
    """A connection to the empty store."""
    connection = await opened(redis_url, timeout_ms=PATIENT_MS)
    yield connection
    await connection.close()


@pytest.fixture
async def desk(connection: StoreConnection, redis: Redis, tmp_path: Path) -> AsyncIterator[Desk]:
    """Admission at the empty store."""
    spool = Spool(tmp_path / "spool", worker="w")
    admission = Admission(connection, spool)
    await admission.prepare([ACME])
    yield Desk(admission, redis, spool)
    await admission.close()
    await spool.close()
