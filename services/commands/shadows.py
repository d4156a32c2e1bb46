"""What the commands about copies of calls do: read the policy, and ask for what was summed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.core.policy.serving import Copy, Route
from gateway.redis_clients import Client
from gateway.rpc.times import timestamp
from pilote.audit.v1 import shadows_pb2
from services.commands.shadow_tables import Words
from services.commands.shadow_texts import say

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ANSWER_SECONDS: Final = 60.0
Summaries = Sequence[shadows_pb2.ShadowSummary]


class ShadowProblem(Exception):
    """The command cannot do what it was asked to; the text says why, in the reader's language."""


class _Document(msgspec.Struct, frozen=True):
    """The part of a policy that is needed here; it was checked whole before it was published."""

    routes: tuple[Route, ...] = ()


class Shadows:
    """The copies of the active policy's routes, as a person sees them."""

    def __init__(self, redis: Client, audit: "AuditServiceAsyncStub", *, language: str) -> None:
        self._store = RevisionStore(redis)
        self._audit = audit
        self._language = language

    async def list(self, *, since_ms: int) -> tuple[tuple[str, ...], ...]:
        """A row for each shadow and mirror, below the names of the columns. Times are milliseconds since the epoch.

        Raises:
            ShadowProblem: there is no policy, or no route with copies in it.
            grpc.aio.AioRpcError: the audit service does not answer.
        """
        copying = [(route, copy) for route in await self._routes() for copy in _copies(route)]
        if not copying:
            self._end("none")
        summaries = await self._summaries(since_ms=since_ms)
        columns = tuple(say("list-columns", language=self._language).split("|"))
        return (columns, *(self._row(route, kind, copy, summaries) for route, (kind, copy) in copying))

    async def show(self, name: str, *, since_ms: int, tenant: str = "") -> Summaries:
        """What came of the copies of one route.

        Raises:
            ShadowProblem: there is no policy, and neither the policy nor the records know of copies of such a route.
            grpc.aio.AioRpcError: the audit service does not answer.
        """
        found = await self._summaries(route=name, tenant=tenant, since_ms=since_ms)
        copying = [route.name for route in await self._routes() if any(_copies(route))]
        if not found and name not in copying:
            self._end("unknown", name=name, names=", ".join(copying) or "-")
        return found

    async def _summaries(self, *, since_ms: int, route: str = "", tenant: str = "") -> Summaries:
        start = timestamp(since_ms)
        request = shadows_pb2.SummarizeShadowsRequest(route=route, tenant=tenant, start_time=start)
        return (await self._audit.SummarizeShadows(request, timeout=ANSWER_SECONDS)).summaries

    async def _routes(self) -> Sequence[Route]:
        published = await self._store.read(await self._store.active())
        if published is None:
            self._end("no-policy")
        return msgspec.json.decode(published.document, type=_Document).routes

    def _row(self, route: Route, kind: str, copy: Copy, summaries: Summaries) -> tuple[str, ...]:
        own = [each for each in summaries if (each.route, each.arm, each.kind) == (route.name, copy.arm, kind)]
        target = next((arm.upstream or arm.version or "-" for arm in route.arms if arm.name == copy.arm), "-")
        words = Words(own, language=self._language)
        return (
            route.name,
            say(kind, language=self._language),
            copy.arm,
            target,
            f"{copy.share / 100:g} %",
            str(sum(each.copies for each in own)),
            ", ".join(words.agreement(each) for each in own) or "-",
        )

    def _end(self, key: str, **values: object) -> NoReturn:
        raise ShadowProblem(say(key, language=self._language, **values))


def _copies(route: Route) -> Sequence[tuple[str, Copy]]:
    """The route's shadow and mirror, where it has any."""
    both = (("shadow", route.shadow), ("mirror", route.mirror))
    return tuple((kind, copy) for kind, copy in both if copy is not None)
