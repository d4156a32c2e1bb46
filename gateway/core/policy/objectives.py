"""What agents are to achieve: per campaign and segment a KPI and its target, guardrails, a budget and a period."""

from typing import Annotated, Final, Literal

import msgspec

from gateway.core.policy.vocabulary import Amount, Count, Message, Name, Part, Text

Kpi = Literal[
    "activation_rate", "nps", "conversion_rate", "open_rate", "click_rate", "reply_rate", "revenue_cents",
    "incremental_revenue_cents", "perceived_pressure", "opt_out_rate", "complaint_rate", "bounce_rate",
]  # fmt: skip
"""What an objective may be about. Where `gateway.core.policy.learning.Measure` has the same word it means the same.

Rates are shares of 0 to 1; `nps` is -100 to 100; `perceived_pressure` is the share of 0 to 1 of answers that say "much
too much" or "a bit too much"; `revenue_cents` and `incremental_revenue_cents`, over the holdout, are sums of the whole
period in cents."""

LESS_IS_BETTER: Final = frozenset({"perceived_pressure", "opt_out_rate", "complaint_rate", "bounce_rate"})
"""KPIs of which the target is the most that there may be."""

MONEY: Final = frozenset({"revenue_cents", "incremental_revenue_cents"})
"""KPIs in cents."""

Guarded = Literal["perceived_too_much", "perceived_pressure", "opt_out_rate", "complaint_rate", "bounce_rate"]
"""What guardrails watch, as shares of 0 to 1: `perceived_too_much` of answers that say "much too much", the others as
the KPI of that name."""

Date = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ObjectiveGuardrail(Part, frozen=True, kw_only=True):
    """A harm that the objective must not be reached by."""

    measure: Guarded
    most: Share


class ObjectiveBudget(Part, frozen=True, kw_only=True):
    """What may be used up within the period. Admission counts it exactly, and gives back what was not sent."""

    contacts: Count | None = None
    """null is unlimited, `0` blocks."""
    cents: Amount | None = None
    """Hundredths of `currency`. Enforced where `cents_per_contact` says what a contact takes of it; else only shown."""
    currency: Currency = "EUR"
    cents_per_contact: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


class Period(Part, frozen=True, kw_only=True):
    """Whole days on a clock: from the beginning of the first to the end of the last."""

    first: Date
    last: Date
    zone: Text = "UTC"
    """An IANA time zone such as "Europe/Paris"."""


class Objective(Part, frozen=True, kw_only=True):
    """One objective. Of several that a call may serve it serves the narrowest.

    One is narrower than another where all that it is about the other is about too, and the other about more. Segments
    are taken to share nobody: a customer who is in two of them counts for the objective that comes first.
    """

    name: Name
    title: Message | None = None
    """What people read in place of the name."""
    tenant: Name
    agents: tuple[Name, ...] = ()
    """Whose calls serve it; empty: those of all agents of the tenant."""
    campaign: Text | None = None
    """In any words, of which only letters and digits count: "Été 2026" is "ete-2026". null: calls of all campaigns, and
    of none."""
    segment: Text | None = None
    """A segment of the facts; null: all customers."""
    channels: tuple[Name, ...] = ()
    """Empty: all, and calls that have none."""
    categories: tuple[Name, ...] = ()
    """Likewise."""
    kpi: Kpi
    target: Annotated[float, msgspec.Meta(ge=-100, le=1_000_000_000_000_000)]
    """In the KPI's own unit: what it is to come to at least, or of `LESS_IS_BETTER` at most."""
    guardrails: tuple[ObjectiveGuardrail, ...] = ()
    budget: ObjectiveBudget = ObjectiveBudget()
    period: Period
