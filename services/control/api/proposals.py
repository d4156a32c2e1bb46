"""Deciding about proposals and going back, over HTTP, with the managed keys of accounts."""

from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.draft_messages import BacktestDraft, Decide, JobShown, PlanDraft, RollBack, RolledBack
from services.control.api.jobs import started
from services.control.api.managed import HandOf, since
from services.control.api.parameters import body_of
from services.control.api.revision_messages import Proposed, proposed
from services.control.drafts.comparing import Compared
from services.control.drafts.drafting import Drafting


class ProposalsApi:
    """Answers whoever may approve policies, and authors."""

    def __init__(self, drafting: Drafting, *, hand: HandOf) -> None:
        """`hand` is who asks and their managed key; it raises where there is none, or they must confirm."""
        self._drafting = drafting
        self._hand = hand

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._deciding(), *self._looking()]

    def _deciding(self) -> list[HTTPRouteHandler]:
        drafting = self._drafting

        async def decide(number: int, request: Asked, act: Literal["approve", "refuse", "withdraw"]) -> Response[Any]:
            given = await body_of(request, Decide)
            who, hand = principal_of(request), self._hand(request)
            proposal = await drafting.submitting.vote(number, who=who, hand=hand, act=act, comment=given.comment)
            return Response(await proposed(drafting.submitting.revising, proposal))

        @post(
            "/v1/proposals/{number:int}/:approve",
            right=Right.POLICY_APPROVE,
            status_code=200,
            summary="Approve a proposal",
            operation_class=takes(Decide),
        )
        async def approve(number: FromPath[int], request: Asked) -> Response[Proposed]:
            """Sign that one agrees; once enough people do, the revision is active."""
            return await decide(number, request, "approve")

        @post(
            "/v1/proposals/{number:int}/:refuse",
            right=Right.POLICY_APPROVE,
            status_code=200,
            summary="Refuse a proposal",
            operation_class=takes(Decide),
        )
        async def refuse(number: FromPath[int], request: Asked) -> Response[Proposed]:
            """End a proposal of somebody else."""
            return await decide(number, request, "refuse")

        @post(
            "/v1/proposals/{number:int}/:withdraw",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Withdraw a proposal",
            operation_class=takes(Decide),
        )
        async def withdraw(number: FromPath[int], request: Asked) -> Response[Proposed]:
            """Take back a proposal of one's own."""
            return await decide(number, request, "withdraw")

        @post(
            "/v1/revisions:rollback",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Go back",
            operation_class=takes(RollBack),
        )
        async def roll_back(request: Asked) -> Response[RolledBack]:
            """Make an earlier revision active again: at once where people approved it before, else as a proposal."""
            given = msgspec.json.decode(await request.body(), type=RollBack)
            who, hand = principal_of(request), self._hand(request)
            made = await drafting.submitting.roll_back(given.revision, who=who, hand=hand, reason=given.reason)
            proposal = f"proposals/{made.proposal.number}" if made.proposal else ""
            return Response(RolledBack(revision=made.revision, restores=made.restores, proposal=proposal))

        return [approve, refuse, withdraw, roll_back]

    def _looking(self) -> list[HTTPRouteHandler]:
        drafting, questions = self._drafting, self._drafting.questions

        @get("/v1/proposals/{number:int}/:compare", right=Right.SEE, summary="Compare a proposal")
        async def compare(number: FromPath[int]) -> Response[Compared]:
            """What a proposal changes of the revision that it was made from, in words and as text."""
            proposal = await drafting.submitting.revising.proposal(number)
            return Response(await questions.proposed(proposal))

        @get("/v1/revisions/{number:int}/:compare", right=Right.SEE, summary="Compare revisions")
        async def between(number: FromPath[int], base: FromQuery[int]) -> Response[Compared]:
            """What leads to a revision from `base`, in words and as text; 0: from nothing."""
            return Response(await questions.between(base, number))

        @post(
            "/v1/proposals/{number:int}/:plan",
            right=Right.POLICY_APPROVE,
            status_code=202,
            summary="Plan a proposal",
            operation_class=takes(PlanDraft),
        )
        async def plan(number: FromPath[int], request: Asked) -> Response[JobShown]:
            """Find out, as a job, how far it reaches; those who decide about it see that it was looked at."""
            given = await body_of(request, PlanDraft)
            owner, span = principal_of(request).name, since(given.since)
            return started(await questions.start_proposal("plan", number, owner=owner, span_ms=span))

        @post(
            "/v1/proposals/{number:int}/:backtest",
            right=Right.POLICY_APPROVE,
            status_code=202,
            summary="Backtest a proposal",
            operation_class=takes(BacktestDraft),
        )
        async def backtest(number: FromPath[int], request: Asked) -> Response[JobShown]:
            """Find out, as a job, what recorded calls would have come to; those who decide see that."""
            given = await body_of(request, BacktestDraft)
            owner, span = principal_of(request).name, since(given.since)
            job = await questions.start_proposal("backtest", number, owner=owner, span_ms=span, most=given.most)
            return started(job)

        return [compare, between, plan, backtest]
