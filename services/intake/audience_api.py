"""Audiences over HTTP: `PUT` says all members, `PATCH` what has changed, `GET` how far it is."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from litestar import Response, get, patch, put
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from redis.exceptions import RedisError

from gateway.core.sources import subject_of
from services.intake.answers import Asked, failed, write_key
from services.intake.audiences import Audiences, Busy, Named
from services.intake.bodies import Patience
from services.intake.events import Problem
from services.intake.meaning import Meaning
from services.intake.members import CSV, NDJSON, Member, MembersWrong, members_in
from services.intake.parquet import PARQUET, kept, lines_of
from services.intake.policy import Sources

MOST_BYTES: Final = 2 << 30


def audience_handlers(sources: Sources, audiences: Audiences, patience: Patience) -> Sequence[HTTPRouteHandler]:
    """The operations."""
    syncing = _Syncing(sources, audiences, patience)

    @put("/v1/audiences/{name:str}")
    async def replace(request: Asked) -> Response[Any]:
        return await syncing.sync(request, whole=True)

    @patch("/v1/audiences/{name:str}")
    async def change(request: Asked) -> Response[Any]:
        return await syncing.sync(request, whole=False)

    @get("/v1/audiences/{name:str}")
    async def look(request: Asked) -> Response[Any]:
        return await syncing.look(request)

    return [replace, change, look]


class _Syncing:
    def __init__(self, sources: Sources, audiences: Audiences, patience: Patience) -> None:
        self._sources = sources
        self._patience = patience
        self._audiences = audiences

    async def sync(self, request: Asked, *, whole: bool) -> Response[Any]:
        meaning, name = self._let_in(request), _name(request)
        if isinstance(meaning, Problem):
            return failed(request, meaning)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (NDJSON, CSV, PARQUET):
            return failed(request, Problem("content"))
        try:
            parts = _parts(request, self._patience)
            if kind != PARQUET:
                return await self._synced(meaning, name, members_in(parts, kind), whole=whole)
            async with kept(parts) as path, lines_of(path) as rows:
                return await self._synced(meaning, name, members_in(rows, NDJSON), whole=whole)
        except Busy:
            return failed(request, Problem("audience-busy"))
        except MembersWrong as wrong:
            return failed(request, wrong.problem)
        except (ClientException, _TooSlow):  # it broke off, or trickles
            return failed(request, Problem("body-slow"))
        except (RedisError, OSError, TimeoutError):
            return failed(request, Problem("store-down"))

    async def look(self, request: Asked) -> Response[Any]:
        meaning = self._let_in(request)
        if isinstance(meaning, Problem):
            return failed(request, meaning)
        try:
            return Response(await self._audiences.look(meaning.source.tenant, _name(request)))
        except (RedisError, OSError, TimeoutError):
            return failed(request, Problem("store-down"))

    async def _synced(
        self, meaning: Meaning, name: str, members: AsyncIterator[list[Member]], *, whole: bool
    ) -> Response[Any]:
        named = self._named(meaning, members)
        return Response(await self._audiences.sync(meaning.source.tenant, name, named=named, whole=whole))

    async def _named(self, meaning: Meaning, members: AsyncIterator[list[Member]]) -> AsyncIterator[list[Named]]:
        tenant, template = meaning.source.tenant, meaning.source.subject
        async for some in members:
            customers = [(subject_of(template, str(each.user_id)), each.member) for each in some]
            yield [Named(self._audiences.ref(tenant, customer), member, customer) for customer, member in customers]

    def _let_in(self, request: Asked) -> Meaning | Problem:
        if not self._sources.known:
            return Problem("no-policy")
        meaning = self._sources.of(write_key(request.headers.get("authorization", "")))
        if meaning is None:
            return Problem("key")
        return meaning if _name(request) in meaning.source.audiences else Problem("audience")


class _TooSlow(Exception):
    """It comes more slowly than we have patience for, or is more than `MOST_BYTES`."""


def _name(request: Asked) -> str:
    return str(request.path_params["name"])


async def _parts(request: Asked, patience: Patience) -> AsyncIterator[bytes]:
    """What comes, as it comes."""
    stream, size, waited = request.stream(), 0, 0.0
    while True:
        began = time.monotonic()  # what we do with a part meanwhile is no slowness of the sender's
        try:
            async with asyncio.timeout(min(patience.seconds, patience.left(size, waited=waited))):
                part = await anext(stream, None)
        except TimeoutError as error:
            raise _TooSlow from error
        if part is None:
            return
        waited += time.monotonic() - began
        size += len(part)
        if size > MOST_BYTES:
            raise _TooSlow
        yield part
