"""Drafts of policies over HTTP: edited, checked, completed, compared, tried on recorded calls, and proposed."""

from typing import Final

from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.core.changes import Place
from services.control.access.persons import language_in
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.draft_messages import (
    BacktestDraft,
    CheckDraft,
    CompareDraft,
    CompleteDraft,
    CreateDraft,
    Drafts,
    DraftShown,
    EditDraft,
    JobShown,
    PlanDraft,
    SubmitDraft,
    TryDraft,
    UpdateDraft,
    draft_shown,
)
from services.control.api.jobs import started
from services.control.api.managed import HandOf, since
from services.control.api.parameters import IfMatch, IfNoneMatch, PageSize, PageToken, body_of, match_needed, tagged
from services.control.api.revision_messages import Proposed, proposed
from services.control.drafts.checking import Checked
from services.control.drafts.comparing import Compared
from services.control.drafts.completing import Completed
from services.control.drafts.drafting import Drafting
from services.control.drafts.store import Draft
from services.control.paging import page

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""A text of 4 MiB, however JSON writes it."""


class PolicyDrafts:
    """Answers whoever may write policies."""

    def __init__(self, drafting: Drafting, *, hand: HandOf) -> None:
        """`hand` is who asks and their managed key; it raises where there is none, or they must confirm."""
        self._drafting = drafting
        self._hand = hand

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._writing(), *self._asking(), *self._working(), *self._proposing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        drafting = self._drafting

        @get("/v1/policy-drafts", right=Right.POLICY_WRITE, summary="List drafts")
        async def listed(size: PageSize = 0, token: PageToken = "") -> Response[Drafts]:
            """All drafts, those that were changed last first."""
            found = await drafting.store.all()
            shown, further = page(found, place=_place, size=size, token=token, descending=True)
            return Response(Drafts(policy_drafts=tuple(map(draft_shown, shown)), next_page_token=further))

        @get("/v1/policy-drafts/{draft:str}", right=Right.POLICY_WRITE, summary="Get a draft")
        async def one(draft: FromPath[str], known: IfNoneMatch = "") -> Response[DraftShown]:
            """One draft with its text; its ETag is what changes name in `if-match`."""
            return _answered(*await drafting.store.read(draft), known=known)

        return [listed, one]

    def _writing(self) -> list[HTTPRouteHandler]:
        drafting, seen = self._drafting, self._seen

        @post(
            "/v1/policy-drafts",
            right=Right.POLICY_WRITE,
            status_code=201,
            summary="Begin a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(CreateDraft),
        )
        async def create(request: Asked) -> Response[DraftShown]:
            """Begin a draft with the active policy, another revision, another draft, or a text of one's own."""
            given = await body_of(request, CreateDraft)
            made = await drafting.create(
                title=given.title,
                who=principal_of(request),
                text=given.text,
                revision=given.from_revision,
                draft=given.from_draft.removeprefix("policy-drafts/"),
            )
            return _answered(*made, status=201)

        @put(
            "/v1/policy-drafts/{draft:str}",
            right=Right.POLICY_WRITE,
            summary="Save a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(UpdateDraft),
        )
        async def save(draft: FromPath[str], request: Asked, match: IfMatch = "") -> Response[DraftShown]:
            """Write over the version of `if-match`. Where another one is there, the answer has the difference."""
            version, given = await seen(draft, match), await body_of(request, UpdateDraft)
            who = principal_of(request)
            saved = await drafting.save(draft, version=version, who=who, text=given.text, title=given.title)
            return _answered(saved)

        @patch(
            "/v1/policy-drafts/{draft:str}",
            right=Right.POLICY_WRITE,
            summary="Edit a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(EditDraft),
        )
        async def edit(draft: FromPath[str], request: Asked, match: IfMatch = "") -> Response[DraftShown]:
            """Change parts of the version of `if-match`; all other lines of the text stay as they are."""
            version, given = await seen(draft, match), await body_of(request, EditDraft)
            who = principal_of(request)
            return _answered(*await drafting.edit(draft, given.edits, version=version, who=who))

        @delete("/v1/policy-drafts/{draft:str}", right=Right.POLICY_WRITE, summary="Delete a draft")
        async def remove(draft: FromPath[str], request: Asked, match: IfMatch = "") -> None:
            """Delete the version of `if-match`."""
            await drafting.delete(draft, version=await seen(draft, match), who=principal_of(request))

        return [create, save, edit, remove]

    def _asking(self) -> list[HTTPRouteHandler]:
        questions = self._drafting.questions

        @post(
            "/v1/policy-drafts/{draft:str}/:check",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Check a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(CheckDraft),
        )
        async def check(draft: FromPath[str], request: Asked) -> Response[Checked]:
            """All mistakes, each with its line and column, and what the policy says in vain."""
            given = await body_of(request, CheckDraft)
            language = language_in(request)
            return Response(await questions.check(draft, language=language, text=given.text, findings=given.findings))

        @post(
            "/v1/policy-drafts/{draft:str}/:complete",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Complete what is typed",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(CompleteDraft),
        )
        async def complete(draft: FromPath[str], request: Asked) -> Response[Completed]:
            """What may stand at a line and column: keys, values, names, and words of expressions."""
            given = await body_of(request, CompleteDraft)
            return Response(await questions.complete(draft, line=given.line, column=given.column, text=given.text))

        @post(
            "/v1/policy-drafts/{draft:str}/:compare",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Compare a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(CompareDraft),
        )
        async def compare(draft: FromPath[str], request: Asked) -> Response[Compared]:
            """What it changes of the active policy, in words and as text, with the people who would be put there."""
            given = await body_of(request, CompareDraft)
            return Response(await questions.compare(draft, text=given.text))

        return [check, complete, compare]

    def _working(self) -> list[HTTPRouteHandler]:
        questions = self._drafting.questions

        @post(
            "/v1/policy-drafts/{draft:str}/:plan",
            right=Right.POLICY_WRITE,
            status_code=202,
            summary="Plan a draft",
            operation_class=takes(PlanDraft),
        )
        async def plan(draft: FromPath[str], request: Asked) -> Response[JobShown]:
            """Find out, as a job, how far its changes reach and how many calls of late they touch."""
            given, owner = await body_of(request, PlanDraft), principal_of(request).name
            span = since(given.since)
            return started(await questions.start("plan", draft, owner=owner, span_ms=span, tenant=given.tenant))

        @post(
            "/v1/policy-drafts/{draft:str}/:backtest",
            right=Right.POLICY_WRITE,
            status_code=202,
            summary="Backtest a draft",
            operation_class=takes(BacktestDraft),
        )
        async def backtest(draft: FromPath[str], request: Asked) -> Response[JobShown]:
            """Find out, as a job, what recorded calls would have come to under it."""
            given, owner = await body_of(request, BacktestDraft), principal_of(request).name
            job = await questions.start(
                "backtest", draft, owner=owner, span_ms=since(given.since), tenant=given.tenant, most=given.most
            )
            return started(job)

        @post(
            "/v1/policy-drafts/{draft:str}/:try",
            right=Right.POLICY_WRITE,
            status_code=202,
            summary="Try a part of a draft",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(TryDraft),
        )
        async def attempt(draft: FromPath[str], request: Asked) -> Response[JobShown]:
            """Find out, as a job, which of the last calls one rule, limit or cap covers, and what it would change."""
            given, owner = await body_of(request, TryDraft), principal_of(request).name
            job = await questions.start(
                "try",
                draft,
                owner=owner,
                text=given.text,
                place=Place(given.section, given.part),
                span_ms=since(given.since),
                tenant=given.tenant,
                most=given.most,
            )
            return started(job)

        return [plan, backtest, attempt]

    def _proposing(self) -> list[HTTPRouteHandler]:
        drafting, seen = self._drafting, self._seen

        @post(
            "/v1/policy-drafts/{draft:str}/:submit",
            right=Right.POLICY_WRITE,
            status_code=201,
            summary="Propose a draft",
            operation_class=takes(SubmitDraft),
        )
        async def submit(draft: FromPath[str], request: Asked, match: IfMatch = "") -> Response[Proposed]:
            """Sign the version of `if-match` and propose it; somebody else must agree before it is active."""
            version, given = await seen(draft, match), await body_of(request, SubmitDraft)
            who, hand = principal_of(request), self._hand(request)
            proposal = await drafting.submit(draft, version=version, who=who, hand=hand, reason=given.reason)
            return Response(await proposed(drafting.submitting.revising, proposal), status_code=201)

        @post("/v1/policy-drafts/{draft:str}/:rebase", right=Right.POLICY_WRITE, status_code=200, summary="Rebase")
        async def rebase(draft: FromPath[str], request: Asked, match: IfMatch = "") -> Response[DraftShown]:
            """Let the version of `if-match` follow what has become active since it was made."""
            who = principal_of(request)
            return _answered(*await drafting.rebase(draft, version=await seen(draft, match), who=who))

        return [submit, rebase]

    async def _seen(self, draft: str, if_match: str) -> int:
        """The version that a change is made from, which must be said."""
        match = match_needed(if_match)
        return match.version((await self._drafting.store.read(draft))[0].version)


def _place(draft: Draft) -> tuple[int, str]:
    return draft.updated_ms, draft.id


def _answered(draft: Draft, text: str | None = None, *, status: int = 200, known: str = "") -> Response[DraftShown]:
    return tagged(draft_shown(draft, text), etag=draft.etag, status=status, known=known)
