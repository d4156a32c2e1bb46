"""One decision: what was said, why, step by step; its values, its replay and its proof where somebody asks for them."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from pilote.audit.v1 import audit_service_pb2, explaining_pb2
from pilote.decision.v1 import decision_pb2
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.approvals.asked import Approval
from services.control.audit_client import as_json
from services.control.console.page import Parts
from services.control.console.pages import decision_person
from services.control.console.rendering import page, texts_of
from services.control.decisions.columns import COLUMNS, took_us, verdict_of
from services.control.decisions.picture import led_to, rooms_of, waterfall_of, ways_of
from services.control.decisions.proving import proofs_of

_TEMPLATE: Final = "decisions/decision.html"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_FOLLOWED: Final = 20
"""Most decisions that are shown to follow from one."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of one decision."""
    return [*_looking(parts), *_asking(parts), *_proving(parts), *decision_person.handlers(parts)]


def _looking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    audit, stub = parts.audit, parts.audit.stub

    @get("/decisions/{decision:str}", right=Right.SEE, include_in_schema=False)
    async def one(request: Asked, decision: FromPath[str]) -> Response[Any]:
        plain = decision.removesuffix(".json")
        if plain == decision:
            return await _page(parts, request, decision)
        asked = audit_service_pb2.GetDecisionRequest(name=named(plain))
        answer = await audit.answer(request, stub.GetDecision, asked)
        return _file(as_json(answer.decision), f"decision-{plain}.json")

    @get("/decisions/{decision:str}/followed", right=Right.SEE, include_in_schema=False)
    async def followed(request: Asked, decision: FromPath[str]) -> Response[str]:
        named(decision)
        asked = audit_service_pb2.ListDecisionsRequest(filter=led_to(decision), page_size=_FOLLOWED)
        answer = await audit.answer(request, stub.ListDecisions, asked)
        template = "decisions/followed.html"
        return page(request, template, fragment="rows", followed=answer.decisions, columns=COLUMNS)

    return [one, followed]


def _asking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @post("/decisions/{decision:str}/values", right=Right.VALUES, status_code=200, include_in_schema=False)
    async def values(request: Asked, decision: FromPath[str]) -> Response[str]:
        form = await request.form()
        if parts.values is None:
            raise NotFoundException
        shown = await parts.values.shown(request, decision, str(form.get("reason", "")))
        return await _page(parts, request, decision, fragment="values", values=shown)

    @post("/decisions/{decision:str}/replay", right=Right.SEE, status_code=200, include_in_schema=False)
    async def replay(request: Asked, decision: FromPath[str]) -> Response[str]:
        named(decision)
        if parts.replaying is None:
            raise NotFoundException
        again = await parts.replaying.replay(request, decision)
        return await _page(parts, request, decision, fragment="replay", again=again)

    return [values, replay]


def _proving(parts: Parts) -> Sequence[HTTPRouteHandler]:
    @get("/decisions/{decision:str}/proof", right=Right.SEE, include_in_schema=False)
    async def proof(request: Asked, decision: FromPath[str]) -> Response[str]:
        named(decision)
        proofs = await proofs_of(parts.audit, request, decision)
        return await _page(parts, request, decision, fragment="proof", proofs=proofs)

    @get("/decisions/{decision:str}/proof.json", right=Right.SEE, include_in_schema=False)
    async def proof_file(request: Asked, decision: FromPath[str]) -> Response[Any]:
        named(decision)
        proofs = await proofs_of(parts.audit, request, decision)
        return _file({each.of: as_json(each.answer) for each in proofs}, f"proof-{decision}.json")

    return [proof, proof_file]


async def _page(
    parts: Parts, request: Asked, decision: str, *, fragment: str = "content", **more: Any
) -> Response[str]:
    """The page, with what somebody has asked for besides."""
    audit, stub, name = parts.audit, parts.audit.stub, named(decision)
    language = language_in(request)
    found, explained = await asyncio.gather(
        audit.answer(request, stub.GetDecision, audit_service_pb2.GetDecisionRequest(name=name)),
        audit.answer(
            request, stub.ExplainDecision, explaining_pb2.ExplainDecisionRequest(name=name, language_code=language)
        ),
    )
    told, t = found.decision, texts_of(request)
    verdict = verdict_of(told)
    said = {"agent": told.agent or t("decision-nobody"), "method": told.method.rpartition("/")[2]}
    values = {
        "id": decision,
        "decision": told,
        "verdict": verdict,
        "headline": t(f"decision-{verdict.lower()}", **said),
        "took": took_us(told),
        "explained": explained,
        "conditions": [each for obstacle in explained.obstacles for each in obstacle.conditions],
        "waterfall": waterfall_of(told),
        "rooms": rooms_of(told),
        "ways": ways_of(told),
        "led_to": led_to(decision),
        "columns": COLUMNS,
        "raw": msgspec.json.format(msgspec.json.encode(as_json(told)), indent=2).decode(),
        "trace": parts.trace_url.replace("{trace_id}", told.trace_id) if told.trace_id else "",
        "asked": await _asked(parts, request, told),
        "can_read": parts.values is not None,
        "can_replay": parts.replaying is not None,
    }
    asked_for = {"values": None, "again": None, "proofs": None} | more
    return page(request, _TEMPLATE, fragment=fragment, **values, **asked_for)


async def _asked(parts: Parts, request: Asked, decision: decision_pb2.Decision) -> tuple[Approval, ...]:
    """Reports about the customer that somebody has asked for, the newest first; none to who may not."""
    if not decision.subject_ref or not principal_of(request).may(Right.REPORT, decision.tenant):
        return ()
    found = await parts.approvals.list(principal_of(request))
    own = (each for each in found if each.kind == "personal-export" and each.subject_ref == decision.subject_ref)
    return tuple(sorted(own, key=lambda each: -each.asked_ms))


def named(decision: str) -> str:
    """The resource name of a decision; somebody who misspells its id is told that there is no such page."""
    if not _ID.fullmatch(decision):
        raise NotFoundException
    return f"decisions/{decision}"


def _file(content: Any, name: str) -> Response[Any]:
    return Response(content, headers={"content-disposition": f'attachment; filename="{name}"'})
