"""The pages *Integrity*: how the log stands, what needs a second person, and who changed what."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlencode

import grpc
import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.failures import in_language
from pilote.audit.v1 import personal_pb2
from services.control.access.principals import Asked, Principal, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.approvals.asked import RIGHTS, Approval, Kind
from services.control.approvals.deciding import Approvals
from services.control.audit_client import SECONDS, metadata_of
from services.control.console.formats import milliseconds
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.integrity import TEXTS
from services.control.console.viewer import viewer_of
from services.control.findings.shown import shown as shown_in
from services.control.live.scope import scope_of
from services.control.undone import Undone
from services.findings.wording import RULE_FAILING

KINDS: Final[tuple[Kind, ...]] = ("erasure", "personal-export")
_FINDINGS: Final = {
    "FIRST": ("integrity-verified-first", "note"),
    "CONSISTENT": ("integrity-verified", "done"),
    "INCONSISTENT": ("integrity-verified-bad", "error"),
    "UNSIGNED": ("integrity-verified-unsigned", "error"),
}
_ACTS: Final = ("agree", "refuse", "withdraw")
_PAGE_SIZE: Final = 50


class _Wanted(Form, frozen=True, kw_only=True):
    kind: str = ""
    tenant: str = ""
    subject: str = ""
    reason: str = ""


class _Decided(Form, frozen=True, kw_only=True):
    act: str = ""
    reason: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    return [*_log(parts), *_approvals(parts), *_deciding(parts), _changes(parts)]


def _log(parts: Parts) -> Sequence[HTTPRouteHandler]:
    integrity = parts.operations.integrity

    @get("/integrity", right=Right.SEE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        who = principal_of(request)
        found = await integrity.get(scope_of(who))
        tenants = tenants_for(who, Right.SEE, parts.policy.tenants)
        findings = await parts.operations.findings.list(tenants, to=who)
        language = viewer_of(request).language
        return page(
            request,
            "integrity/integrity.html",
            log=found,
            failing=[shown_in(each, language=language) for each in findings if each.seen.kind == RULE_FAILING],
            error_of=lambda each: in_language(str(each.shown.get("error", "")), language),
            ms=milliseconds,
        )

    @post("/integrity/verify", right=Right.VERIFY, include_in_schema=False)
    async def verify(request: Asked) -> Response[None]:
        found = await integrity.verify(who=principal_of(request))
        key, kind = _FINDINGS[found.result]
        return go_to(request, "/integrity", say=texts_of(request)(key), kind=kind)

    return [shown, verify]


def _approvals(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/integrity/approvals", right=Right.OWN, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        return await _listed(request, parts)

    @post("/integrity/approvals", right=Right.OWN, include_in_schema=False)
    async def ask(request: Asked) -> Response[Any]:
        form = await form_as(request, _Wanted)
        given = {"tenant": form.tenant, "subject": form.subject, "reason": form.reason}
        kind = next((each for each in KINDS if each == form.kind), KINDS[0])
        try:
            await parts.approvals.ask(principal_of(request), kind, **given)
        except Undone as error:
            return await _listed(request, parts, said=error.said(viewer_of(request).language), given=given)
        return go_to(request, "/integrity/approvals", say=texts_of(request)("integrity-asked"))

    return [listed, ask]


def _deciding(parts: Parts) -> Sequence[HTTPRouteHandler]:
    approvals: Approvals = parts.approvals

    @post("/integrity/approvals/{approval:str}/retry", right=Right.OWN, include_in_schema=False)
    async def retry(request: Asked, approval: FromPath[str]) -> Response[Any]:
        try:
            await approvals.retry(principal_of(request), approval)
        except Undone as error:
            return await _listed(request, parts, said=error.said(viewer_of(request).language))
        return go_to(request, "/integrity/approvals", say=texts_of(request)("integrity-moved"))

    @post("/integrity/approvals/{approval:str}/decide", right=Right.OWN, include_in_schema=False)
    async def decide(request: Asked, approval: FromPath[str]) -> Response[Any]:
        form = await form_as(request, _Decided)
        if form.act == "agree":
            parts.access.knowing.sure(request)
        act = getattr(approvals, form.act if form.act in _ACTS else "refuse")
        try:
            await act(principal_of(request), approval, comment=form.reason)
        except Undone as error:
            return await _listed(request, parts, said=error.said(viewer_of(request).language))
        return go_to(request, "/integrity/approvals", say=texts_of(request)("integrity-moved"))

    return [retry, decide]


async def _listed(
    request: Asked, parts: Parts, *, said: str = "", given: dict[str, str] | None = None
) -> Response[str]:
    who = principal_of(request)
    found = sorted(await parts.approvals.list(who), key=lambda each: each.asked_ms, reverse=True)
    return page(
        request,
        "integrity/approvals.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK,
        approvals=found,
        subject=parts.approvals.subject_of,
        acts=lambda each: _acts(each, who),
        fetchable=lambda each: each.may_be_fetched(by=who.name, now_ms=parts.clock_ms()),
        kinds=[each for each in KINDS if who.may(RIGHTS[each])],
        said=said,
        given=given or {},
    )


def _acts(approval: Approval, who: Principal) -> tuple[str, ...]:
    """What they may do about it now."""
    own = approval.asked_by == who.name
    if approval.state == "waiting":
        return ("withdraw",) if own else ("agree", "refuse")
    if approval.state in ("failed", "interrupted") and who.name in (approval.asked_by, approval.decided_by):
        return ("retry",)
    return ()


def _changes(parts: Parts) -> HTTPRouteHandler:
    @get("/integrity/changes", right=Right.SEE, include_in_schema=False)
    async def changes(request: Asked) -> Response[str]:
        wanted: dict[str, Any] = {
            name: request.query_params.get(name, "").strip()[:200] for name in ("resource", "person")
        }
        token = request.query_params.get("page", "")
        asked = personal_pb2.ListNotesRequest(kind="change", page_size=_PAGE_SIZE, page_token=token, **wanted)
        metadata = metadata_of(principal_of(request), Right.SEE, language=viewer_of(request).language)
        list_notes = cast("Any", parts.audit.stub.ListNotes)
        try:
            answer = await list_notes(asked, timeout=SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            answer = None
        own = urlencode({name: value for name, value in wanted.items() if value})
        more = answer.next_page_token if answer is not None else ""
        return page(
            request,
            "integrity/changes.html",
            notes=None if answer is None else answer.notes,
            wanted=wanted,
            first=f"/integrity/changes?{own}" if token else "",
            following=f"/integrity/changes?{urlencode({'page': more})}&{own}" if more else "",
            value=_value,
        )

    return changes


def _value(value: personal_pb2.ChangedValue) -> str:
    """A value as people read it; of a large one what is kept of it."""
    if not value.json:
        return f"{value.size} B, SHA-256 {value.sha256.hex()}" if value.size else ""
    return msgspec.json.format(value.json, indent=2)


PAGE: Final = Page("integrity", TEXTS, handlers, icon="shield-check")
