"""What waits for whoever looks, live on every page: holds, policies to approve, what needs a second person."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from typing import Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import ServerSentEvent
from redis.exceptions import RedisError

from services.control.access.principals import Asked, Principal, principal_of
from services.control.access.rights import EVERYWHERE, Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Page, Parts
from services.control.console.texts.waiting import TEXTS
from services.control.live.following import QUIET_SECONDS, Event
from services.control.live.fresh import Fresh
from services.control.live.scope import scope_of
from services.control.undone import Undone

SECONDS: Final = 2.0
"""How old counts may be."""
PROPOSED_SECONDS: Final = 15.0
"""Likewise of proposals, each of which brings its whole document along."""
_PROPOSALS: Final = 10
"""Newest ones that are looked at, as on the page of the policy."""


class _Counts:
    """Counts for all who look, each at most every two seconds."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._holds: Fresh[tuple[str, ...], int] = Fresh(self._held, seconds=SECONDS)
        self._proposals: Fresh[str, tuple[frozenset[str], ...]] = Fresh(self._proposed, seconds=PROPOSED_SECONDS)

    async def of(self, who: Principal) -> dict[str, int]:
        """By section, those that are not 0."""
        counts = {"holds": 0, "policy": 0, "integrity": 0}
        if who.may(Right.HOLDS):
            counts["holds"] = await self._holds.get(tenants_for(who, Right.HOLDS, self._parts.policy.tenants))
        if who.may(Right.POLICY_APPROVE, EVERYWHERE):
            counts["policy"] = sum(who.name not in done for done in await self._proposals.get(""))
        asked = await self._parts.approvals.list(who)
        counts["integrity"] = sum(each.state == "waiting" and each.asked_by != who.name for each in asked)
        return {name: count for name, count in counts.items() if count}

    async def _held(self, tenants: tuple[str, ...]) -> int:
        return sum(each.state == "PENDING" for each in await self._parts.operations.holds.list(tenants))

    async def _proposed(self, _: str) -> tuple[frozenset[str], ...]:
        """Of each that waits: who has had their say."""
        latest = await self._parts.drafts.submitting.revising.proposals.newest(_PROPOSALS)
        return tuple(
            frozenset((each.entry.statement.author, *(signed.vote.person for signed in each.entry.approvals)))
            for each in latest
            if each.state == "waiting"
        )


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The one stream."""
    counts = _Counts(parts)

    @get("/waiting/live", right=Right.SEE, include_in_schema=False, media_type="text/event-stream")
    async def live(request: Asked) -> ServerSentEvent:
        """Events `waiting`: numbers by section of the navigation, when they have changed."""
        who = principal_of(request)
        ticks = await parts.following.follow(scope_of(who), lambda _: (Event(data=""),), alike="waiting")
        return ServerSentEvent(changes(ticks, lambda: counts.of(who)))

    return [live]


async def changes(
    ticks: AsyncGenerator[Event, None],
    count: Callable[[], Awaitable[dict[str, int]]],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Event, None]:
    """An event for each tick at which something else is counted, or nothing was said for long; comments as they are."""
    before: Hashable = None
    said = clock()
    try:
        async for tick in ticks:
            if tick.comment is not None:
                yield tick
                continue
            try:
                data = msgspec.json.encode(await count()).decode()
            except (Undone, RedisError, OSError):  # the store does not answer: what was shown stays
                continue
            if data != before or clock() - said >= QUIET_SECONDS:
                before, said = data, clock()
                yield Event(data=data, event="waiting")
    finally:
        await ticks.aclose()


PAGE: Final = Page("waiting", TEXTS, handlers)
