"""How the calls of a route are forwarded: what the policy says of it, resolved. Pure."""

import msgspec

from gateway.core.policy.serving import Route
from gateway.core.policy.upstreams import Retries
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.retrying import BudgetRule


class ForwardRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a route says of it. Times are milliseconds."""

    timeout_ms: int = 0
    """Longest call, with all its tries; 0: the upstream's own."""
    attempts: int = 1
    """Tries at the arm that was chosen."""
    per_try_ms: int = 0
    """Longest try of a call that may be repeated; 0: all the time that is left."""
    backoff_ms: int = 0
    hedge_ms: int = 0
    """After how long a second try begins beside the first; 0: never."""
    budget: BudgetRule | None = None
    """For tries that are neither the first nor at another arm; `None` where there are none."""
    fallback: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether a call may be tried more than once."""
        return self.attempts > 1 or self.hedge_ms > 0 or bool(self.fallback)


PLAIN = ForwardRule()
"""What holds where a route says nothing."""


def forward_rule(route: Route) -> ForwardRule | None:
    """What holds for calls on this route; `None` where it says nothing, as most do."""
    retries, again = route.retries or Retries(), route.retries is not None
    rule = ForwardRule(
        timeout_ms=0 if route.timeout is None else duration_ms(route.timeout),
        attempts=retries.attempts if again else 1,
        per_try_ms=0 if retries.per_try is None else duration_ms(retries.per_try),
        backoff_ms=duration_ms(retries.backoff) if again else 0,
        hedge_ms=0 if route.hedge is None else duration_ms(route.hedge.after),
        budget=BudgetRule(percent=retries.budget, min_per_second=retries.min_per_second)
        if again or route.hedge is not None
        else None,
        fallback=route.fallback,
    )
    return None if rule == PLAIN else rule
