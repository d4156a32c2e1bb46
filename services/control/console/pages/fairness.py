"""The page *Fairness*, beside the findings: how groups fared in the last complete week, and both verdicts about it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from pilote.vault.v1 import vault_service_pb2 as pb
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.console.page import Parts
from services.control.console.rendering import page
from services.control.console.viewer import viewer_of
from services.control.undone import Undone
from services.findings.compared import Compared, Small, by_chance_told, compared, small, truths_told

MOST_SHOWN: Final = 200


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's week."""

    tenant: str
    start_ms: int
    end_ms: int
    rows: tuple[Compared, ...]
    total: int
    naive: int
    alerts: int
    beside: tuple[str, ...]
    """What is to be known beside the figures."""
    small: tuple[Small, ...]


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The page."""

    @get("/findings/fairness", right=Right.SEE, include_in_schema=False)
    async def fairness(request: Asked) -> Response[str]:
        language = viewer_of(request).language
        tenants = tenants_for(principal_of(request), Right.SEE, parts.policy.tenants)
        try:
            weeks = await parts.operations.vault.weeks(tenants)
        except Undone:
            weeks, down = (), True
        else:
            down = False
        return page(
            request,
            "findings/fairness.html",
            weeks=[_shown(each, language) for each in weeks if each.comparisons],
            several=len(parts.policy.tenants) > 1,
            down=down,
        )

    return [fairness]


def _shown(week: pb.Week, language: str) -> Shown:
    return Shown(
        tenant=week.tenant,
        start_ms=week.start_time.ToMilliseconds(),
        end_ms=week.end_time.ToMilliseconds() - 1,
        rows=tuple(compared(each, language=language) for each in week.comparisons[:MOST_SHOWN]),
        total=week.total,
        naive=week.naive,
        alerts=sum(each.alert for each in week.comparisons),
        beside=(by_chance_told(week, language=language), *truths_told(week.truths, language=language)),
        small=tuple(small(each, language=language) for each in week.small_groups[:MOST_SHOWN]),
    )
