"""Findings over HTTP: what moderators are shown as wrong, and what people do about it."""

from typing import Annotated, Final, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from gateway.core.errors import Reason
from services.control.access.persons import language_in
from services.control.access.principals import Forbidden, Principal, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.describing import takes
from services.control.api.finding_messages import ChangeFinding, CommentFinding, Drafted, FindingsShown, LinkFinding
from services.control.api.flagging import Flagging
from services.control.api.parameters import (
    Asking,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Tenant,
    body_of,
    match_of,
    tagged,
)
from services.control.findings.desk import FindingDesk
from services.control.findings.shown import FindingShown, etag_of, name_of, shown
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.undone import Undone
from services.findings.changing import MOST_CHARACTERS
from services.findings.finding import CLOSED, Finding, Link, impersonal
from services.findings.wording import title

_SCORES: Final = 1_000_000_000
_State = Annotated[
    Literal["", "OPEN", "ACCEPTED", "RESOLVED", "DISMISSED", "ALL"],
    QueryParameter(name="state", description="Only those in that state. Empty: all that are not closed."),
]
_Kind = Annotated[str, QueryParameter(name="kind", description="Only of this kind, such as `drift`. Empty: of all.")]
_Owner = Annotated[str, QueryParameter(name="owner", description="Only those that they look after. Empty: anybody.")]


