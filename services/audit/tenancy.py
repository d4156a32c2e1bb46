"""Whose decisions a caller may see: the control plane says, in metadata, in which tenants whoever asks it may look.

It is no second door: whoever reaches this service may ask for everything. But who asks for less than everything gets no
more, whatever their filter says.
"""

from collections.abc import Sequence
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason, invalid
from services.audit.filters.expression import All, Comparison, Expression, Some
from services.audit.filters.fields import FIELDS

TENANTS: Final = "pilote-tenants"
"""Metadata with the names of the tenants, parted by commas. Without it: all. Empty: none."""


class Permitted:
    """The tenants that the caller of a method may see."""

    def __init__(self, context: Any) -> None:
        """`context` is that of the call; `None` within the process itself, where everything may be seen."""
        given = None if context is None else dict(context.invocation_metadata() or ()).get(TENANTS)
        self.tenants: tuple[str, ...] | None = None
        """`None`: all."""
        if given is not None:
            self.tenants = tuple(each.strip() for each in str(given).split(",") if each.strip())

    def __contains__(self, tenant: object) -> bool:
        return self.tenants is None or tenant in self.tenants

    def whole(self) -> None:
        """See that the caller may see all.

        Raises:
            CallEnded: POLICY_DENIED where only some tenants' decisions may be seen.
        """
        if self.tenants is not None:
            raise CallEnded(Reason.POLICY_DENIED, "The log holds every tenant's decisions, and you may not see all.")

    def within(self, expression: Expression) -> Expression:
        """The filter, of these tenants' decisions only."""
        if self.tenants is None:
            return expression
        parts = expression.parts if isinstance(expression, All) else (expression,)
        return All((*parts, Some(tuple(Comparison(FIELDS["tenant"], "=", each) for each in self.tenants))))

    def query(self, text: str) -> str:
        """A filter's text that says so too: what an export states about itself."""
        if self.tenants is None:
            return text.strip()
        own = " OR ".join(f'tenant = "{each}"' for each in self.tenants)
        return f"({text.strip()}) AND ({own})" if text.strip() else f"({own})"

    def asked(self, tenant: str) -> str:
        """The tenant that a request names; where it names none and there is only one, that one.

        Raises:
            CallEnded: POLICY_DENIED for another one, ARGUMENT_INVALID where it must name one.
        """
        if self.tenants is None or (tenant and tenant in self.tenants):
            return tenant
        if tenant:
            raise CallEnded(Reason.POLICY_DENIED, "You may not see this tenant's decisions.")
        if len(self.tenants) != 1:
            raise invalid("tenant", f"tenant is required: one of {', '.join(self.tenants) or 'none'}.")
        return self.tenants[0]

    def every(self, tenants: Sequence[str]) -> Sequence[str]:
        """The tenants that a request names; where it names none, all that may be seen, or none for no bound.

        Raises:
            CallEnded: POLICY_DENIED for another one, or where none may be seen.
        """
        for each in tenants:
            self.asked(each)
        if self.tenants == ():
            raise CallEnded(Reason.POLICY_DENIED, "You may see no tenant's entries.")
        return tenants or self.tenants or ()

    def all_of(self, tenants: Sequence[str]) -> list[str]:
        """Those among them that may be seen."""
        return [each for each in tenants if each in self]
