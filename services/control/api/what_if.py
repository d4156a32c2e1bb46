"""Policies that are only tried, over HTTP: what recorded calls would have come to, and what that does to customers."""

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.draft_messages import BacktestDraft, JobShown
from services.control.api.drafts import MAX_BODY_BYTES
from services.control.api.jobs import started
from services.control.api.managed import since
from services.control.api.parameters import body_of
from services.control.whatif.desk import Trial, WhatIf


class AskWhatIf(BacktestDraft, frozen=True, kw_only=True):
    """Which policy to try, beside which other one, over which calls."""

    tried: Trial = Trial()
    """By default the active policy as it is."""
    against: Annotated[Trial, msgspec.Meta(description="Another one, over the same calls.")] | None = None


class WhatIfApi:
    """Answers whoever may write policies."""

    def __init__(self, desk: WhatIf) -> None:
        self._desk = desk

    def handlers(self) -> list[HTTPRouteHandler]:
        """The one operation."""
        desk = self._desk

        @post(
            "/v1/what-if",
            right=Right.POLICY_WRITE,
            status_code=202,
            summary="Ask what if",
            request_max_body_size=MAX_BODY_BYTES,
            operation_class=takes(AskWhatIf),
        )
        async def ask(request: Asked) -> Response[JobShown]:
            """Find out, as a job, what a policy with changes that are saved nowhere does to contacts, people and KPIs.

            With `against` the same of another policy, over the same calls, and how the two differ. To keep the changes,
            make the same edits in a draft.
            """
            given, owner = await body_of(request, AskWhatIf), principal_of(request).name
            job = await desk.start(
                given.tried,
                given.against,
                owner=owner,
                span_ms=since(given.since),
                most=given.most,
                tenant=given.tenant,
            )
            return started(job)

        return [ask]
