"""Who asks, and whether they may: what every request of the control plane begins with.

Each route handler names the `right` that it needs (`@get("/v1/stops", right=Right.SEE)`); one without cannot be
registered. `Door.begin` runs before the handler and leaves the principal in the request's state.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler

from services.control.access.asking import Unasked
from services.control.access.rights import OPEN, Right, Rights
from services.not_done import NotDone
from services.revisions.texts import say

RIGHT: Final = "right"
"""What a handler's `opt` says its right under."""
_PRINCIPAL: Final = "principal"
Kind = Literal["session", "token", "signature"]
Asked: TypeAlias = Request[Any, Any, Any]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who asks."""

    name: str
    """Of their account, or of the person of the active policy."""
    kind: Kind
    """How they are known: by a session, by an API token, or by a signature of the request itself."""
    rights: Rights
    id: str = ""
    """Of the session or token; no secret."""

    def may(self, right: Right, tenant: str = "") -> bool:
        """See `Rights.may`."""
        return self.rights.may(right, tenant)

    def tenants(self, right: Right) -> tuple[str, ...] | None:
        """The tenants in which they have the right, in order; `None`: in all."""
        found = self.rights.tenants(right)
        return None if found is None else tuple(sorted(found))


class Forbidden(NotDone):
    """Whoever asks may not do that; says which right is missing."""

    say = staticmethod(say)

    def __init__(self, right: Right, tenant: str = "") -> None:
        code = "forbidden-tenant" if tenant else "forbidden"
        super().__init__(code, reason="RIGHT_MISSING", right=right.value, tenant=tenant)
        self.right = right

    @property
    def more(self) -> Mapping[str, Any]:
        """The right."""
        return {"right": self.right.value}


class HandlerWithoutRight(Exception):
    """A route handler does not say who may use it: a mistake of ours, which stops the start."""


Knows = Callable[[Asked], Awaitable[Principal | None]]
"""One way to know who asks. `None`: the request says nothing of the kind; it raises `Unasked` where what it says is
wrong."""


class Door:
    """Lets in who is known and may."""

    def __init__(self, ways: Sequence[Knows]) -> None:
        """`ways` to know who asks are tried in order."""
        self._ways = tuple(ways)

    async def begin(self, request: Asked) -> None:
        """Find who asks, and whether they may.

        Raises:
            Unasked: nobody who is known asks.
            Forbidden: they lack the right everywhere; in which tenants they have it, the operation looks at.
        """
        right = right_of(request.route_handler)
        if right in OPEN:
            return
        principal = await self.principal(request)
        if principal is None:
            raise Unasked("asked-nobody-known")
        request.state[_PRINCIPAL] = principal
        if not principal.may(right):
            raise Forbidden(right)

    async def principal(self, request: Asked) -> Principal | None:
        """Who asks; `None` where the request does not say.

        Raises:
            Unasked: what it says is wrong.
        """
        for way in self._ways:
            principal = await way(request)
            if principal is not None:
                return principal
        return None


def principal_of(request: Asked) -> Principal:
    """Who asks: set before a handler runs whose right is not an open one."""
    found: Principal = request.state[_PRINCIPAL]
    return found


def known_in(request: Asked) -> Principal | None:
    """Who asks, where that was found out: of operations open to all it is not."""
    found: Principal | None = request.state.get(_PRINCIPAL)
    return found


def needs(request: Asked, right: Right, tenant: str) -> Principal:
    """Who asks, if they have the right in that tenant.

    Raises:
        Forbidden: they have not.
    """
    principal = principal_of(request)
    if not principal.may(right, tenant):
        raise Forbidden(right, tenant)
    return principal


def right_of(handler: BaseRouteHandler) -> Right:
    """The right that a handler names.

    Raises:
        HandlerWithoutRight: it names none.
    """
    right = handler.opt.get(RIGHT)
    if not isinstance(right, Right):
        raise HandlerWithoutRight(f"{handler} must name a right: see services/control/access/rights.py")
    return right


def all_guarded(handlers: Iterable[BaseRouteHandler]) -> None:
    """See that each handler names a right.

    Raises:
        HandlerWithoutRight: one does not.
    """
    for handler in handlers:
        right_of(handler)
