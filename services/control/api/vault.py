"""The vault over HTTP: what it holds, of how many people; loading and deleting; and what was compared by it.

No operation answers what is known of one person.
"""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.access.tenancy import ruled, tenants_for
from services.control.api.describing import takes
from services.control.api.parameters import Asking, Tenant, body_of
from services.control.policy import ActivePolicy
from services.control.vault.desk import Loading, VaultDesk
from services.control.vault.shown import AttributeShown, WeekShown, attribute_shown, week_shown
from services.vault.attributes import LARGEST_FILE, LONGEST_CUSTOMER, MOST_KEEP_DAYS, MOST_PURPOSE


class VaultShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is held."""

    attributes: tuple[AttributeShown, ...]
    """By tenant and name."""


class FairnessShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared in the last complete week."""

    weeks: tuple[WeekShown, ...]
    """One of each tenant of which the vault holds anything, by tenant."""


class LoadVault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An attribute of customers, all lines or none."""

    csv: str
    """Lines of `customer,value` under that head: the customer's resource name, and one of the attribute's values."""
    purpose: Annotated[str, msgspec.Meta(max_length=MOST_PURPOSE)]
    """What for. The log keeps it, so name no customer; likewise the legal basis."""
    legal_basis: Annotated[str, msgspec.Meta(max_length=MOST_PURPOSE)]
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_KEEP_DAYS)]
    """Each value is deleted after so many days, unless it is loaded anew."""


class ForgetVault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be deleted before its time is over."""

    reason: Annotated[str, msgspec.Meta(max_length=MOST_PURPOSE)]
    """It stays in the log, so name no customer."""
    attribute: str = ""
    """Empty: all."""
    customer: Annotated[str, msgspec.Meta(max_length=LONGEST_CUSTOMER)] = ""
    """Resource name of the customer; empty: everybody."""


class Forgotten(msgspec.Struct, frozen=True):
    """What was deleted."""

    values: int
    """How many values."""


class VaultApi:
    """The operations."""

    def __init__(self, desk: VaultDesk, policy: ActivePolicy) -> None:
        self._desk = desk
        self._policy = policy

    def handlers(self) -> list[HTTPRouteHandler]:
        """All of them."""
        return [*self._looking(), *self._changing()]

    def _looking(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @get("/v1/vault", right=Right.VAULT, summary="What the vault holds")
        async def held(request: Asking, tenant: Tenant = "") -> Response[VaultShown]:
            """Which sensitive attributes are held: of how many people, what for, and until when. Never of whom."""
            tenants = tenants_for(principal_of(request), Right.VAULT, policy.tenants, asked=tenant)
            found = await desk.held(tenants)
            return Response(VaultShown(attributes=tuple(attribute_shown(each) for each in found)))

        @get("/v1/fairness", right=Right.SEE, summary="What was compared between groups")
        async def compared(request: Asking, tenant: Tenant = "") -> Response[FairnessShown]:
            """Rates of groups beside each other in the last complete week; no group of fewer than 30 people."""
            tenants = tenants_for(principal_of(request), Right.SEE, policy.tenants, asked=tenant)
            found = await desk.weeks(tenants)
            return Response(FairnessShown(weeks=tuple(week_shown(each) for each in found)))

        return [held, compared]

    def _changing(self) -> list[HTTPRouteHandler]:
        desk, policy = self._desk, self._policy

        @post(
            "/v1/vault/{tenant:str}/{attribute:str}/:load",
            right=Right.VAULT,
            status_code=200,
            summary="Load an attribute",
            operation_class=takes(LoadVault),
            request_max_body_size=LARGEST_FILE,
        )
        async def load(request: Asking, tenant: FromPath[str], attribute: FromPath[str]) -> Response[AttributeShown]:
            """Take in an attribute of customers for statistics of fairness; who is known already has the new value."""
            who = principal_of(request)
            ruled(who, Right.VAULT, policy.tenants, tenant)
            given = await body_of(request, LoadVault)
            wanted = Loading(
                tenant=tenant,
                attribute=attribute,
                csv=given.csv,
                purpose=given.purpose,
                legal_basis=given.legal_basis,
                keep_days=given.keep_days,
            )
            return Response(attribute_shown(await desk.load(wanted, who=who)))

        @post(
            "/v1/vault/{tenant:str}/:forget",
            right=Right.VAULT,
            status_code=200,
            summary="Delete what the vault holds",
            operation_class=takes(ForgetVault),
        )
        async def forget(request: Asking, tenant: FromPath[str]) -> Response[Forgotten]:
            """Delete an attribute or all, of one customer or everybody."""
            who = principal_of(request)
            ruled(who, Right.VAULT, policy.tenants, tenant)
            given = await body_of(request, ForgetVault)
            count = await desk.forget(
                tenant, attribute=given.attribute, customer=given.customer, reason=given.reason, who=who
            )
            return Response(Forgotten(count))

        return [load, forget]
