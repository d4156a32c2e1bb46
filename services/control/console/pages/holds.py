"""The page *Holds*: calls that wait for a person, each looked at by one at a time, and what came of it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from gateway.core.holds import HoldState
from gateway.core.reason_texts import why as reason_in_words
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.formats import milliseconds
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import asked_by_htmx, go_to, page, texts_of
from services.control.console.texts.holds import TEXTS
from services.control.console.viewer import viewer_of
from services.control.holds.queue import MOST_CHARACTERS
from services.control.holds.shown import Waiting
from services.control.undone import Undone

PLACES: Final = {"person": ("PENDING",), "time": ("SCHEDULED",), "made": ("APPROVED", "EXECUTING")}
"""The tabs of the queue, and the states of the calls in each."""
MOST_SHOWN: Final = 200
_OVER: Final = frozenset(HoldState) - {HoldState.PENDING, HoldState.SCHEDULED, HoldState.APPROVED, HoldState.EXECUTING}


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    return [*_queue(parts), *_one(parts), *_deciding(parts)]


def _queue(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/holds", right=Right.SEE, include_in_schema=False)
    async def queue(request: Asked) -> Response[str]:
        place = request.query_params.get("wait", "person")
        place = place if place in PLACES else "person"
        found = await parts.operations.holds.list(_tenants(request, parts, Right.SEE))
        here = sorted((each for each in found if each.state in PLACES[place]), key=_urgency)
        return page(
            request,
            "holds/holds.html",
            fragment="queue",
            place=place,
            counts={name: sum(each.state in states for each in found) for name, states in PLACES.items()},
            holds=here[:MOST_SHOWN],
            more=max(0, len(here) - MOST_SHOWN),
            **_words(request, parts),
        )

    return [queue]


def _one(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/holds/{hold:str}", right=Right.SEE, include_in_schema=False)
    async def one(request: Asked, hold: FromPath[str]) -> Response[str]:
        return await _shown(request, parts, await _read(request, parts, hold))

    @post("/holds/{hold:str}/claim", right=Right.HOLDS, include_in_schema=False)
    async def claim(request: Asked, hold: FromPath[str]) -> Response[Any]:
        """Begin to look at it, or go on."""
        tenants, by = _tenants(request, parts, Right.HOLDS), principal_of(request).name
        try:
            found = await parts.operations.holds.claim(tenants, hold, by=by)
        except Undone as undone:
            if undone.reason is not Reason.CONFLICT:  # who has it, or that it is over, the page says itself
                raise
            found = await _read(request, parts, hold)
        if asked_by_htmx(request):
            return await _shown(request, parts, found)
        return go_to(request, f"/holds/{hold}")

    @post("/holds/{hold:str}/release", right=Right.HOLDS, include_in_schema=False)
    async def release(request: Asked, hold: FromPath[str]) -> Response[Any]:
        """Give it back: sent by the browser too when somebody leaves the page."""
        tenants, by = _tenants(request, parts, Right.HOLDS), principal_of(request).name
        await parts.operations.holds.release(tenants, hold, by=by)
        return go_to(request, "/holds")

    return [one, claim, release]


class _Decision(Form, frozen=True, kw_only=True):
    act: Literal["approve", "refuse"]
    reason: str = ""


def _deciding(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @post("/holds/{hold:str}/decide", right=Right.HOLDS, include_in_schema=False)
    async def decide(request: Asked, hold: FromPath[str]) -> Response[Any]:
        form = await form_as(request, _Decision)
        approve, reason = form.act == "approve", form.reason
        tenants, principal = _tenants(request, parts, Right.HOLDS), principal_of(request)
        queue = parts.operations.holds
        try:
            await queue.claim(tenants, hold, by=principal.name)  # whoever is slow to write has lost it meanwhile
            await queue.decide(tenants, hold, approve=approve, who=principal, reason=reason)
        except Undone as undone:
            if undone.reason is Reason.NOT_FOUND:
                raise
            return await _shown(request, parts, await _read(request, parts, hold), undone=undone, reason=reason)
        said = texts_of(request)("holds-said-approved" if approve else "holds-said-refused")
        return go_to(request, f"/holds/{hold}", say=said)

    return [decide]


async def _read(request: Asked, parts: Parts, hold: str) -> Waiting:
    return await parts.operations.holds.get(_tenants(request, parts, Right.SEE), hold)


async def _shown(
    request: Asked, parts: Parts, hold: Waiting, *, undone: Undone | None = None, reason: str = ""
) -> Response[str]:
    principal = principal_of(request)
    may = principal.may(Right.HOLDS, hold.tenant)
    # What a customer is told is personal: only who may decide reads it.
    stored = await parts.operations.holds.request((hold.tenant,), _id(hold)) if may else None
    holder = hold.lease.holder if hold.lease else ""
    return page(
        request,
        "holds/hold.html",
        fragment="desk",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if undone else HTTPStatus.OK,
        hold=hold,
        id=_id(hold),
        stored=stored,
        may=may,
        mine=bool(holder) and holder == principal.name,
        holder=holder,
        over=hold.state in _OVER,
        next=await _next(request, parts, hold) if may else None,
        most=MOST_CHARACTERS,
        readable=stored is None or stored.state in ("READABLE", "UNDESCRIBED"),
        reason=reason,
        text_of=_text_of,
        error=undone.said(viewer_of(request).language) if undone else "",
        field=undone.field if undone else "",
        first=not asked_by_htmx(request),
        **_words(request, parts),
    )


async def _next(request: Asked, parts: Parts, this: Waiting) -> Waiting | None:
    """The most urgent call that nobody looks at."""
    found = await parts.operations.holds.list(_tenants(request, parts, Right.HOLDS))
    free = (each for each in found if each.state == "PENDING" and each.lease is None and each.name != this.name)
    return min(free, key=_urgency, default=None)


def _words(request: Asked, parts: Parts) -> dict[str, Any]:
    language = viewer_of(request).language
    return {
        "ms": milliseconds,
        "now_ms": parts.clock_ms(),
        "several": len(parts.policy.tenants) > 1,
        "why": lambda reason: reason_in_words(reason, language=language),
        "short": lambda method: method.rpartition("/")[2],
        "id_of": _id,
    }


def _tenants(request: Asked, parts: Parts, right: Right) -> tuple[str, ...]:
    return tenants_for(principal_of(request), right, parts.policy.tenants)


def _urgency(hold: Waiting) -> tuple[Any, str]:
    return hold.release_time or hold.expire_time, hold.name


def _id(hold: Waiting) -> str:
    return hold.name.removeprefix("holds/")


def _text_of(value: Any) -> str:
    """A value as people read it: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


PAGE: Final = Page("holds", TEXTS, handlers, icon="hand")
