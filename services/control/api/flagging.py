"""Decisions that people want judged, over HTTP: flagged ones, those of a finding, and those whose answer they know."""

import grpc
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from gateway.core.errors import Reason
from pilote.audit.v1 import audit_service_pb2
from pilote.decision.v1 import decision_pb2
from services.control.access.principals import needs, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import Asking, body_of
from services.control.api.review_messages import FlagDecision, KnowDecision
from services.control.audit_client import AuditClient
from services.control.reviews.desk import ReviewDesk
from services.control.reviews.shown import ReviewShown, name_of, shown
from services.control.undone import Undone
from services.findings.finding import Finding
from services.reviews.item import Label


class Flagging:
    """Puts decisions into the queue that whoever asks may see."""

    def __init__(self, desk: ReviewDesk, audit: AuditClient) -> None:
        self._desk = desk
        self._audit = audit

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @post(
            "/v1/reviews:flag",
            right=Right.FINDINGS,
            status_code=201,
            summary="Flag a decision",
            operation_class=takes(FlagDecision),
        )
        async def flag(request: Asking) -> Response[ReviewShown]:
            """Ask that somebody else judges a decision."""
            asked = await body_of(request, FlagDecision)
            decision = await self.decision(request, asked.decision)
            who = needs(request, Right.FINDINGS, decision.tenant)
            after = await self._desk.flag(decision, asked.text, who=who)
            return Response(shown(after, None, to=who.name, sets=False), status_code=201)

        @post(
            "/v1/reviews:know",
            right=Right.REVIEW_RULES,
            status_code=200,
            summary="Give a right answer",
            operation_class=takes(KnowDecision),
        )
        async def know(request: Asking) -> Response[KnowDecision]:
            """Keep a decision with its right answer, to be shown among others: it tells whether reviewers look."""
            asked = await body_of(request, KnowDecision)
            decision = await self.decision(request, asked.decision)
            who = needs(request, Right.REVIEW_RULES, decision.tenant)
            await self._desk.know(decision, Label(asked.label), asked.text, who=who)
            return Response(asked)

        return [flag, know]

    async def flag_all(self, request: Asking, finding: Finding, text: str) -> tuple[str, ...]:
        """Have the decisions judged that a finding names; gives the names of the reviews that wait for that.

        Raises:
            Undone: ARGUMENT_INVALID where it names none that is kept; CONFLICT where all of them were judged already.
        """
        who, tenant = principal_of(request), finding.seen.tenant
        reviews, judged = list[str](), Undone(Reason.ARGUMENT_INVALID, "finding-no-decisions")
        for each in finding.seen.decisions:
            decision = await self.kept(request, each, tenant)
            if decision is None:
                continue
            try:
                item = await self._desk.flag(decision, text, who=who, finding=f"findings/{tenant}/{finding.id}")
            except Undone as undone:
                if undone.code != "review-settled":
                    raise
                judged = Undone(Reason.CONFLICT, "finding-judged")
            else:
                reviews.append(name_of(item))
        if not reviews:
            raise judged
        return tuple(reviews)

    async def decision(self, request: Asking, name: str) -> decision_pb2.Decision:
        """The decision of that name, where whoever asks may see it."""
        asked = audit_service_pb2.GetDecisionRequest(name=name)
        answer = await self._audit.answer(request, self._audit.stub.GetDecision, asked)
        found: decision_pb2.Decision = answer.decision
        return found

    async def kept(self, request: Asking, decision: str, tenant: str) -> decision_pb2.Decision | None:
        """The decision of that id, where it is that tenant's; `None`: it is no longer kept."""
        try:
            found = await self.decision(request, f"decisions/{decision}")
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return None
        return found if found.tenant == tenant else None
