"""What looks keep of what they have seen for a picture, by kind of finding: the shapes of `Seen.shown`."""

import msgspec


class Bin(msgspec.Struct, frozen=True):
    """One value, or values of a range, and its share of all, 0 to 1."""

    before: float
    now: float
    name: str | None = None
    """A value; "*": all that are not named. None of numbers."""
    low: float | None = msgspec.field(name="from", default=None)
    """Where the range begins; likewise `high`, where it ends. None: it has no end there."""
    high: float | None = msgspec.field(name="to", default=None)


class Drift(msgspec.Struct, frozen=True):
    """How what an agent's version does is spread, before and now."""

    bins: tuple[Bin, ...]
    against: str = ""
    """What it is compared with: another version, "*" for several, else itself before."""


class Count(msgspec.Struct, frozen=True):
    """How often, of one agent."""

    name: str
    count: int


class Burst(msgspec.Struct, frozen=True):
    """An hour, minute by minute."""

    minutes: int
    """How many of them belong to the burst."""
    counts: tuple[int, ...]
    agents: tuple[Count, ...] = ()


class Day(msgspec.Struct, frozen=True):
    """How often a rule applied on a day, which begins at `at_ms`."""

    at_ms: int
    matches: int
    calls: int


class Silence(msgspec.Struct, frozen=True):
    """How often a rule applied, day by day."""

    days: tuple[Day, ...]


class Pair(msgspec.Struct, frozen=True):
    """Two decisions by their ids: what was refused, and what was done all the same so many milliseconds later."""

    refused: str
    done: str
    after_ms: int


class Pairs(msgspec.Struct, frozen=True):
    """Refusals that another agent went around."""

    pairs: tuple[Pair, ...]


class Estimate(msgspec.Struct, frozen=True):
    """A number with its interval."""

    value: float
    low: float
    high: float


class Group(msgspec.Struct, frozen=True):
    """People with about as many contacts in the week before, both ends included."""

    low: int = msgspec.field(name="from")
    high: int = msgspec.field(name="to")
    per_1000: Estimate | None = None
    """Events for 1,000 people; None of too few."""


class Sender(msgspec.Struct, frozen=True):
    """What one agent adds to the pressure."""

    agent: str
    contacts: int
    beyond: float
    """Contacts beyond the cap; 0 where there is none."""


class Pressure(msgspec.Struct, frozen=True):
    """What contacts cost, by how many there were, and who makes them."""

    groups: tuple[Group, ...] = ()
    holdout: Estimate | None = None
    agents: tuple[Sender, ...] = ()


class Within(msgspec.Struct, frozen=True):
    """A ratio among people of the same segments, and how it stands to the one over all."""

    word: str
    strata: int = 0
    value: float | None = None
    low: float = 0.0
    high: float = 0.0


class Fairness(msgspec.Struct, frozen=True):
    """What share of a group had it, and of the one that it is held against; or how often, for one person."""

    reference: str
    rate: float
    reference_rate: float
    share: bool
    comparisons: int = 0
    """Made in that week."""
    naive: int = 0
    """Those that four fifths alone would call unfair."""
    alerts: int = 0
    """Those that are."""
    known: int = 0
    """Of how many people it is known what would have been right; 0 where the measure does not ask."""
    naive_alarms: float = 0.0
    """At least so often four fifths alone would alarm in such a week where all are treated alike; 0: not known."""
    alarms: float = 0.0
    """At most so often this rule would."""
    within: Within | None = None
    """The same within segments; None where that was not compared."""


class Probing(msgspec.Struct, frozen=True):
    """How often an agent showed a trait, of all chances, and how often others would have."""

    share: float
    others: float


class Customers(msgspec.Struct, frozen=True):
    """Customers of a day, which begins at `at_ms`."""

    at_ms: int
    customers: int


class AddingUp(msgspec.Struct, frozen=True):
    """How many customers an agent has read, day by day."""

    days: tuple[Customers, ...] = ()


class Novelty(msgspec.Struct, frozen=True):
    """Values that had never been there."""

    field: str
    values: tuple[str, ...]
