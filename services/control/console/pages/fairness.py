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
from services.findings.wording import TOGETHER, grouped, number, rate

MOST_SHOWN: Final = 200


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison in words."""

    agent: str
    version: str
    measure: str
    """Ends the key of its text."""
    attribute: str
    group: str
    persons: int
    rate: str
    reference: str
    reference_persons: int
    reference_rate: str
    ratio: str
    low: str
    high: str
    naive: bool
    alert: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's week."""

    tenant: str
    start_ms: int
    end_ms: int
    rows: tuple[Row, ...]
    total: int
    naive: int
    alerts: int


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
        rows=tuple(_row(each, language) for each in week.comparisons[:MOST_SHOWN]),
        total=week.total,
        naive=week.naive,
        alerts=sum(each.alert for each in week.comparisons),
    )


def _row(each: pb.Comparison, language: str) -> Row:
    return Row(
        agent=each.agent,
        version=each.version,
        measure=each.measure,
        attribute=grouped("attribute", TOGETHER.join(each.attributes), language=language),
        group=grouped("group", TOGETHER.join(each.group), language=language),
        persons=each.persons,
        rate=rate(each.rate, share=each.share, language=language),
        reference=grouped("group", TOGETHER.join(each.reference), language=language),
        reference_persons=each.reference_persons,
        reference_rate=rate(each.reference_rate, share=each.share, language=language),
        ratio=number(each.ratio, language=language) if each.HasField("ratio") else "",
        low=number(each.ratio_low, language=language),
        high=number(each.ratio_high, language=language),
        naive=each.naive,
        alert=each.alert,
    )
