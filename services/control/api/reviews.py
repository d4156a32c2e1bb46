"""Reviews over HTTP: decisions that people judge, one at a time and blind, and what that tells."""

from typing import Annotated, Literal

from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.core.errors import Reason
from services.control.access.principals import Forbidden, Principal, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.api.describing import takes
from services.control.api.parameters import (
    Asking,
    IfMatch,
    PageSize,
    PageToken,
    Tenant,
    body_of,
    match_of,
    tagged,
)
from services.control.api.review_messages import (
    AnswerReview,
    LabelsShown,
    NextReview,
    NextShown,
    NumbersShown,
    ReviewsShown,
    RulesShown,
    label_shown,
    numbers_shown,
)
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.reviews.desk import Held, ReviewDesk, etag_of
from services.control.reviews.shown import ReviewShown, name_of, shown
from services.control.undone import Undone
from services.reviews.item import Item, Label
from services.reviews.numbers import WINDOW_MS
from services.reviews.rules import ReviewRules

_State = Annotated[
    Literal["", "WAITING", "SETTLED"],
    QueryParameter(
        name="state",
        description="SETTLED: of the last 28 days; who judges sees only their own. Empty: those that wait.",
    ),
]
_Model = Annotated[str, QueryParameter(name="model", description="Only decisions due to this model. Empty: to any.")]
_Version = Annotated[
    str, QueryParameter(name="modelVersion", description="Only decisions due to it. Empty: due to any.")
]


