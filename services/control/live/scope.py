"""In which tenants somebody may see what happens."""

from collections.abc import Sequence

import msgspec

from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE, Right


class Scope(msgspec.Struct, frozen=True):
    """Tenants."""

    tenants: tuple[str, ...] | None
    """In order; `None`: all, also those to come and callers that could not be identified."""

    def among(self, known: Sequence[str]) -> tuple[str, ...]:
        """Those of the known tenants that are meant."""
        return tuple(tenant for tenant in known if self.tenants is None or tenant in self.tenants)


def scope_of(principal: Principal, *, tenant: str = "") -> Scope:
    """Where they may see what happens; only in that tenant, unless it is empty or "*".

    Raises:
        Forbidden: they may not, there.
    """
    granted = principal.tenants(Right.SEE)
    if tenant == EVERYWHERE and granted is not None:
        raise Forbidden(Right.SEE, tenant)
    if tenant in ("", EVERYWHERE):
        return Scope(granted)
    if granted is not None and tenant not in granted:
        raise Forbidden(Right.SEE, tenant)
    return Scope((tenant,))
