"""How the calls of a route are forwarded: what the policy says of it, resolved for one method. Pure."""

import msgspec

from gateway.core.policy.serving import Route
from gateway.core.policy.vocabulary import duration_ms


class ForwardRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a route says of it. Times are milliseconds."""

    timeout_ms: int = 0
    """Longest call; 0: the upstream's own."""


def forward_rule(route: Route) -> ForwardRule | None:
    """What holds for calls on this route; `None` where it says nothing, as most do."""
    rule = ForwardRule(timeout_ms=0 if route.timeout is None else duration_ms(route.timeout))
    return None if rule == ForwardRule() else rule
