"""What concerns one person, over HTTP: their report, their erasure, what is kept of calls, and who asked."""

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse
from litestar.params import QueryParameter

from gateway.core.record import subject_ref
from pilote.audit.v1 import personal_pb2, persons_pb2, planning_pb2
from services.control.access.persons import language_in
from services.control.access.principals import needs, principal_of
from services.control.access.rights import EVERYWHERE, Right
from services.control.api.approvals import ApprovalShown, shown
from services.control.api.describing import schema_of
from services.control.api.parameters import Answer, Asking, EndTime, PageSize, PageToken, StartTime, Tenants
from services.control.api.proto_schemas import answers, described, message_answer
from services.control.api.report_files import described_file
from services.control.api.streaming import answer_stream
from services.control.approvals.asked import Approval
from services.control.approvals.deciding import Approvals
from services.control.audit_client import SECONDS, AuditClient, as_json, asking_as, filled, parsed
from services.control.changes import LATER, Changes
from services.control.policy import ActivePolicy
from services.control.reports.persons import PersonFiles

_Tenant = Annotated[str, QueryParameter(name="tenant", description="Whose calls; empty: all.")]
_Form = Annotated[
    Literal["json", "html", "pdf"],
    QueryParameter(name="format", description="As JSON, or as a file in words that can be sent to the customer."),
]
_Decision = Annotated[str, QueryParameter(name="decision", description="One decision, `decisions/{decision}`.")]
_Kind = Annotated[str, QueryParameter(name="kind", description="Only `erasure`, `access` or `change`.")]
_Person = Annotated[str, QueryParameter(name="person", description="Only what they have asked for or done.")]
_Resource = Annotated[
    str, QueryParameter(name="resource", description="Only what is about names that begin so, such as `views/`.")
]
_Most = Annotated[int, QueryParameter(name="maxResults", description="The newest so many. 0: all.")]

_ASKED: Final = OpenAPIResponse(
    description="What another person must agree to first.",
    content={"application/json": OpenAPIMediaType(schema=schema_of(ApprovalShown))},
)
_REPORT: Final = OpenAPIResponse(
    description="The report.",
    content={
        **(message_answer(persons_pb2.ReportPersonResponse).content or {}),
        **(described_file("html", "pdf").content or {}),
    },
)


