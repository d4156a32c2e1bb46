"""The guide: leads from nothing to the first governed call, and shows by itself how far one is."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.core.revision.decode import PolicyInvalid
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.problems import problem_of
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import blocks, page, texts_of
from services.control.console.texts.guide import TEXTS
from services.control.console.viewer import viewer_of
from services.control.guiding import (
    STEPS,
    Progress,
    approvers,
    explanation,
    first_decision,
    gateways,
    new_key,
    smallest_policy,
)
from services.control.live.scope import scope_of
from services.not_done import NotDone
from services.revisions.revising import Conflict

_FIELDS: Final = {"tenant": "", "agent": "sales-bot", "address": "127.0.0.1:50061"}
_METHOD: Final = "pilote.crm.v1.ContactService/ListContacts"
_PYTHON: Final = """import os
import grpc
from pilote.crm.v1 import contact_service_pb2 as contacts, contact_service_pb2_grpc as services

channel = grpc.insecure_channel("GATEWAY")  # the gateway instead of the CRM
stub = services.ContactServiceStub(channel)
answer, call = stub.ListContacts.with_call(
    contacts.ListContactsRequest(), metadata=[("x-api-key", os.environ["KEY"])], timeout=5
)
print(dict(call.trailing_metadata())["pilote-decision-id"])"""
_SNIPPETS: Final = (
    ("pilote", f"pilote call /{_METHOD} '{{}}' --key \"$KEY\" --address GATEWAY"),
    ("grpcurl", f"grpcurl -plaintext -H \"x-api-key: $KEY\" -d '{{}}' GATEWAY {_METHOD}"),
    ("python", _PYTHON),
)


class _Policy(Form, frozen=True, kw_only=True):
    tenant: str = ""
    agent: str = ""
    address: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/guide", right=Right.SEE, include_in_schema=False)
    async def guide(request: Asked) -> Response[str]:
        values = await _values(request, parts, await _progress(request, parts))
        return page(request, "guide/guide.html", **values)

    @get("/guide/state", right=Right.SEE, include_in_schema=False)
    async def state(request: Asked, *, seen: FromQuery[str] = "") -> Response[Any]:
        """What is to be done now, where that is not what has been seen."""
        progress = await _progress(request, parts)
        if progress.token == seen:
            return Response(None, status_code=HTTPStatus.NO_CONTENT)
        values = await _values(request, parts, progress)
        return page(request, "guide/guide.html", fragment="current", **values)

    @post("/guide/policy", right=Right.POLICY_WRITE, include_in_schema=False, status_code=200)
    async def propose(request: Asked) -> Response[Any]:
        """Make a key, and propose the smallest policy with its hash."""
        given = msgspec.structs.asdict(await form_as(request, _Policy))
        hand, who, t = parts.hand(request), principal_of(request), texts_of(request)
        key = new_key(given["agent"])
        try:
            text = smallest_policy(**given, key=key, now_ms=parts.clock_ms())
            draft, _ = await parts.drafts.create(title=t("guide-draft"), who=who, text=text)
            reason = t("guide-reason")
            await parts.drafts.submit(draft.id, version=draft.version, who=who, hand=hand, reason=reason)
        except (NotDone, PolicyInvalid, Conflict) as error:
            said = problem_of(error, viewer_of(request).language)
            field = said.mistakes[0]["path"] if said.mistakes and isinstance(error, NotDone) else ""
            return await _again(request, parts, given, said=said.detail, field=field)
        values = await _values(request, parts, await _progress(request, parts)) | {"key": key, "agent": given["agent"]}
        return _with_key(request, values)

    return [guide, state, propose]


async def _progress(request: Asked, parts: Parts) -> Progress:
    principal = principal_of(request)
    revising = parts.drafts.submitting.revising
    revision = parts.policy.revision.number if parts.policy.revision else 0
    waiting = [] if revision else [each for each in await revising.proposals.all() if each.state == "waiting"]
    author = waiting[-1].entry.statement.author if waiting else ""
    return Progress(
        approvers=approvers(await parts.access.accounts.all(), but=author or principal.name),
        proposal=waiting[-1].number if waiting else 0,
        author=author,
        revision=revision,
        gateways=await gateways(parts.redis, revision) if revision else 0,
        decision=await first_decision(parts.audit.stub, scope_of(principal)) if revision else "",
    )


async def _values(request: Asked, parts: Parts, progress: Progress) -> dict[str, Any]:
    """What the template is filled with."""
    language = viewer_of(request).language
    sentences = await explanation(parts.audit.stub, progress.decision, language=language) if progress.decision else ()
    return {
        "progress": progress,
        "steps": STEPS,
        "snippets": [(way, code.replace("GATEWAY", parts.gateway)) for way, code in _SNIPPETS],
        "gateway": parts.gateway,
        "sentences": sentences,
        "given": _FIELDS | {"tenant": "acme"},
        "error": "",
        "field": "",
        "key": "",
        "agent": "",
    }


async def _again(
    request: Asked, parts: Parts, given: Mapping[str, str], *, said: str, field: str = ""
) -> Response[str]:
    """The form once more, with what is wrong."""
    values = await _values(request, parts, await _progress(request, parts))
    wrong = {"given": given, "error": said, "field": field}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(request, "guide/guide.html", fragment="current", status=status, **(values | wrong))


def _with_key(request: Asked, values: dict[str, Any]) -> Response[str]:
    """What is to be done next, and the key, which stays while that changes."""
    answer = page(request, "guide/guide.html", fragment="current", **values)
    if "hx-request" in request.headers:
        key = blocks(request, "guide/guide.html", ("key",), **values)["key"]
        answer.content += f'<div id="guide-key" hx-swap-oob="true">{key}</div>'
    return answer


PAGE: Final = Page("guide", TEXTS, handlers, icon="circle-help", right=Right.POLICY_WRITE)
