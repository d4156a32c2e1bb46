"""The pages *Reviews*: decisions to judge, one at a time and blind, and which of them wait."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import grpc
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from pilote.audit.v1 import explaining_pb2
from services.control.access.persons import language_in
from services.control.access.principals import Asked, needs, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.reviews import permitted
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.pages import review_numbers, review_versions
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.reviews import TEXTS
from services.control.console.viewer import viewer_of
from services.control.reviews.desk import Held
from services.control.reviews.shown import name_of, shown
from services.control.undone import Undone
from services.reviews.item import LABELS, MOST_CHARACTERS, REFUSALS, Item, Label, fits

MOST_SHOWN: Final = 200


class _Answer(Form, frozen=True, kw_only=True):
    label: Literal["RIGHT", "WRONG_SHOULD_ALLOW", "WRONG_SHOULD_DENY", "UNCLEAR"]
    corrected: Literal["", "DENY", "HOLD", "DEFER"] = ""
    text: str = ""


class _Flag(Form, frozen=True, kw_only=True):
    decision: str
    text: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    own = (*_looking(parts), *_taking(parts), *_judging(parts), *_flagging(parts), *_probing(parts))
    return [*own, *review_numbers.handlers(parts), *review_versions.handlers(parts)]


def _looking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.reviews

    @get("/reviews", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        who = principal_of(request)
        waiting = await desk.open(tenants_for(who, Right.SEE, parts.policy.tenants))
        first = sorted(waiting, key=lambda each: (each.due_ms, name_of(each)))
        return page(
            request,
            "reviews/reviews.html",
            reviews=first[:MOST_SHOWN],
            more=max(0, len(first) - MOST_SHOWN),
            may=who.may(Right.REVIEWS),
            now_ms=parts.clock_ms(),
            several=len(parts.policy.tenants) > 1,
            name_of=name_of,
        )

    @get("/reviews/{tenant:str}/{review:str}", right=Right.SEE, include_in_schema=False)
    async def one(request: Asked, tenant: FromPath[str], review: FromPath[str]) -> Response[str]:
        permitted(principal_of(request), Right.SEE, parts.policy, tenant, review)
        return await _shown(request, parts, await desk.get(tenant, review))

    return [listed, one]


def _taking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.reviews

    @post("/reviews/next", right=Right.REVIEWS, include_in_schema=False)
    async def following(request: Asked) -> Response[Any]:
        return await _next(request, parts)

    @post("/reviews/{tenant:str}/{review:str}/release", right=Right.REVIEWS, include_in_schema=False)
    async def release(request: Asked, tenant: FromPath[str], review: FromPath[str]) -> Response[Any]:
        who = principal_of(request)
        permitted(who, Right.REVIEWS, parts.policy, tenant, review)
        await desk.release(tenant, review, who.name)
        return go_to(request, "/reviews", say=texts_of(request)("reviews-said-released"))

    return [following, release]


def _judging(parts: Parts) -> Sequence[HTTPRouteHandler]:
    desk = parts.operations.reviews

    @post("/reviews/{tenant:str}/{review:str}/answer", right=Right.REVIEWS, include_in_schema=False)
    async def answer(request: Asked, tenant: FromPath[str], review: FromPath[str]) -> Response[Any]:
        who = principal_of(request)
        permitted(who, Right.REVIEWS, parts.policy, tenant, review)
        try:
            form = await form_as(request, _Answer)
            label = Label(form.label)
            corrected = form.corrected if label is Label.WRONG_SHOULD_DENY else ""
            await desk.answer(tenant, review, label, corrected=corrected, text=form.text, who=who)
        except Undone as undone:
            if undone.reason is Reason.NOT_FOUND:
                raise
            return await _shown(request, parts, await desk.get(tenant, review), undone=undone)
        return await _next(request, parts, said=texts_of(request)("reviews-said-judged"))

    return [answer]


def _flagging(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @post("/reviews/flag", right=Right.FINDINGS, include_in_schema=False)
    async def flag(request: Asked) -> Response[Any]:
        form = await form_as(request, _Flag)
        decision = await parts.operations.flagging.decision(request, f"decisions/{form.decision}")
        who = needs(request, Right.FINDINGS, decision.tenant)
        path = f"/{decision.name}"
        try:
            await parts.operations.reviews.flag(decision, form.text, who=who)
        except Undone as undone:
            return go_to(request, path, say=undone.said(viewer_of(request).language), kind="error")
        return go_to(request, path, say=texts_of(request)("reviews-said-flagged"))

    return [flag]


def _probing(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @post("/reviews/{tenant:str}/{review:str}/probe", right=Right.PROBES, include_in_schema=False)
    async def probe(request: Asked, tenant: FromPath[str], review: FromPath[str]) -> Response[Any]:
        try:
            kept, _ = await parts.operations.probing.review(request, tenant, review)
        except Undone as undone:
            if undone.reason is Reason.NOT_FOUND:
                raise
            return await _shown(request, parts, await parts.operations.reviews.get(tenant, review), undone=undone)
        return go_to(request, f"/probes/{kept.name}", say=texts_of(request)("reviews-said-probed"))

    return [probe]


async def _next(request: Asked, parts: Parts, *, said: str = "") -> Response[Any]:
    """To the next one, or back to the list where there is none."""
    who = principal_of(request)
    tenants = tenants_for(who, Right.REVIEWS, parts.policy.tenants)
    found = await parts.operations.reviews.next(tenants, who.name, own=tenants)
    if found is None:
        return go_to(request, "/reviews", say=f"{said} {texts_of(request)('reviews-said-none')}".strip())
    return go_to(request, f"/{name_of(found[0])}", say=said)


async def _shown(request: Asked, parts: Parts, held: Held, *, undone: Undone | None = None) -> Response[str]:
    who, (item, lease) = principal_of(request), held
    mine = lease is not None and lease.holder == who.name
    judges = who.may(Right.REVIEWS, item.tenant)
    told = shown(item, lease, to=who.name, sets=who.may(Right.REVIEW_RULES, item.tenant) and not judges)
    return page(
        request,
        "reviews/review.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if undone else HTTPStatus.OK,
        item=item,
        told=told,
        path=f"/{name_of(item)}",
        mine=mine,
        judges=judges,
        probes=bool(told.corrected) and not told.known and who.may(Right.PROBES, item.tenant),
        until_ms=lease.until_ms if lease else 0,
        sentences=await _sentences(request, parts, item),
        labels=[each for each in LABELS if fits(each, verdict=item.verdict)],
        refusals=[each for each in REFUSALS if each != item.verdict],
        most=MOST_CHARACTERS,
        several=len(parts.policy.tenants) > 1,
        error=undone.said(viewer_of(request).language) if undone else "",
    )


async def _sentences(request: Asked, parts: Parts, item: Item) -> Sequence[str]:
    """Why the decision was as it was; nothing where its record is no longer kept."""
    name = f"decisions/{item.decision}"
    asked = explaining_pb2.ExplainDecisionRequest(name=name, language_code=language_in(request))
    try:
        explained = await parts.audit.answer(request, parts.audit.stub.ExplainDecision, asked)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return ()
    found: Sequence[str] = tuple(explained.sentences)
    return found


PAGE: Final = Page("reviews", TEXTS, handlers, icon="scroll-text")
