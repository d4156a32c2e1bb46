"""The page *Stops*: what is halted, and a switch for everything that can be."""

import asyncio
import contextlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from gateway.core.stops import Stop, is_stop
from services.control.access.principals import Asked, Principal, principal_of
from services.control.access.rights import EVERYWHERE, Right
from services.control.access.tenancy import tenants_for
from services.control.api.findings import permitted
from services.control.console.formats import milliseconds
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.stops import TEXTS
from services.control.console.viewer import viewer_of
from services.control.decisions.looking import ALL as EVER
from services.control.decisions.looking import Look
from services.control.owed_told import owes
from services.control.stop_reach import StopReach
from services.control.stoppable import KINDS, Target, target_of, targets
from services.control.stopping import MOST_CHARACTERS, Halted, covered
from services.control.undone import Undone
from services.findings.finding import Link
from services.not_done import NotDone

MOST_SHOWN: Final = 12
"""Of each kind, as long as nobody searches for one."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    return [*_looking(parts), *_asking(parts), *_doing(parts)]


def _looking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/stops", right=Right.SEE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        wanted = request.query_params.get("q", "").strip()[:100]
        # Both wait for counts of the audit service, which may be slow just when something must be stopped.
        stops, found = await asyncio.gather(parts.operations.stopping.list(tenants), _targets(parts, tenants, wanted))
        return page(
            request,
            "stops/stops.html",
            fragment="choices" if request.headers.get("hx-target") == "choices" else "content",
            stops=stops,
            kinds=[(kind, *_cut([each for each in found if each.kind == kind], all_=bool(wanted))) for kind in KINDS],
            wanted=wanted,
            known=parts.policy.revision is not None,
            halted=halted_in,
            **_who(request, parts),
        )

    @get("/stops/active", right=Right.SEE, include_in_schema=False)
    async def active(request: Asked) -> Response[str]:
        """What is halted, to be shown anew from time to time."""
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        stops = await parts.operations.stopping.list(tenants)
        return page(request, "stops/active.html", stops=stops, **_who(request, parts))

    return [shown, active]


def _asking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/stops/new", right=Right.STOPS, include_in_schema=False)
    async def new(request: Asked) -> Response[str]:
        given = request.query_params
        return await _confirm(
            request,
            parts,
            given.get("what", ""),
            given.get("tenant", ""),
            reason=given.get("reason", "").strip()[:MOST_CHARACTERS],
            finding=given.get("finding", ""),
        )

    @get("/stops/resume", right=Right.STOPS, include_in_schema=False)
    async def resume(request: Asked) -> Response[str]:
        given = request.query_params
        return await _resume(request, parts, given.get("what", ""), given.get("tenant", ""))

    return [new, resume]


class _Stop(Form, frozen=True, kw_only=True):
    what: str = ""
    tenant: str = ""
    reason: str = ""
    sure: str = ""
    finding: str = ""
    """The one that it is made of, `findings/{tenant}/{finding}`."""


def _doing(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @post("/stops", right=Right.STOPS, include_in_schema=False)
    async def stop(request: Asked) -> Response[Any]:
        form = await form_as(request, _Stop)
        what, tenant, reason, finding = form.what, form.tenant, form.reason, form.finding
        principal = principal_of(request)
        target, t = target_of(what, tenant), texts_of(request)
        if target.kind == "all" and form.sure != "yes":
            return await _confirm(request, parts, what, tenant, reason=reason, finding=finding, unsure=True)
        try:
            tenants = tenants_for(principal, Right.STOPS, parts.policy.tenants, asked=tenant or EVERYWHERE)
            made = await parts.operations.stopping.stop(tenants, what, reason=reason, who=principal)
            if made.owed:
                owes(request)
        except Undone as undone:
            return await _confirm(request, parts, what, tenant, reason=reason, finding=finding, undone=undone)
        if not made.owed:  # the log takes no notes now, so it would only be waited for
            await _link(parts, finding, made.stops, who=principal)
        return go_to(request, "/stops", say=t(f"stops-done-{target.kind}", name=target.name))

    @post("/stops/resume", right=Right.STOPS, include_in_schema=False)
    async def resume(request: Asked) -> Response[Any]:
        form = await form_as(request, _Stop)
        what, tenant, reason = form.what, form.tenant, form.reason
        principal = principal_of(request)
        target, t = target_of(what, tenant), texts_of(request)
        try:
            tenants = tenants_for(principal, Right.STOPS, parts.policy.tenants, asked=tenant)
            await parts.operations.stopping.resume(tenants, what, reason=reason, who=principal)
        except Undone as undone:
            return await _resume(request, parts, what, tenant, reason=reason, undone=undone)
        return go_to(request, "/stops", say=t(f"stops-resumed-{target.kind}", name=target.name))

    return [stop, resume]


async def _confirm(
    request: Asked,
    parts: Parts,
    what: str,
    tenant: str,
    *,
    reason: str = "",
    finding: str = "",
    undone: Undone | None = None,
    unsure: bool = False,
) -> Response[str]:
    """Asks whether that is to be stopped, in words that say what will be."""
    principal = principal_of(request)
    everywhere = principal.tenants(Right.STOPS) is None
    own = tenants_for(principal, Right.STOPS, parts.policy.tenants)
    target = target_of(what, tenant)
    wanted = tenant or (EVERYWHERE if everywhere and len(own) > 1 else own[0] if own else "")
    affected = tenants_for(principal, Right.STOPS, parts.policy.tenants, asked=wanted)
    return page(
        request,
        "stops/confirm.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if undone or unsure else HTTPStatus.OK,
        target=target,
        title=texts_of(request)(f"stops-title-{target.kind}", name=target.name),
        owner=target.name.partition("/")[0],
        version=target.name.partition("/")[2],
        tenant=wanted,
        fixed=_fixed(parts, target, own),
        choices=[
            *([(EVERYWHERE, texts_of(request)("stops-all-tenants"))] if everywhere else []),
            *((e, e) for e in own),
        ],
        tenants=own,
        calls=await StopReach(parts.audit.stub, clock_ms=parts.clock_ms).calls(affected, what)
        if is_stop(what)
        else None,
        reason=reason,
        finding=finding,
        error=undone.said(viewer_of(request).language) if undone else "",
        field=undone.field if undone else "",
        unsure=unsure,
    )


async def _link(parts: Parts, finding: str, stops: Sequence[Halted], *, who: Principal) -> None:
    """Keep with a finding what was stopped because of it. Where that cannot be done, the stop stands all the same."""
    collection, _, named = finding.partition("/")
    tenant, _, one = named.partition("/")
    for stop in stops if collection == "findings" else ():
        with contextlib.suppress(NotDone):
            permitted(who, Right.FINDINGS, parts.policy, finding)
            await parts.operations.findings.link(tenant, one, Link("stop", stop.name), who=who)


async def _resume(
    request: Asked, parts: Parts, what: str, tenant: str, *, reason: str = "", undone: Undone | None = None
) -> Response[str]:
    tenants = tenants_for(principal_of(request), Right.STOPS, parts.policy.tenants, asked=tenant)
    found = [await parts.operations.stopping.find(each, what) for each in tenants]
    stop = next((each for each in found if each is not None), None)
    if stop is None:
        return go_to(request, "/stops", say=texts_of(request)("stops-gone"), kind="note")  # type: ignore[return-value]
    target = target_of(what, tenant)
    return page(
        request,
        "stops/resume.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if undone else HTTPStatus.OK,
        target=target,
        title=texts_of(request)(f"stops-again-{target.kind}", name=target.name),
        asked=tenant,
        ms=milliseconds,
        stop=stop,
        reason=reason,
        error=undone.said(viewer_of(request).language) if undone else "",
        field=undone.field if undone else "",
    )


def _who(request: Asked, parts: Parts) -> dict[str, Any]:
    principal = principal_of(request)
    return {
        "may": principal.may(Right.STOPS),
        "everywhere": principal.tenants(Right.STOPS) is None,
        "tenants": tenants_for(principal, Right.SEE, parts.policy.tenants),
        "several": len(parts.policy.tenants) > 1,
        "path": path_of,
        "decisions": decisions_of,
        "ms": milliseconds,
        "may_in": lambda tenant: principal.may(Right.STOPS, tenant),
    }


def _fixed(parts: Parts, target: Target, own: Sequence[str]) -> str:
    """The tenant that the target belongs to, where it can be stopped for no other."""
    if target.kind in ("all", "tenant"):
        return target.tenant or EVERYWHERE
    document = parts.policy.revision.document if parts.policy.revision else None
    found = {each.tenant for each in targets(document, own) if each.what == target.what}
    return next(iter(found)) if len(found) == 1 else ""


async def _targets(parts: Parts, tenants: Sequence[str], wanted: str) -> Sequence[Target]:
    channels = await StopReach(parts.audit.stub, clock_ms=parts.clock_ms).channels(tenants)
    document = parts.policy.revision.document if parts.policy.revision else None
    found = targets(document, tenants, channels=channels)
    return [each for each in found if wanted.casefold() in each.name.casefold()]


def _cut(found: Sequence[Target], *, all_: bool) -> tuple[Sequence[Target], int]:
    shown = found[: MOST_SHOWN * (10 if all_ else 1)]
    return shown, len(found) - len(shown)


def path_of(action: str, what: str, tenant: str) -> str:
    """Where a stop is asked for, or its end: `action` is "new" or "resume"."""
    return f"/stops/{action}?" + urlencode({"what": what, "tenant": tenant} if tenant else {"what": what})


def halted_in(stops: Sequence[Halted], target: Target) -> Sequence[Halted]:
    """The stops that are this target's."""
    return [stop for stop in stops if stop.what == target.what and target.tenant in ("", stop.tenant)]


def decisions_of(stop: Halted) -> str:
    """Where the calls are seen that it has stopped."""
    return Look(filter=covered(stop.tenant, _stop_of(stop)), since=EVER).path()


def _stop_of(halted: Halted) -> Stop:
    return Stop(what=halted.what, reason=halted.reason, since_ms=milliseconds(halted.create_time), by=halted.by)


PAGE: Final = Page("stops", TEXTS, handlers, icon="octagon-x")
