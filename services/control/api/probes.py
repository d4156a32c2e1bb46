"""Suites of probes over HTTP: kept, checked while somebody types, and run as jobs."""

from typing import Final

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.persons import language_in
from services.control.access.principals import Forbidden, Principal, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.api.describing import takes
from services.control.api.draft_messages import JobShown
from services.control.api.jobs import started
from services.control.api.parameters import (
    Asking,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Tenant,
    body_of,
    match_needed,
    match_of,
    tagged,
)
from services.control.api.probe_messages import CheckSuite, RunsShown, RunSuite, SaveSuite, SuitesShown
from services.control.drafts.checking import Checked
from services.control.paging import page
from services.control.policy import ActivePolicy
from services.control.probes.desk import ProbeDesk
from services.control.probes.shown import SuiteShown, run_shown, suite_shown
from services.probes.store import KeptSuite

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""A text of 1 MB, however JSON writes it."""


class ProbesApi:
    """Shows suites to who may see what happens, and lets some write and run them."""

    def __init__(self, desk: ProbeDesk, policy: ActivePolicy) -> None:
        self._desk = desk
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._writing(), *self._asking()]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @get("/v1/probes", right=Right.SEE, summary="List suites of probes")
        async def listed(
            request: Asking, *, tenant: Tenant = "", size: PageSize = 0, token: PageToken = ""
        ) -> Response[SuitesShown]:
            """All suites, by name, each with how it stands to the active policy."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            here, further = page(await desk.list(tenants), place=lambda each: (0, each.name), size=size, token=token)
            stands = await desk.stands(here)
            shown = tuple(suite_shown(each, stands[each.name]) for each in here)
            return Response(SuitesShown(probes=shown, next_page_token=further))

        @get("/v1/probes/{tenant:str}/{suite:str}", right=Right.SEE, summary="Get a suite of probes")
        async def one(
            request: Asking, tenant: FromPath[str], suite: FromPath[str], known: IfNoneMatch = ""
        ) -> Response[SuiteShown]:
            """One suite with its text; its ETag is what changes name in `if-match`."""
            ruled(principal_of(request), Right.SEE, policy.tenants, tenant)
            return await self._answered(await desk.get(tenant, suite), known=known)

        @get("/v1/probes/{tenant:str}/{suite:str}/runs", right=Right.SEE, summary="List runs of a suite")
        async def runs(
            request: Asking, tenant: FromPath[str], suite: FromPath[str], *, size: PageSize = 0, token: PageToken = ""
        ) -> Response[RunsShown]:
            """The last 20 times that it was run, whoever did it and wherever, the newest first."""
            ruled(principal_of(request), Right.SEE, policy.tenants, tenant)
            kept = await desk.get(tenant, suite)
            here, further = page(
                await desk.runs(kept),
                place=lambda each: (each.ran_ms, each.id),
                size=size,
                token=token,
                descending=True,
            )
            shown = tuple(run_shown(kept.name, each, language=language_in(request)) for each in here)
            return Response(RunsShown(runs=shown, next_page_token=further))

        return [listed, one, runs]

    def _writing(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @put(
            "/v1/probes/{tenant:str}/{suite:str}",
            right=Right.PROBES,
            summary="Save a suite of probes",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(SaveSuite),
        )
        async def save(
            request: Asking, tenant: FromPath[str], suite: FromPath[str], match: IfMatch = ""
        ) -> Response[SuiteShown]:
            """Write over the version of `if-match`, or without it where there is none yet."""
            who = principal_of(request)
            ruled(who, Right.PROBES, policy.tenants, tenant)
            given = await body_of(request, SaveSuite)
            seen = match_of(match) if match else None
            return await self._answered(await desk.save(tenant, suite, given.text, who=who, match=seen))

        @delete("/v1/probes/{tenant:str}/{suite:str}", right=Right.PROBES, summary="Delete a suite of probes")
        async def remove(request: Asking, tenant: FromPath[str], suite: FromPath[str], match: IfMatch = "") -> None:
            """Delete the version of `if-match`; what requires it cannot become active until it is kept again."""
            who = principal_of(request)
            ruled(who, Right.PROBES, policy.tenants, tenant)
            await desk.delete(tenant, suite, who=who, match=match_needed(match))

        return [save, remove]

    def _asking(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @post(
            "/v1/probes/{tenant:str}/{suite:str}/:check",
            right=Right.PROBES,
            status_code=200,
            summary="Check a suite of probes",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(CheckSuite),
        )
        async def check(request: Asking, tenant: FromPath[str], suite: FromPath[str]) -> Response[Checked]:
            """All mistakes, each with its line and column and what to write instead; it need not be kept yet."""
            ruled(principal_of(request), Right.PROBES, policy.tenants, tenant)
            given = await body_of(request, CheckSuite)
            return Response(await desk.check(tenant, suite, given.text, language=language_in(request)))

        @post(
            "/v1/probes/{tenant:str}/{suite:str}/:run",
            right=Right.PROBES,
            status_code=202,
            summary="Run a suite of probes",
            operation_class=takes(RunSuite),
        )
        async def run(request: Asking, tenant: FromPath[str], suite: FromPath[str]) -> Response[JobShown]:
            """Run it as a job; what it comes to is kept, and counts for whatever requires the suite."""
            who = principal_of(request)
            ruled(who, Right.PROBES, policy.tenants, tenant)
            given = await body_of(request, RunSuite)
            draft = draft_of(who, given.draft)
            return started(
                await desk.run(
                    tenant, suite, draft=draft, revision=given.revision or 0, version=given.version or "", who=who
                )
            )

        return [check, run]

    async def _answered(self, suite: KeptSuite, *, known: str = "") -> Response[SuiteShown]:
        stands = await self._desk.stands((suite,))
        return tagged(suite_shown(suite, stands[suite.name], text=True), etag=suite.etag, known=known)


def draft_of(who: Principal, named: str) -> str:
    """The id of the draft of that name, which whoever asks may see; empty: none is named.

    Raises:
        Forbidden: they may not write policies.
    """
    if named and not who.may(Right.POLICY_WRITE):
        raise Forbidden(Right.POLICY_WRITE, "")
    return named.removeprefix("policy-drafts/")
