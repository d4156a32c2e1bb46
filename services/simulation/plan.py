"""What is simulated, and the outcomes that customers tell."""

from typing import Final

import msgspec

from gateway.core.outcomes import event_of
from gateway.core.record import CustomerOutcome
from services.simulation.campaigns import CAMPAIGNS, DAY_MS, Campaign
from services.simulation.truths import Truths

TENANT: Final = "acme"
REPORTER: Final = "shop"
"""Name that outcomes are reported under."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated."""

    seed: int
    start_ms: int
    """When it begins: a midnight in UTC, in milliseconds since the epoch."""
    days: int
    decisions: int
    """Asked for by the agents' rhythms; retries come beside them."""
    retries: int = 0
    """How often an agent tries again after a refusal that says when to come back."""
    patience_ms: int = 3 * DAY_MS
    """The longest that it waits for that."""
    truths: Truths = Truths()
    campaigns: tuple[Campaign, ...] = CAMPAIGNS

    def told(
        self,
        decision: str,
        kind: str,
        at_ms: int,
        *,
        reported_ms: int | None = None,
        cents: int = 0,
        question: str = "",
        answer: str = "",
        event: str = "",
    ) -> CustomerOutcome:
        """What a customer did after a decision. Times are since the quarter began; by default it is told at once."""
        return CustomerOutcome(
            decision=decision,
            type=kind,
            occurred_ms=self.start_ms + at_ms,
            reported_ms=self.start_ms + (at_ms if reported_ms is None else reported_ms),
            reporter=REPORTER,
            revenue_cents=cents,
            currency="EUR" if cents else "",
            event=event_of(event, question=question) if event else "",
            question=question,
            answer=answer,
        )
