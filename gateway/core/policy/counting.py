"""What is counted: limits, caps and contact pressure."""

from typing import Annotated, Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import (
    Amount,
    Citation,
    Count,
    Day,
    Duration,
    Expression,
    Mode,
    Name,
    Part,
    StoreError,
    Text,
    Weight,
)


class Calendar(Part, frozen=True, kw_only=True):
    """Periods by the calendar: what is counted starts anew with each of them."""

    unit: Literal["day", "week", "month", "year"]
    zone: Text = "subject"
    """An IANA time zone such as "Europe/Paris"; "subject" is the customer's own."""
    fallback_zone: Text = "UTC"
    """Used where the customer's own is unknown."""
    week_start: Day = "mon"


class Cost(Part, frozen=True, kw_only=True):
    """What a call costs, as whole numbers of `unit`: money in millionths, say, never as a fraction."""

    unit: Text
    """What is counted, for people: "EUR/1000000", "tokens"."""
    estimate: Expression
    """CEL that gives a whole number: what is taken when the call is admitted."""
    actual: Expression | None = None
    """CEL that gives a whole number once the upstream has answered, over `response` and `trailers` as well; null, or
    where it fails: the estimate."""


class Reading(Part, frozen=True, kw_only=True):
    """A number that an upstream tells in the metadata of its answers."""

    header: Name
    pattern: Text = "([0-9]+)"
    """Regular expression; its first group is the number."""


class Quota(Part, frozen=True, kw_only=True):
    """The upstream's own count of what may be asked of it, as its answers tell; either `used` or `remaining`."""

    used: Reading | None = None
    remaining: Reading | None = None
    max: Reading | None = None
    """null, or until it is told: the limit's own `max`."""
    shares: dict[str, Annotated[int, msgspec.Meta(ge=1, le=100)]] = {}
    """How much, in percent, may be used up before agents of a priority have to stop; a priority that is not named goes
    on to the end. So what is left then is kept for those of a higher one."""


Dimension = Literal[
    "tenant", "agent", "method", "operation", "model", "version", "upstream", "route", "subject", "channel",
    "category", "brand", "campaign",
]  # fmt: skip


class Limit(Part, frozen=True, kw_only=True):
    """How much may be asked, counted separately for each value of `by`.

    One of: `rate` calls per `per` with bursts up to `burst`; `max` calls, or `cost` of calls, within a rolling `window`
    or a `calendar` period; `concurrent` calls at a time; `quota`, an upstream's own.
    """

    name: Name
    methods: tuple[Text, ...] = ()
    operations: tuple[Operation, ...] = ()
    when: Expression | None = None
    """CEL: which of these calls count; null: all."""
    by: tuple[Dimension, ...]
    key: Expression | None = None
    """CEL that gives a text, one more thing to count by."""
    rate: Count | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited."""
    per: Duration = "1s"
    burst: Count | None = None
    """null: the same as `rate`."""
    max: Amount | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited."""
    window: Duration | None = None
    """Rolling. Counted in sixtieths of it, so that a call may wait that much longer than it would have to."""
    calendar: Calendar | None = None
    cost: Cost | None = None
    concurrent: Count | msgspec.UnsetType | None = msgspec.UNSET
    """0 blocks, null is unlimited. A call that is never settled counts until its deadline and a minute have passed."""
    quota: Quota | None = None
    on_missing: Literal["deny", "skip"] = "deny"
    """What happens to a call that lacks one of the dimensions; it is never counted in a shared bucket."""
    on_store_error: StoreError = "closed"
    """While the store is down: "closed" refuses, "open" lets through, "local" counts in each gateway for itself."""
    mode: Mode = "enforce"
    citation: Citation = ()


class Cap(Part, frozen=True, kw_only=True):
    """Contact pressure: at most `max` contacts with one subject within a rolling `window` or a `calendar` period."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels the cap covers; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that count; empty: all but the exempt ones."""
    topics: tuple[Name, ...] = ()
    """Topics that count, one of a contact's is enough; empty: all."""
    brands: tuple[Name, ...] = ()
    """Brands that count; empty: all."""
    segments: tuple[Text, ...] = ()
    """Customers that the cap covers: those in one of these segments, or of whom nothing can be read now; empty: all."""
    exempt: tuple[Name, ...] = ("transactional", "legal")
    """Categories that are neither capped nor counted: what a customer has asked for, or must be told.
    Which agents may send them is for the rules to say. A cap that names one of them in `categories` counts it."""
    by: tuple[Literal["channel", "category", "topic", "brand", "campaign"], ...] = ("channel",)
    """What is counted separately, beside the subject. Empty: all contacts that the cap covers together."""
    max: Count | None
    """0 blocks, null is unlimited."""
    window: Duration | None = None
    """Rolling."""
    calendar: Calendar | None = None
    min_gap: Duration | None = None
    """Shortest time between two contacts."""
    counts_on: Literal["reserved", "sent", "delivered"] = "reserved"
    """From when on a contact counts for good. "reserved": from its admission, unless it is known not to have been sent.
    "sent": once the upstream has taken it; until then a reservation that expires frees itself. "delivered": once
    `ReportOutcomes` says so; until `deliver_within` it is a reservation."""
    deliver_within: Duration = "3d"
    on_exceed: Literal["deny", "defer", "downgrade", "review"] = "deny"
    """"defer" keeps the call until there is room, "review" asks a person, "downgrade" tries `downgrade_to`."""
    max_defer: Duration = "3d"
    """Longest time that a call is kept, for "defer"; one that would have to wait longer is refused."""
    downgrade_to: Name | None = None
    priority: tuple[Name, ...] = ()
    """Categories, the most important first: a call that is kept for later holds a slot against those after it."""
    on_store_error: StoreError = "closed"
    """While the store is down: "closed" refuses, "open" lets through, "local" counts in each gateway for itself."""
    mode: Mode = "enforce"
    citation: Citation = ()


class Pressure(Part, frozen=True, kw_only=True):
    """How much a customer has been contacted of late: every contact weighs, and half of that is gone after `half_life`.

    The score is the sum over past contacts of channel weight x category weight x 2^(-age / half_life); rules see it as
    `facts.pressure`.
    """

    half_life: Duration
    channels: dict[Name, Weight] = {}
    """Weight by channel; 1 for one that is not named."""
    categories: dict[Name, Weight] = {}
    """Weight by category; where it is not named 0 for "transactional" and "legal", and 1 for any other."""
    max: Weight | None = None
    """A contact that would raise the score above it is refused, exactly, under the name "pressure"; null: never."""
    mode: Mode = "enforce"
    citation: Citation = ()
