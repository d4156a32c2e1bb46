"""What the page of a finding does: take it on, close it, say something, give it away, draft a rule, tell others."""

import datetime as dt
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.findings import permitted
from services.control.console.forms import Form, form_as
from services.control.console.page import Parts
from services.control.console.pages.finding_shown import path_of, shown_finding
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.viewer import viewer_of
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.control.times import at
from services.control.undone import Undone
from services.findings.changing import Wanted
from services.findings.finding import Finding, State
from services.not_done import NotDone

_STATES: Final = {
    "take": State.ACCEPTED,
    "resolve": State.RESOLVED,
    "dismiss": State.DISMISSED,
    "reopen": State.OPEN,
}


class _Change(Form, frozen=True, kw_only=True):
    act: Literal["take", "resolve", "dismiss", "reopen", "comment"]
    text: str = ""
    state: str = ""
    owner: str = ""
    """Both as they were on the page."""


class _Given(Form, frozen=True, kw_only=True):
    owner: str = ""
    due: str = ""
    state: str = ""
    was: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of that."""
    return [_changing(parts), _giving(parts), _drafting(parts), _probing(parts), _sending(parts), _reviewing(parts)]


def _changing(parts: Parts) -> HTTPRouteHandler:
    desk = parts.operations.findings

    @post("/findings/{tenant:str}/{finding:str}/change", right=Right.FINDINGS, include_in_schema=False)
    async def change(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        form, who, found = (
            await form_as(request, _Change),
            principal_of(request),
            await _read(request, parts, tenant, finding),
        )
        if _others(found, state=form.state, owner=form.owner):
            return _again(request, parts, found, said=texts_of(request)("findings-changed"), text=form.text)
        try:
            if form.act == "comment":
                await desk.comment(tenant, finding, form.text, who=who)
            else:
                owner = who.name if form.act == "take" else None
                wanted = Wanted(state=_STATES[form.act], owner=owner, text=form.text)
                await desk.change(tenant, finding, wanted, who=who)
        except Undone as undone:
            return _again(request, parts, found, undone=undone, text=form.text)
        return go_to(request, path_of(found), say=texts_of(request)(f"findings-said-{form.act}"))

    return change


def _giving(parts: Parts) -> HTTPRouteHandler:
    @post("/findings/{tenant:str}/{finding:str}/give", right=Right.FINDINGS, include_in_schema=False)
    async def give(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        form, found = await form_as(request, _Given), await _read(request, parts, tenant, finding)
        given = {"owner": form.owner, "due": form.due}
        if _others(found, state=form.state, owner=form.was):
            return _again(request, parts, found, said=texts_of(request)("findings-changed"))
        due_ms = _due_ms(form.due, found)
        if due_ms is None:
            return _again(request, parts, found, said=texts_of(request)("findings-date"), field="dueTime", given=given)
        wanted = Wanted(
            owner=form.owner if form.owner != found.owner else None, due_ms=due_ms if due_ms != found.due_ms else None
        )
        try:
            await parts.operations.findings.change(tenant, finding, wanted, who=principal_of(request))
        except Undone as undone:
            return _again(request, parts, found, undone=undone, given=given)
        return go_to(request, path_of(found), say=texts_of(request)("findings-said-saved"))

    return give


def _drafting(parts: Parts) -> HTTPRouteHandler:
    @post("/findings/{tenant:str}/{finding:str}/draft", right=Right.POLICY_WRITE, include_in_schema=False)
    async def draft(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        found = await _read(request, parts, tenant, finding)
        try:
            made = await _drafted(request, parts, found)
        except (Undone, EditRefused, DraftProblem) as undone:
            return _again(request, parts, found, undone=undone)
        return go_to(request, f"/policy/drafts/{made}/review", say=texts_of(request)("findings-said-drafted"))

    return draft


def _probing(parts: Parts) -> HTTPRouteHandler:
    @post("/findings/{tenant:str}/{finding:str}/probe", right=Right.PROBES, include_in_schema=False)
    async def probe(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        found = await _read(request, parts, tenant, finding)
        try:
            _, kept = await parts.operations.probing.finding(request, tenant, finding)
        except Undone as undone:
            return _again(request, parts, found, undone=undone)
        return go_to(request, f"/probes/{kept.name}", say=texts_of(request)("findings-said-probed"))

    return probe


def _sending(parts: Parts) -> HTTPRouteHandler:
    @post("/findings/{tenant:str}/{finding:str}/send", right=Right.FINDINGS, include_in_schema=False)
    async def send(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        found = await _read(request, parts, tenant, finding)
        try:
            await parts.operations.findings.send(tenant, finding, who=principal_of(request))
        except Undone as undone:
            return _again(request, parts, found, undone=undone)
        return go_to(request, path_of(found), say=texts_of(request)("findings-said-sent"))

    return send


def _reviewing(parts: Parts) -> HTTPRouteHandler:
    @post("/findings/{tenant:str}/{finding:str}/review", right=Right.FINDINGS, include_in_schema=False)
    async def review(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[Any]:
        found = await _read(request, parts, tenant, finding)
        try:
            await parts.operations.findings_api.review(request, tenant, finding)
        except Undone as undone:
            return _again(request, parts, found, undone=undone)
        return go_to(request, path_of(found), say=texts_of(request)("findings-said-reviewed"))

    return review


async def _drafted(request: Asked, parts: Parts, finding: Finding) -> str:
    """The id of the draft."""
    who, language = principal_of(request), viewer_of(request).language
    _, made = await parts.operations.findings.draft(finding.seen.tenant, finding.id, who=who, language=language)
    return made


async def _read(request: Asked, parts: Parts, tenant: str, finding: str) -> Finding:
    """The finding, where whoever asks may look after it."""
    who = principal_of(request)
    permitted(who, Right.FINDINGS, parts.policy, f"findings/{tenant}/{finding}")
    return await parts.operations.findings.get(tenant, finding, to=who)


def _others(finding: Finding, *, state: str, owner: str) -> bool:
    """Whether somebody has changed it since the page was shown; that it was seen anew changes nothing of that."""
    return (finding.state.value, finding.owner) != (state, owner)


def _due_ms(day: str, finding: Finding) -> int | None:
    """The end of that day in UTC, or the time that it is due already on that day; `None`: it is no day."""
    if day == f"{at(finding.due_ms):%Y-%m-%d}":
        return finding.due_ms
    try:
        until = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(23, 59, 59), tzinfo=dt.UTC)
    except ValueError:
        return None
    return round(until.timestamp() * 1_000)


def _again(
    request: Asked,
    parts: Parts,
    finding: Finding,
    *,
    undone: NotDone | None = None,
    said: str = "",
    field: str = "",
    **more: Any,
) -> Response[str]:
    if undone is not None and getattr(undone, "reason", "") == Reason.NOT_FOUND:
        raise undone
    told = undone.said(viewer_of(request).language) if undone else said
    shown = shown_finding(request, parts, finding, error=told, field=undone.field if undone else field, **more)
    return page(request, "findings/finding.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, **shown)
