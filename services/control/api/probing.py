"""Probes out of what the log holds, over HTTP: of a finding's decisions, and of a decision that was found wrong."""

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.errors import Reason
from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api import findings, reviews
from services.control.api.finding_messages import Probed
from services.control.api.flagging import Flagging
from services.control.api.parameters import Asking
from services.control.api.review_messages import ProbedReview
from services.control.findings.desk import FindingDesk
from services.control.findings.shown import shown
from services.control.policy import ActivePolicy
from services.control.probes.desk import ProbeDesk
from services.control.reviews.desk import ReviewDesk
from services.control.undone import Undone
from services.findings.finding import Finding
from services.probes.store import KeptSuite


class Probing:
    """Makes suites for whoever asks, of decisions that they may see."""

    def __init__(
        self,
        found: FindingDesk,
        reviewed: ReviewDesk,
        probes: ProbeDesk,
        *,
        decisions: Flagging,
        policy: ActivePolicy,
    ) -> None:
        self._findings = found
        self._reviews = reviewed
        self._probes = probes
        self._decisions = decisions
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:probe",
            right=Right.PROBES,
            status_code=200,
            summary="Make probes of a finding",
        )
        async def of_finding(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[Probed]:
            """Keep a suite of probes out of its decisions, as far as their records show them, and link it."""
            after, kept = await self.finding(request, tenant, finding)
            told = Probed(finding=shown(after, language=language_in(request)), probe=f"probes/{kept.name}")
            return Response(told)

        @post(
            "/v1/reviews/{tenant:str}/{review:str}/:probe",
            right=Right.PROBES,
            status_code=200,
            summary="Make a probe of a review",
        )
        async def of_review(request: Asking, tenant: FromPath[str], review: FromPath[str]) -> Response[ProbedReview]:
            """Put a probe into the suite `reviews` that such a call comes to the verdict that it should have had."""
            kept, named = await self.review(request, tenant, review)
            return Response(ProbedReview(suite=f"probes/{kept.name}", probe=named))

        return [of_finding, of_review]

    async def finding(self, request: Asking, tenant: str, finding: str) -> tuple[Finding, KeptSuite]:
        """It with the suite that was made of it.

        Raises:
            Undone: like `FindingDesk.probe`.
            Forbidden: they may not look after findings there, or not write suites.
        """
        who, language = principal_of(request), language_in(request)
        for right in (Right.FINDINGS, Right.PROBES):
            findings.permitted(who, right, self._policy, f"findings/{tenant}/{finding}")
        there = await self._findings.get(tenant, finding, to=who)
        decisions = [
            found for each in there.seen.decisions if (found := await self._decisions.kept(request, each, tenant))
        ]
        return await self._findings.probe(tenant, finding, decisions, who=who, language=language)

    async def review(self, request: Asking, tenant: str, review: str) -> tuple[KeptSuite, str]:
        """The suite of reviews with a probe of that one, and what the probe is called.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID where whoever asks may not see, or nobody has found, what was wrong.
            Forbidden: they may not write suites there.
        """
        who, language = principal_of(request), language_in(request)
        reviews.permitted(who, Right.PROBES, self._policy, tenant, review)
        seen = reviews.seen_by(await self._reviews.get(tenant, review), who)
        if not seen.corrected or seen.known:
            raise Undone(Reason.ARGUMENT_INVALID, "review-no-probe")
        decision = await self._decisions.kept(request, seen.decision.removeprefix("decisions/"), tenant)
        if decision is None:
            raise Undone(Reason.ARGUMENT_INVALID, "review-no-probe")
        named, verdict = f"review-{review}", seen.corrected
        kept = await self._probes.reviewed(tenant, decision, named=named, verdict=verdict, who=who, language=language)
        return kept, named