class FindingsApi:
    """Shows them to who may see what happens, and lets some look after them."""

    def __init__(self, desk: FindingDesk, flagging: Flagging, policy: ActivePolicy) -> None:
        self._desk = desk
        self._flagging = flagging
        self._policy = policy

    async def review(self, request: Asking, tenant: str, finding: str) -> Finding:
        """Have its decisions judged, for whoever asks and may look after it.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID, CONFLICT where there is none to judge, see `Flagging.flag_all`.
        """
        who = principal_of(request)
        permitted(who, Right.FINDINGS, self._policy, f"findings/{tenant}/{finding}")
        found = await self._desk.get(tenant, finding, to=who)
        named = title(impersonal(found.seen), language=language_in(request))
        reviews = await self._flagging.flag_all(request, found, named[:MOST_CHARACTERS])
        return await self._desk.reviewed(tenant, finding, reviews, who=who)

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._caring(), *self._making()]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @get("/v1/findings", right=Right.SEE, summary="List findings")
        async def listed(
            request: Asking,
            *,
            tenant: Tenant = "",
            wanted: _State = "",
            kind: _Kind = "",
            owner: _Owner = "",
            size: PageSize = 0,
            token: PageToken = "",
        ) -> Response[FindingsShown]:
            """What is wrong or unusual, the gravest first: gravity x reach x certainty."""
            who = principal_of(request)
            tenants = tenants_for(who, Right.SEE, policy.tenants, asked=tenant)
            found = (
                each
                for each in await desk.list(tenants, to=who)
                if _in(each, wanted) and kind in ("", each.seen.kind) and owner in ("", each.owner)
            )
            here, further = page(found, place=_place, size=size, token=token, descending=True)
            language = language_in(request)
            return Response(
                FindingsShown(findings=tuple(shown(each, language=language) for each in here), next_page_token=further)
            )

        @get("/v1/findings/{tenant:str}/{finding:str}", right=Right.SEE, summary="Get a finding")
        async def one(
            request: Asking, tenant: FromPath[str], finding: FromPath[str], known: IfNoneMatch = ""
        ) -> Response[FindingShown]:
            """One finding; its ETag is what changes name in `if-match`."""
            who = principal_of(request)
            permitted(who, Right.SEE, policy, f"findings/{tenant}/{finding}")
            return _answered(request, await desk.get(tenant, finding, to=who), known=known)

        return [listed, one]

    def _caring(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:change",
            right=Right.FINDINGS,
            status_code=200,
            summary="Change a finding",
            operation_class=takes(ChangeFinding),
        )
        async def change(
            request: Asking, tenant: FromPath[str], finding: FromPath[str], match: IfMatch = ""
        ) -> Response[FindingShown]:
            """Take it on, give it to somebody, say by when it is due, or close it; with `if-match` what was seen."""
            who = principal_of(request)
            permitted(who, Right.FINDINGS, policy, f"findings/{tenant}/{finding}")
            wanted = (await body_of(request, ChangeFinding)).wanted()
            after = await desk.change(tenant, finding, wanted, who=who, match=match_of(match))
            return _answered(request, after)

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:comment",
            right=Right.FINDINGS,
            status_code=200,
            summary="Comment on a finding",
            operation_class=takes(CommentFinding),
        )
        async def comment(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[FindingShown]:
            """Say something about it."""
            who = principal_of(request)
            permitted(who, Right.FINDINGS, policy, f"findings/{tenant}/{finding}")
            given = await body_of(request, CommentFinding)
            return _answered(request, await desk.comment(tenant, finding, given.text, who=who))

        return [change, comment]

    def _making(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:link",
            right=Right.FINDINGS,
            status_code=200,
            summary="Link a finding",
            operation_class=takes(LinkFinding),
        )
        async def link(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[FindingShown]:
            """Say what was made of it: a draft of the policy, a probe, a stop, or an event to another system."""
            who = principal_of(request)
            permitted(who, Right.FINDINGS, policy, f"findings/{tenant}/{finding}")
            given = await body_of(request, LinkFinding)
            return _answered(request, await desk.link(tenant, finding, Link(given.kind, given.name), who=who))

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:draft",
            right=Right.POLICY_WRITE,
            status_code=201,
            summary="Draft a rule of a finding",
        )
        async def draft(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[Drafted]:
            """Begin a draft of the active policy with a rule that denies such calls, in monitor mode, and link it."""
            who, language = principal_of(request), language_in(request)
            permitted(who, Right.FINDINGS, policy, f"findings/{tenant}/{finding}")
            after, made = await desk.draft(tenant, finding, who=who, language=language)
            told = Drafted(finding=shown(after, language=language), draft=f"policy-drafts/{made}")
            return Response(told, status_code=201)

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:send",
            right=Right.FINDINGS,
            status_code=200,
            summary="Send a finding",
        )
        async def send(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[FindingShown]:
            """Tell other systems of it by an event, `dev.pilote.finding.sent`, and link that."""
            who = principal_of(request)
            permitted(who, Right.FINDINGS, policy, f"findings/{tenant}/{finding}")
            return _answered(request, await desk.send(tenant, finding, who=who))

        @post(
            "/v1/findings/{tenant:str}/{finding:str}/:review",
            right=Right.FINDINGS,
            status_code=200,
            summary="Review a finding's decisions",
        )
        async def review(request: Asking, tenant: FromPath[str], finding: FromPath[str]) -> Response[FindingShown]:
            """Ask that others judge the decisions that it names, and link the reviews; whoever asks judges none."""
            return _answered(request, await self.review(request, tenant, finding))

        return [link, draft, send, review]


def permitted(who: Principal, right: Right, policy: ActivePolicy, name: str) -> None:
    """See that they have that right in the tenant of a finding of that name.

    Raises:
        Undone: NOT_FOUND where they may not even see it.
        Forbidden: they see it, and lack the right.
    """
    tenant = name.split("/")[1]
    if tenant not in tenants_for(who, Right.SEE, policy.tenants):
        raise Undone(Reason.NOT_FOUND, "finding-none", name=name)
    if not who.may(right, tenant):
        raise Forbidden(right, tenant)


def _in(finding: Finding, state: str) -> bool:
    return finding.state.value == state if state not in ("", "ALL") else state == "ALL" or finding.state not in CLOSED


def _place(finding: Finding) -> tuple[int, str]:
    return round(finding.score * _SCORES), name_of(finding)


def _answered(request: Asking, finding: Finding, *, known: str = "") -> Response[FindingShown]:
    return tagged(shown(finding, language=language_in(request)), etag=etag_of(finding), known=known)
