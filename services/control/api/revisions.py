"""Revisions, proposals and workers over HTTP: what the command line does, for people with keys of their own.

A change takes two steps, so that people sign on their own machine: `POST /v1/drafts` checks a policy and gives the
statement to sign, `POST /v1/proposals` brings the signature. Nothing is kept of a draft.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.activation.loading import load
from gateway.adapters.workers import Workers
from gateway.core.authority import SignedVote
from gateway.redis_clients import Client
from services.control.access.persons import language_in
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import PageSize, PageToken
from services.control.api.revision_messages import (
    Asked,
    Drafted,
    History,
    Listed,
    Proposals,
    Proposed,
    Running,
    Submitted,
    proposed,
)
from services.control.paging import Place, page
from services.control.proposing import Proposing
from services.revisions.revising import RevisionProblem
from services.revisions.tables import told

MAX_POLICY_BYTES: Final = 16 * 1024 * 1024
T = TypeVar("T")


class Revisions:
    """Answers people whom the active policy names."""

    def __init__(self, redis: Client, proposing: Proposing) -> None:
        self._redis = redis
        self._proposing = proposing
        self._revising = proposing.revising

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._changing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        @get("/v1/revisions", right=Right.SEE, summary="List revisions")
        async def history(size: PageSize = 0, token: PageToken = "") -> Response[History]:
            """All revisions, newest first, without their policies."""
            last = await self._revising.store.next() - 1
            numbers, further = page(range(1, last + 1), place=_numbered, size=size, token=token, descending=True)
            entries = await self._revising.store.entries(numbers)
            shown = tuple(Listed(number=number, entry=entry) for number, entry in entries.items())
            return Response(History(revisions=shown, next_page_token=further))

        @get("/v1/revisions/{number:int}", right=Right.SEE, summary="Get a revision")
        async def revision(number: FromPath[int]) -> Response[Listed]:
            """One revision with its policy."""
            return Response(await self._revision(number))

        @get("/v1/proposals", right=Right.SEE, summary="List proposals")
        async def proposals(size: PageSize = 0, token: PageToken = "") -> Response[Proposals]:
            """All proposals, newest first, without their policies."""
            kept = self._revising.proposals
            numbers, further = page(await kept.numbers(), place=_numbered, size=size, token=token, descending=True)
            shown = tuple([await proposed(self._revising, each) for each in await kept.some(numbers)])
            return Response(Proposals(proposals=shown, next_page_token=further))

        @get("/v1/proposals/{number:int}", right=Right.SEE, summary="Get a proposal")
        async def proposal(number: FromPath[int], request: Request[Any, Any, Any]) -> Response[Proposed]:
            """One proposal with its policy and what it changes."""
            return Response(await self._proposal(number, language_in(request)))

        @get("/v1/workers", right=Right.SEE, summary="List workers")
        async def workers(size: PageSize = 0, token: PageToken = "") -> Response[Running]:
            """Which revision every worker runs, and which one it refuses; by name."""
            found = await Workers(self._redis).all()
            shown, further = page(found, place=lambda each: (0, each.worker), size=size, token=token)
            active = await self._revising.store.active()
            return Response(Running(active=active, workers=shown, next_page_token=further))

        return [history, revision, proposals, proposal, workers]

    def _changing(self) -> list[HTTPRouteHandler]:
        @post(
            "/v1/drafts",
            right=Right.POLICY_WRITE,
            status_code=200,
            summary="Check a change",
            request_max_body_size=MAX_POLICY_BYTES,
            operation_class=takes(Asked),
        )
        async def draft(request: Request[Any, Any, Any]) -> Response[Drafted]:
            """Check a policy, or what going back would bring, and give what its author must sign."""
            return Response(await self._draft(request, language_in(request)))

        @post(
            "/v1/proposals",
            right=Right.POLICY_WRITE,
            status_code=201,
            summary="Propose a change",
            request_max_body_size=MAX_POLICY_BYTES,
            operation_class=takes(Submitted),
        )
        async def propose(request: Request[Any, Any, Any]) -> Response[Proposed]:
            """Propose a signed draft. Going back to what was approved before is active at once."""
            return Response(await self._propose(request), status_code=HTTPStatus.CREATED)

        @post(
            "/v1/proposals/{number:int}/votes",
            right=Right.SEE,
            status_code=200,
            summary="Approve, refuse or withdraw",
            operation_class=takes(SignedVote),
        )
        async def vote(number: FromPath[int], request: Request[Any, Any, Any]) -> Response[Proposed]:
            """Count a signed vote; once enough people have approved, the revision is active."""
            return Response(await self._vote(request, number))

        return [draft, propose, vote]

    async def _revision(self, number: int) -> Listed:
        document, entry = await self._revising.document(number), await self._revising.store.entry(number)
        if entry is None:
            raise RevisionProblem("revision-unknown", number=number)
        return Listed(number=number, entry=entry, document=document)

    async def _proposal(self, number: int, language: str) -> Proposed:
        proposal = await self._revising.proposal(number)
        changes = await self._revising.changes(proposal)
        words = tuple(line.strip() for line in told(changes, language=language))
        shown = await proposed(self._revising, proposal)
        return msgspec.structs.replace(shown, changes=words, document=proposal.published.document)

    async def _draft(self, request: Request[Any, Any, Any], language: str) -> Drafted:
        asked, author = _decoded(await request.body(), Asked), principal_of(request).name
        if (asked.document is None) == (asked.restores is None):
            raise msgspec.ValidationError("give either `document` or `restores`")
        if asked.restores is not None:
            draft = await self._revising.draft_back(asked.restores or None, author=author, reason=asked.reason)
        else:
            document = (await asyncio.to_thread(load, asked.document)).document
            draft = await self._revising.draft(document, author=author, reason=asked.reason, expected=asked.base)
        words = tuple(line.strip() for line in told(await self._revising.changed(draft), language=language))
        return Drafted(statement=draft.entry.statement, document=draft.published.document, changes=words)

    async def _propose(self, request: Request[Any, Any, Any]) -> Proposed:
        given = _decoded(await request.body(), Submitted)
        draft = await self._revising.drafted(bytes(given.document), given.statement)
        made = await self._proposing.submit(principal_of(request), draft, signature=given.signature)
        if made.proposal is not None:
            return await proposed(self._revising, made.proposal)
        return Proposed(
            number=0,
            state="active",
            stage="checked",
            revision=made.revision,
            statement=given.statement,
            approvals=(),
            more=0,
        )

    async def _vote(self, request: Request[Any, Any, Any], number: int) -> Proposed:
        signed = _decoded(await request.body(), SignedVote)
        vote, who = signed.vote, principal_of(request)
        proposal, _ = await self._proposing.vote(who, number, lambda _: signed, act=vote.act, comment=vote.comment)
        return await proposed(self._revising, proposal)


def _decoded(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body, type=kind)


def _numbered(number: int) -> Place:
    return number, ""