class ReviewsApi:
    """Lets some judge decisions, and shows what that tells to who may see what happens."""

    def __init__(self, desk: ReviewDesk, policy: ActivePolicy) -> None:
        self._desk = desk
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [
            *self._looking(),
            *self._leasing(),
            *self._judging(),
            *self._ruling(),
            *self._telling(),
        ]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @get("/v1/reviews", right=Right.SEE, summary="List reviews")
        async def listed(
            request: Asking, *, tenant: Tenant = "", wanted: _State = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[ReviewsShown]:
            """Decisions that people are to judge, the one that is due first first; or those that were."""
            who = principal_of(request)
            tenants = tenants_for(who, Right.SEE, self._policy.tenants, asked=tenant)
            since_ms = desk.now_ms - WINDOW_MS
            if wanted == "SETTLED":
                found = [each for each in await desk.settled(tenants, since_ms=since_ms) if _may_know(who, each)]
            else:
                found = list(await desk.open(tenants))
            here, further = page(found, place=lambda each: (each.due_ms, name_of(each)), size=size, token=token)
            told = await desk.held(here)
            return Response(ReviewsShown(reviews=tuple(seen_by(each, who) for each in told), next_page_token=further))

        @get("/v1/reviews/{tenant:str}/{review:str}", right=Right.SEE, summary="Get a review")
        async def one(request: Asking, tenant: FromPath[str], review: FromPath[str]) -> Response[ReviewShown]:
            """One of them; what others have said of it only when it is settled, and to who has judged it."""
            who = principal_of(request)
            permitted(who, Right.SEE, self._policy, tenant, review)
            return Response(seen_by(await desk.get(tenant, review), who))

        return [listed, one]

    def _leasing(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @post(
            "/v1/reviews:next",
            right=Right.REVIEWS,
            status_code=200,
            summary="Take the next review",
            operation_class=takes(NextReview),
        )
        async def following(request: Asking) -> Response[NextShown]:
            """The next decision to judge, for a quarter of an hour; that again while one has it, in whatever tenant."""
            asked, who = await body_of(request, NextReview), principal_of(request)
            tenants = tenants_for(who, Right.REVIEWS, self._policy.tenants, asked=asked.tenant)
            own = tenants_for(who, Right.REVIEWS, self._policy.tenants)
            found = await desk.next(tenants, who.name, own=own)
            return Response(NextShown(review=None if found is None else seen_by(found, who)))

        @post("/v1/reviews/{tenant:str}/{review:str}/:renew", right=Right.REVIEWS, status_code=200, summary="Renew")
        async def renew(request: Asking, tenant: FromPath[str], review: FromPath[str]) -> Response[ReviewShown]:
            """Keep the one that one has for another quarter of an hour."""
            who = principal_of(request)
            permitted(who, Right.REVIEWS, self._policy, tenant, review)
            return Response(seen_by(await desk.renew(tenant, review, who.name), who))

        @post("/v1/reviews/{tenant:str}/{review:str}/:release", right=Right.REVIEWS, status_code=200, summary="Release")
        async def release(request: Asking, tenant: FromPath[str], review: FromPath[str]) -> Response[ReviewShown]:
            """Give it back, so that others may judge it."""
            who = principal_of(request)
            permitted(who, Right.REVIEWS, self._policy, tenant, review)
            return Response(seen_by(await desk.release(tenant, review, who.name), who))

        return [following, renew, release]

    def _judging(self) -> list[HTTPRouteHandler]:
        @post(
            "/v1/reviews/{tenant:str}/{review:str}/:answer",
            right=Right.REVIEWS,
            status_code=200,
            summary="Judge a decision",
            operation_class=takes(AnswerReview),
        )
        async def answer(request: Asking, tenant: FromPath[str], review: FromPath[str]) -> Response[ReviewShown]:
            """Say what one thinks of the decision that one has; it cannot be taken back."""
            who = principal_of(request)
            permitted(who, Right.REVIEWS, self._policy, tenant, review)
            given = await body_of(request, AnswerReview)
            after = await self._desk.answer(
                tenant, review, Label(given.label), corrected=given.corrected, text=given.text, who=who
            )
            return Response(seen_by((after, None), who))

        return [answer]

    def _ruling(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @get("/v1/review-rules/{tenant:str}", right=Right.SEE, summary="Get the rules of reviews")
        async def rules(request: Asking, tenant: FromPath[str]) -> Response[RulesShown]:
            """How many of a tenant's decisions are reviewed, by how many people and by when, and what is too bad."""
            ruled(principal_of(request), Right.SEE, self._policy.tenants, tenant)
            return _ruled(tenant, await desk.rules(tenant))

        @put(
            "/v1/review-rules/{tenant:str}",
            right=Right.REVIEW_RULES,
            summary="Set the rules of reviews",
            operation_class=takes(ReviewRules),
        )
        async def set_rules(request: Asking, tenant: FromPath[str], match: IfMatch = "") -> Response[RulesShown]:
            """Set all of them; what is not given is as by default. They hold for hours that are drawn from now on."""
            who = principal_of(request)
            ruled(who, Right.REVIEW_RULES, self._policy.tenants, tenant)
            given = await body_of(request, ReviewRules)
            return _ruled(tenant, await desk.set_rules(tenant, given, who=who, match=match_of(match)))

        return [rules, set_rules]

    def _telling(self) -> list[HTTPRouteHandler]:
        desk = self._desk

        @get("/v1/review-numbers/{tenant:str}", right=Right.SEE, summary="Get what reviews tell")
        async def told(request: Asking, tenant: FromPath[str]) -> Response[NumbersShown]:
            """Agreement, attention, time, and how many of all decisions are wrong, of the last 28 days."""
            who = principal_of(request)
            ruled(who, Right.SEE, self._policy.tenants, tenant)
            everybody = who.may(Right.REVIEW_RULES, tenant)
            return Response(numbers_shown(await desk.numbers(tenant), to=who.name, everybody=everybody))

        @get("/v1/review-labels", right=Right.REVIEW_RULES, summary="List labels")
        async def labels(
            request: Asking,
            *,
            tenant: Tenant = "",
            model: _Model = "",
            version: _Version = "",
            size: PageSize = 0,
            token: PageToken = "",
        ) -> Response[LabelsShown]:
            """What decisions were found to be, the last ones first: for probes, and to evaluate versions."""
            who = principal_of(request)
            tenants = tenants_for(who, Right.REVIEW_RULES, self._policy.tenants, asked=tenant)
            found = [
                each
                for each in await desk.settled(tenants, since_ms=0)
                if each.known is None and model in ("", each.model) and version in ("", each.model_version)
            ]
            here, further = page(found, place=_settled, size=size, token=token, descending=True)
            return Response(LabelsShown(labels=tuple(label_shown(each) for each in here), next_page_token=further))

        return [told, labels]


def permitted(who: Principal, right: Right, policy: ActivePolicy, tenant: str, review: str) -> None:
    """See that they have that right in the tenant of a review.

    Raises:
        Undone: NOT_FOUND where they may not even see it.
        Forbidden: they see it, and lack the right.
    """
    if tenant not in tenants_for(who, Right.SEE, policy.tenants):
        raise Undone(Reason.NOT_FOUND, "review-none", name=f"reviews/{tenant}/{review}")
    if not who.may(right, tenant):
        raise Forbidden(right, tenant)


def seen_by(held: Held, who: Principal) -> ReviewShown:
    """It as they may see it."""
    item, lease = held
    sets = who.may(Right.REVIEW_RULES, item.tenant) and not who.may(Right.REVIEWS, item.tenant)
    return shown(item, lease, to=who.name, sets=sets)


def _may_know(who: Principal, item: Item) -> bool:
    """Whether they may know that it is settled: whoever judges could tell by it that its answer is known next time."""
    spoke = {*(each.by for each in item.answers), *(each.by for each in item.flags)}
    return who.name in spoke or not who.may(Right.REVIEWS, item.tenant)


def _settled(item: Item) -> tuple[int, str]:
    return item.settled_ms, name_of(item)


def _ruled(tenant: str, rules: ReviewRules) -> Response[RulesShown]:
    etag = etag_of(rules)
    return tagged(RulesShown(name=f"review-rules/{tenant}", rules=rules, etag=etag), etag=etag)
