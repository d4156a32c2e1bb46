"""Approvals over HTTP: what somebody asks for concerning one customer, and another person's word on it."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import Asking, PageSize, PageToken, Reasoned
from services.control.approvals.asked import Approval, Kind
from services.control.approvals.deciding import Approvals
from services.control.paging import page
from services.control.times import at, known

_State = Annotated[
    Literal["", "waiting", "running", "agreed", "done", "refused", "withdrawn", "expired", "failed", "interrupted"],
    QueryParameter(name="state", description="Only those in that state. Empty: all."),
]
_Kind = Annotated[
    Literal["", "erasure", "personal-export"],
    QueryParameter(name="kind", description="Only those of that kind. Empty: all."),
]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to ask for."""

    kind: Kind
    subject: str
    """The customer, by resource name, such as `contacts/cnt_000001`."""
    reason: str
    """Why, 1 to 500 characters; it stays in the log, so it should name nobody."""
    tenant: str = ""
    """Whose customer. Empty: of every tenant, for an erasure only."""


class ApprovalShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that is asked for."""

    name: str
    """`approvals/{approval}`."""
    kind: str
    state: str
    """"waiting" for another person; "running"; "done"; "refused", "withdrawn" or "expired"; "failed" or "interrupted",
    which either of the two can retry. "agreed": whoever asked may fetch the report."""
    reason: str
    asked_by: str
    create_time: dt.datetime
    expire_time: dt.datetime
    """Until when somebody may agree, or the report can be fetched."""
    subject_ref: str
    """Pseudonym of the customer."""
    subject: str = ""
    """Their resource name, of one approval that is looked at, for as long as it is needed."""
    tenant: str = ""
    decided_by: str = ""
    decide_time: dt.datetime | None = None
    comment: str = ""
    failure: str = ""
    """Of what failed: the reason, as gRPC says it."""
    keys: int = 0
    """Of an erasure: how many data keys were destroyed, and how many inputs of decisions."""
    inputs: int = 0


class ApprovalsShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Approvals."""

    approvals: tuple[ApprovalShown, ...]
    next_page_token: str = ""


class ApprovalsApi:
    """Each operation asks for the right of the kind in question, in its tenant: to ask, to agree, and to see."""

    def __init__(self, approvals: Approvals, *, sure: Callable[[Asking], None]) -> None:
        """`sure` raises where whoever agrees must first show once more who they are."""
        self._approvals = approvals
        self._sure = sure

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._asking(), *self._deciding()]

    def _asking(self) -> list[HTTPRouteHandler]:
        approvals = self._approvals

        @get("/v1/approvals", right=Right.OWN, summary="List approvals")
        async def listed(
            request: Asking, *, kind: _Kind = "", now: _State = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[ApprovalsShown]:
            """What was asked for in the last 90 days, the newest first; needs `subjects.erase` or `persons.report`."""
            found = [
                each
                for each in await approvals.list(principal_of(request))
                if kind in ("", each.kind) and now in ("", each.state)
            ]
            some, further = page(found, place=_place, size=size, token=token, descending=True)
            return Response(ApprovalsShown(approvals=tuple(shown(each) for each in some), next_page_token=further))

        @get("/v1/approvals/{approval:str}", right=Right.OWN, summary="Get an approval")
        async def one(request: Asking, approval: FromPath[str]) -> Response[ApprovalShown]:
            """One, with the customer's name while that is needed."""
            found = await approvals.get(principal_of(request), approval)
            return Response(shown(found, subject=approvals.subject_of(found)))

        @post("/v1/approvals", right=Right.OWN, status_code=201, summary="Ask", operation_class=takes(Wanted))
        async def ask(request: Asking) -> Response[ApprovalShown]:
            """Ask for an erasure or a report; asked again it is the same one for as long as it waits."""
            asked = msgspec.json.decode(await request.body(), type=Wanted)
            made = await approvals.ask(
                principal_of(request), asked.kind, tenant=asked.tenant, subject=asked.subject, reason=asked.reason
            )
            return Response(shown(made), status_code=201)

        return [listed, one, ask]

    def _deciding(self) -> list[HTTPRouteHandler]:
        approvals = self._approvals

        @post(
            "/v1/approvals/{approval:str}/:agree",
            right=Right.OWN,
            status_code=200,
            summary="Agree",
            operation_class=takes(Reasoned),
        )
        async def agree(request: Asking, approval: FromPath[str]) -> Response[ApprovalShown]:
            """Agree to what somebody else asks for: an erasure is carried out, a report they may fetch.

            An erasure that takes longer than some seconds is "running" then: look again at the approval.
            """
            self._sure(request)
            comment = await _reason(request)
            return Response(shown(await approvals.agree(principal_of(request), approval, comment=comment)))

        @post(
            "/v1/approvals/{approval:str}/:refuse",
            right=Right.OWN,
            status_code=200,
            summary="Refuse",
            operation_class=takes(Reasoned),
        )
        async def refuse(request: Asking, approval: FromPath[str]) -> Response[ApprovalShown]:
            """End what somebody else asks for."""
            comment = await _reason(request)
            return Response(shown(await approvals.refuse(principal_of(request), approval, comment=comment)))

        @post(
            "/v1/approvals/{approval:str}/:withdraw",
            right=Right.OWN,
            status_code=200,
            summary="Withdraw",
            operation_class=takes(Reasoned),
        )
        async def withdraw(request: Asking, approval: FromPath[str]) -> Response[ApprovalShown]:
            """Take back what you have asked for."""
            comment = await _reason(request)
            return Response(shown(await approvals.withdraw(principal_of(request), approval, comment=comment)))

        @post("/v1/approvals/{approval:str}/:retry", right=Right.OWN, status_code=200, summary="Retry")
        async def retry(request: Asking, approval: FromPath[str]) -> Response[ApprovalShown]:
            """Carry out once more what was agreed to and has failed, or was interrupted."""
            return Response(shown(await approvals.retry(principal_of(request), approval)))

        return [agree, refuse, withdraw, retry]


def shown(approval: Approval, *, subject: str = "") -> ApprovalShown:
    """An approval as people see it."""
    return ApprovalShown(
        name=approval.name,
        kind=approval.kind,
        state=approval.state,
        reason=approval.reason,
        asked_by=approval.asked_by,
        create_time=at(approval.asked_ms),
        expire_time=at(approval.expires_ms),
        subject_ref=approval.subject_ref,
        subject=subject,
        tenant=approval.tenant,
        decided_by=approval.decided_by,
        decide_time=known(approval.decided_ms),
        comment=approval.comment,
        failure=approval.failure,
        keys=approval.keys,
        inputs=approval.inputs,
    )


async def _reason(request: Asking) -> str:
    return msgspec.json.decode(await request.body(), type=Reasoned).reason


def _place(approval: Any) -> tuple[int, str]:
    return approval.asked_ms, approval.id
