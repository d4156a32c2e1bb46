"""In which tenants somebody's question or change counts."""

from collections.abc import Sequence

from gateway.core.errors import Reason
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE, Right
from services.control.undone import Undone


def tenants_for(principal: Principal, right: Right, known: Sequence[str], *, asked: str = "") -> tuple[str, ...]:
    """Those of the `known` tenants in which they have the right; the one `asked` for only, unless that is empty or "*".

    Raises:
        Forbidden: they have not the right there; for "*" they need it everywhere.
        Undone: NOT_FOUND where the tenant is not known.
    """
    if asked and not principal.may(right, asked):
        raise Forbidden(right, asked)
    granted = principal.tenants(right)
    if asked == EVERYWHERE and granted is not None:
        raise Forbidden(right, asked)
    own = tuple(tenant for tenant in known if granted is None or tenant in granted)
    if asked in ("", EVERYWHERE):
        return own
    if asked not in own:
        raise Undone(Reason.NOT_FOUND, "tenant-unknown", tenant=asked, tenants=", ".join(own) or "-")
    return (asked,)


def ruled(who: Principal, right: Right, known: Sequence[str], tenant: str) -> None:
    """See that they have that right in a tenant.

    Raises:
        Undone: NOT_FOUND where they may not even see it.
        Forbidden: they see it, and lack the right.
    """
    seen = tenants_for(who, Right.SEE, known)
    if tenant not in seen:
        raise Undone(Reason.NOT_FOUND, "tenant-unknown", tenant=tenant, tenants=", ".join(seen) or "-")
    if not who.may(right, tenant):
        raise Forbidden(right, tenant)
