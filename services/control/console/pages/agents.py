"""The page *Agents*: who they are, what proves it, how far they go by themselves, and what they did lately."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import grpc
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.reason_texts import why as reason_in_words
from pilote.audit.v1.audit_service_pb2 import ListDecisionsRequest
from pilote.decision.v1 import decision_pb2
from services.control.access.principals import Asked, needs, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.agent_drafts import prepared
from services.control.agent_keys import lines_of, without_key
from services.control.agents import AgentShown
from services.control.console.formats import milliseconds
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.agents import TEXTS
from services.control.console.viewer import viewer_of
from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftProblem
from services.control.filters import both, is_, since
from services.control.traffic import DAY_MS, Traffic

MOST_SHOWN: Final = 50
LATEST: Final = 10
"""Decisions of an agent that are shown."""
ASK_SECONDS: Final = 2.0


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    return [*_looking(parts), *_keys(parts)]


def _looking(parts: Parts) -> Sequence[HTTPRouteHandler]:
    traffic, book = Traffic(parts.audit.stub, clock_ms=parts.clock_ms), parts.operations.agents

    @get("/agents", right=Right.SEE, include_in_schema=False)
    async def agents(request: Asked) -> Response[str]:
        """The agents; what they did lately comes after them, for it takes its time to be counted."""
        given = request.query_params
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        wanted, lately = given.get("q", "").strip()[:100], given.get("lately") == "1"
        found = [each for each in book.list(tenants) if wanted.casefold() in each.name.casefold()]
        shown = await book.shown(found[:MOST_SHOWN], lately=lately)
        counting = (traffic.hours((each.tenant,), is_("agent", each.name)) for each in found[:MOST_SHOWN])
        hours = await asyncio.gather(*counting) if lately else ()
        return page(
            request,
            "agents/agents.html",
            fragment="list",
            agents=shown,
            hours={each.name: one for each, one in zip(shown, hours, strict=bool(hours))},
            more=max(0, len(found) - MOST_SHOWN),
            wanted=wanted,
            lately=lately,
            this=f"/agents?{urlencode({'q': wanted, 'lately': 1})}",
            **_known(parts),
        )

    @get("/agents/{agent:str}", right=Right.SEE, include_in_schema=False)
    async def one(request: Asked, agent: FromPath[str]) -> Response[str]:
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        found = book.find(tenants, agent)
        (shown,) = await book.shown([found])
        who = both(is_("tenant", found.tenant), is_("agent", found.name))
        hours, rules, reasons, latest, stops = await asyncio.gather(
            traffic.hours((found.tenant,), is_("agent", found.name)),
            traffic.by("rule", (found.tenant,), is_("agent", found.name)),
            traffic.by("reason", (found.tenant,), is_("agent", found.name)),
            _latest(parts, who),
            parts.operations.stopping.list((found.tenant,)),
        )
        document = parts.policy.revision.document if parts.policy.revision else None
        about = {f"agent={found.name}", f"version={found.name}/{found.version}", "all"}
        return page(
            request,
            "agents/agent.html",
            agent=shown,
            id=found.name,
            hours=hours,
            rules=rules,
            reasons=reasons,
            latest=latest,
            stops=[stop for stop in stops if stop.what in about],
            limits=[each for each in (document.limits if document else ()) if "agent" in each.by],
            decisions="/decisions?" + urlencode({"filter": both(who, since(parts.clock_ms() - DAY_MS))}),
            verdict_of=lambda each: decision_pb2.Verdict.Name(each.verdict).removeprefix("VERDICT_"),
            why=lambda reason: reason_in_words(reason, language=viewer_of(request).language),
            may_stop=principal_of(request).may(Right.STOPS, found.tenant),
            may_keys=principal_of(request).may(Right.AGENTS, found.tenant),
            **_known(parts),
        )

    return [agents, one]


def _keys(parts: Parts) -> Sequence[HTTPRouteHandler]:
    book = parts.operations.agents

    @post("/agents/{agent:str}/keys", right=Right.AGENTS, include_in_schema=False, status_code=200)
    async def new(request: Asked, agent: FromPath[str]) -> Response[str]:
        """A new key, on this one page only, and a draft of the policy with its hash."""
        found = book.find(tenants_for(principal_of(request), Right.AGENTS, parts.policy.tenants), agent)
        who, language = principal_of(request), viewer_of(request).language
        made, draft, refused = await prepared(book, parts.drafts, found, who=who, language=language)
        return page(
            request,
            "agents/key.html",
            id=found.name,
            made=made,
            draft=draft,
            problem=refused.said(language) if refused else "",
            lines=lines_of(found, made),
        )

    @post("/agents/{agent:str}/keys/{key:str}/remove", right=Right.POLICY_WRITE, include_in_schema=False)
    async def remove(request: Asked, agent: FromPath[str], key: FromPath[str]) -> Response[Any]:
        """Writes into a draft that a key is gone."""
        found = book.find(tenants_for(principal_of(request), Right.SEE, parts.policy.tenants), agent)
        needs(request, Right.AGENTS, found.tenant)
        t, edits = texts_of(request), without_key(found, key)
        if not edits:
            return go_to(request, f"/agents/{agent}", say=t("agents-key-gone"), kind="note")
        title = t("agents-draft-less", key=key, agent=found.name)
        try:
            draft = await parts.drafts.begin(title, edits, who=principal_of(request))
        except (EditRefused, DraftProblem) as refused:
            return go_to(request, f"/agents/{agent}", say=refused.said(viewer_of(request).language), kind="error")
        return go_to(request, f"/policy/drafts/{draft}/review", say=t("agents-draft-removed"))

    return [new, remove]


async def _latest(parts: Parts, who: str) -> Sequence[Any] | None:
    asked, audit = ListDecisionsRequest(filter=who, page_size=LATEST), parts.audit.stub
    listing: Any = audit.ListDecisions
    try:
        found: Sequence[Any] = (await listing(asked, timeout=ASK_SECONDS)).decisions
    except grpc.aio.AioRpcError:
        return None
    return found


def _known(parts: Parts) -> dict[str, Any]:
    return {
        "ms": milliseconds,
        "now_ms": parts.clock_ms(),
        "several": len(parts.policy.tenants) > 1,
        "levels": levels_of,
        "oldest": oldest_of,
        "id_of": lambda agent: agent.name.removeprefix("agents/"),
    }


def levels_of(agent: AgentShown) -> Sequence[tuple[str, Sequence[str]]]:
    """Each level of autonomy with the operations that have it, the freest first."""
    order = ("autonomous", "approve", "suggest", "observe")
    found = [(level, [name for name, each in agent.autonomy.items() if each == level]) for level in order]
    return [(level, names) for level, names in found if names]


def oldest_of(agent: AgentShown) -> int | None:
    """When the oldest key came into the policy, milliseconds since the epoch; `None` where nobody knows or has none."""
    known = [milliseconds(each.create_time) for each in agent.keys if each.create_time is not None]
    return min(known) if known and len(known) == len(agent.keys) else None


PAGE: Final = Page("agents", TEXTS, handlers, icon="bot")
