"""Proposals: those that wait, what one changes, and deciding about it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, cast

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import Asked, needs, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.policy.form import field_of, form_of, number_of
from services.control.console.policy.jobs_shown import job_shown, not_begun
from services.control.console.policy.reviewing import DAY_MS, SPANS, Proposable, days_of
from services.control.console.policy.sides import tabs
from services.control.console.rendering import go_to, page, texts_of
from services.control.drafts.store import DraftProblem
from services.control.jobs import JobsFull
from services.revisions.revising import Act

_All = Annotated[bool, QueryParameter(name="all")]
_Before = Annotated[int, QueryParameter(name="before", ge=0)]
SIZE: Final = 20
"""Proposals on a page; each comes from the store with its whole document."""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """Of this page."""
    drafting, questions = parts.drafts, parts.drafts.questions
    revising = drafting.submitting.revising

    @get("/policy/proposals", right=Right.SEE, include_in_schema=False)
    async def proposals(request: Asked, *, every: _All = False, before: _Before = 0) -> Response[str]:
        newest = await revising.proposals.newest(SIZE, before=before)
        found = [each for each in newest if every or each.state == "waiting"]
        required = {each.number: (await revising.deciding(each)).required for each in found}
        values: dict[str, Any] = {
            "proposals": found,
            "required": required,
            "every": every,
            "before": before,
            "next": newest[-1].number if len(newest) == SIZE else 0,
            "tabs": tabs("proposals"),
        }
        return page(request, "policy/proposals.html", **values)

    @get("/policy/proposals/{number:int}", right=Right.SEE, include_in_schema=False)
    async def proposal(number: FromPath[int], request: Asked) -> Response[str]:
        found = await revising.proposal(number)
        who, author = principal_of(request), found.entry.statement.author
        deciding = await revising.deciding(found)
        _, active = await revising.store.head()
        values: dict[str, Any] = {
            "proposal": found,
            "statement": found.entry.statement,
            "required": deciding.required,
            "look": deciding.look,
            "compared": await questions.proposed(found),
            "active": active,
            "spans": SPANS,
            "own": who.name == author,
            "waiting": found.state == "waiting",
            "agreed": any(each.vote.person == who.name for each in found.entry.approvals),
        }
        return page(request, "policy/proposal.html", **values)

    @post("/policy/proposals/{number:int}/{act:str}", right=Right.SEE, include_in_schema=False, status_code=200)
    async def decide(number: FromPath[int], act: FromPath[str], request: Asked) -> Response[Any]:
        form, who = await form_of(request), principal_of(request)
        if act in ("plan", "backtest"):
            return await look(number, cast("Proposable", act), request)
        if act not in _NEEDS:
            raise DraftProblem("draft-unknown", draft=act)
        needs(request, _NEEDS[act], "")
        comment, hand = field_of(form, "comment").strip(), parts.hand(request)
        done = await drafting.submitting.vote(number, who=who, hand=hand, act=cast("Act", act), comment=comment)
        said = texts_of(request)(f"policy-done-{done.state}", number=number, revision=done.revision)
        return go_to(request, f"/policy/proposals/{number}", say=said)

    async def look(number: int, kind: Proposable, request: Asked) -> Response[Any]:
        needs(request, Right.POLICY_APPROVE, "")
        form = await form_of(request)
        span_ms = days_of(number_of(form, "days", 7)) * DAY_MS
        try:
            job = await questions.start_proposal(kind, number, owner=principal_of(request).name, span_ms=span_ms)
        except (DraftProblem, JobsFull) as problem:
            return not_begun(request, problem)
        return job_shown(request, job)

    return [proposals, proposal, decide]


_NEEDS = {"approve": Right.POLICY_APPROVE, "refuse": Right.POLICY_APPROVE, "withdraw": Right.POLICY_WRITE}
