"""Why somebody was contacted: a report about a decision's customer, to which another person must agree first."""

from collections.abc import Sequence
from typing import Any, Final, cast

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from pilote.audit.v1 import audit_service_pb2, persons_pb2
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.report_files import Form as FileForm
from services.control.api.streaming import answer_stream
from services.control.console.forms import Form, form_as
from services.control.console.page import Parts
from services.control.console.rendering import go_to, texts_of

_ONE: Final = "/decisions/{decision:str}/report/{approval:str}"


class _Wanted(Form, frozen=True, kw_only=True):
    subject: str = ""
    reason: str = ""


class _Decided(Form, frozen=True, kw_only=True):
    decided: str = ""
    comment: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All about the report."""
    audit, stub, approvals = parts.audit, parts.audit.stub, parts.approvals

    @post("/decisions/{decision:str}/report", right=Right.REPORT, status_code=200, include_in_schema=False)
    async def ask(request: Asked, decision: FromPath[str]) -> Response[None]:
        """Ask for it. Whose report it is, is typed: the record knows a pseudonym only."""
        form, name = await form_as(request, _Wanted), f"decisions/{decision}"
        found = await audit.answer(request, stub.GetDecision, audit_service_pb2.GetDecisionRequest(name=name))
        its = {"tenant": found.decision.tenant, "subject": form.subject, "reason": form.reason}
        await approvals.ask(principal_of(request), "personal-export", **its)
        return go_to(request, f"/decisions/{decision}", say=texts_of(request)("decision-person-asked"))

    @post(_ONE, right=Right.REPORT, status_code=200, include_in_schema=False)
    async def decide(request: Asked, decision: FromPath[str], approval: FromPath[str]) -> Response[None]:
        """Agree or refuse, as another person than who asked."""
        form = await form_as(request, _Decided)
        agrees = form.decided == "agree"
        if agrees:
            parts.access.knowing.sure(request)
        act = approvals.agree if agrees else approvals.refuse
        await act(principal_of(request), approval, comment=form.comment)
        said = texts_of(request)("decision-person-agreed" if agrees else "decision-person-refused")
        return go_to(request, f"/decisions/{decision}", say=said)

    @get([_ONE, "/integrity/approvals/{approval:str}/report"], right=Right.REPORT, include_in_schema=False)
    async def fetch(request: Asked, approval: FromPath[str]) -> Response[Any]:
        """The report, as JSON or as a file in words that can be sent to the customer."""
        who = principal_of(request)
        found = await approvals.get(who, approval)
        # Once somebody has agreed the customer's name is kept nowhere, so it is typed again.
        its = {"tenant": found.tenant, "subject": request.query_params.get("subject", "").strip()}
        agreed = await approvals.fetching(who, **its)
        if agreed is None:
            raise NotFoundException
        asked = persons_pb2.ReportPersonRequest(
            **its, person=who.name, reason=agreed.reason, language_code=language_in(request)
        )
        form = request.query_params.get("format", "")
        if form in ("html", "pdf"):
            return await parts.person_files.answer(request, asked, form=cast("FileForm", form))
        answer = await answer_stream(request, stub.ReportPerson, asked, listed="entries")
        answer.headers["content-disposition"] = 'attachment; filename="report.json"'
        return answer

    return [ask, decide, fetch]