class Personal:
    """Answers who may; the log says who asked for what, and why."""

    def __init__(
        self,
        client: AuditClient,
        changes: Changes,
        approvals: Approvals,
        *,
        files: PersonFiles,
        pseudonym_key: bytes,
        policy: ActivePolicy,
    ) -> None:
        self._client = client
        self._files = files
        self._changes = changes
        self._approvals = approvals
        self._pseudonym_key = pseudonym_key
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._telling(), *self._deleting()]

    def _telling(self) -> list[HTTPRouteHandler]:
        client, stub, approvals = self._client, self._client.stub, self._approvals

        @post(
            "/v1/persons:report",
            right=Right.REPORT,
            status_code=200,
            summary="Report about a person",
            operation_class=described(
                {"200": _REPORT, "202": _ASKED},
                takes=persons_pb2.ReportPersonRequest,
            ),
        )
        async def report(request: Asking, form: _Form = "json") -> Answer:
            """Everything that agents did or tried concerning one customer, and why; who asks and why is recorded.

            Another person must agree to it first: until then the answer is 202 and what they must agree to. Ask again
            afterwards.
            """
            wanted = parsed(persons_pb2.ReportPersonRequest, await request.body())
            who, its = principal_of(request), {"tenant": wanted.tenant, "subject": wanted.subject}
            approval = await approvals.fetching(who, **its)
            if approval is None:
                asked = await approvals.ask(who, "personal-export", reason=wanted.reason, **its)
                return _accepted(asked)
            wanted.person, wanted.reason = who.name, approval.reason
            wanted.language_code = wanted.language_code or language_in(request)
            if form != "json":
                return await self._files.answer(request, wanted, form=form)
            return await answer_stream(request, stub.ReportPerson, wanted, listed="entries")

        @get("/v1/notes", right=Right.SEE, summary="Notes", operation_class=answers(personal_pb2.ListNotesResponse))
        async def notes(
            request: Asking,
            *,
            kind: _Kind = "",
            person: _Person = "",
            resource: _Resource = "",
            start: StartTime = "",
            end: EndTime = "",
            tenants: Tenants = None,
            size: PageSize = 0,
            token: PageToken = "",
        ) -> Answer:
            """The log's own entries, newest first: who was erased or reported on, who read values or changed what."""
            values = {
                "pageSize": size,
                "pageToken": token,
                "kind": kind,
                "person": person,
                "resource": resource,
                "startTime": start,
                "endTime": end,
                "tenants": tenants or [],
            }
            return await client.ask_with(request, stub.ListNotes, personal_pb2.ListNotesRequest, values)

        @get(
            "/v1/inputs", right=Right.VALUES, summary="Inputs", operation_class=answers(planning_pb2.ListInputsResponse)
        )
        async def inputs(
            request: Asking,
            *,
            tenant: _Tenant = "",
            decision: _Decision = "",
            start: StartTime = "",
            end: EndTime = "",
            most: _Most = 0,
        ) -> Answer:
            """What calls were decided by, sealed, for replays; needs the right `values.read`."""
            values = {"tenant": tenant, "decision": decision, "startTime": start, "endTime": end, "maxResults": most}
            kind = planning_pb2.ListInputsRequest
            return await answer_stream(request, stub.ListInputs, filled(kind, values), listed="inputs")

        return [report, notes, inputs]

    def _deleting(self) -> list[HTTPRouteHandler]:
        stub, approvals = self._client.stub, self._approvals
        forget_inputs: Any = stub.ForgetInputs

        @post(
            "/v1/subjects:erase",
            right=Right.ERASE,
            status_code=202,
            summary="Erase a customer",
            operation_class=described({"202": _ASKED}, takes=personal_pb2.EraseSubjectRequest),
        )
        async def erase(request: Asking) -> Answer:
            """Ask that the keys of what records say of a customer are destroyed; another person must agree to it."""
            wanted = parsed(personal_pb2.EraseSubjectRequest, await request.body())
            asked = await approvals.ask(
                principal_of(request),
                "erasure",
                tenant=wanted.tenant,
                subject=wanted.subject,
                reason=wanted.reason,
            )
            return _accepted(asked)

        @post(
            "/v1/inputs:forget",
            right=Right.ERASE,
            status_code=200,
            summary="Forget inputs",
            operation_class=answers(planning_pb2.ForgetInputsResponse, takes=planning_pb2.ForgetInputsRequest),
        )
        async def forget(request: Asking) -> Answer:
            """Delete what calls about a customer were decided by; needs the right `subjects.erase`."""
            wanted = parsed(planning_pb2.ForgetInputsRequest, await request.body())
            who = needs(request, Right.ERASE, wanted.tenant or EVERYWHERE)
            refs = self._refs(wanted.subject, wanted.tenant)
            async with self._changes.recording(
                who,
                operation="forget-inputs",
                resource=f"subjects/{refs[wanted.tenant]}" if wanted.tenant else "subjects",
                tenant=wanted.tenant,
                before={"subject_refs": refs},
                after=LATER,
            ) as changing:
                metadata = asking_as(request)
                answer: planning_pb2.ForgetInputsResponse = await forget_inputs(
                    wanted, timeout=SECONDS, metadata=metadata
                )
                changing.after = {"forgotten": answer.forgotten}
            return Response(as_json(answer))

        return [erase, forget]

    def _refs(self, subject: str, tenant: str) -> dict[str, str]:
        """Pseudonyms of a customer, by tenant: of one, or of all that the active policy names."""
        tenants = (tenant,) if tenant else self._policy.tenants
        return {each: subject_ref(self._pseudonym_key, tenant=each, subject=subject) for each in tenants}


def _accepted(approval: Approval) -> Answer:
    """What another person must agree to, and where it is."""
    told = shown(approval)
    return Response(told, status_code=HTTPStatus.ACCEPTED, headers={"location": f"/v1/{told.name}"})
