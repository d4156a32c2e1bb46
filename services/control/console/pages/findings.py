"""The pages *Findings*: what is wrong or unusual, how sure that is, and what people do about it."""

from collections.abc import Sequence
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import tenants_for
from services.control.api.findings import permitted
from services.control.console.page import Page, Parts
from services.control.console.pages import fairness, finding_deeds, vault
from services.control.console.pages.finding_shown import shown_finding, words
from services.control.console.rendering import page
from services.control.console.texts import findings_vault
from services.control.console.texts.findings import TEXTS
from services.findings.finding import CLOSED, Finding

MOST_SHOWN: Final = 200
_PLACES: Final = ("open", "mine", "closed")


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""

    @get("/findings", right=Right.SEE, include_in_schema=False)
    async def listed(request: Asked) -> Response[str]:
        who = principal_of(request)
        place = request.query_params.get("tab", "open")
        place = place if place in _PLACES else "open"
        found = await parts.operations.findings.list(tenants_for(who, Right.SEE, parts.policy.tenants), to=who)
        here = {name: [each for each in found if _in(each, name, who.name)] for name in _PLACES}
        return page(
            request,
            "findings/findings.html",
            fragment="list",
            place=place,
            counts={name: len(some) for name, some in here.items()},
            findings=here[place][:MOST_SHOWN],
            more=max(0, len(here[place]) - MOST_SHOWN),
            **words(request, parts),
        )

    @get("/findings/{tenant:str}/{finding:str}", right=Right.SEE, include_in_schema=False)
    async def one(request: Asked, tenant: FromPath[str], finding: FromPath[str]) -> Response[str]:
        who = principal_of(request)
        permitted(who, Right.SEE, parts.policy, f"findings/{tenant}/{finding}")
        found = await parts.operations.findings.get(tenant, finding, to=who)
        return page(request, "findings/finding.html", **shown_finding(request, parts, found))

    return [listed, one, *finding_deeds.handlers(parts), *fairness.handlers(parts), *vault.handlers(parts)]


def _in(finding: Finding, place: str, name: str) -> bool:
    if place == "closed":
        return finding.state in CLOSED
    return finding.state not in CLOSED and (place == "open" or finding.owner == name)


PAGE: Final = Page("findings", {**TEXTS, **findings_vault.TEXTS}, handlers, icon="flag")
