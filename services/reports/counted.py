"""What a report is made of: numbers that were counted, and what people did. Times are milliseconds since the epoch."""

from collections.abc import Mapping

import msgspec

from gateway.core.policy.learning import Rollout
from services.findings.finding import Finding
from services.findings.pressure import Pressure


class Counted(msgspec.Struct, frozen=True):
    """The most frequent values of a field, each with how many decisions have it."""

    values: tuple[tuple[str, int], ...] = ()
    """Empty names are decisions that have none."""
    more: int = 0
    """Further values, which are not told."""

    def of(self, value: str) -> int:
        """How many have that value."""
        return dict(self.values).get(value, 0)

    @property
    def named(self) -> tuple[tuple[str, int], ...]:
        """Without those that have none."""
        return tuple(each for each in self.values if each[0])


class Bucket(msgspec.Struct, frozen=True):
    """Decisions that were received within one step of time, by verdict."""

    start_ms: int
    verdicts: Mapping[str, int]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the log has signed of itself."""

    origin: str
    size: int
    root: str
    """64 hexadecimal digits."""
    signed_ms: int
    note: str
    """It, with its signatures."""
    key: str
    """The verifier key that signs this log."""
    valid: bool
    """Whether the note says this size and root and is signed by that key."""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """A change that somebody has made, or a look at something personal, as the log notes it."""

    kind: str
    """"change", "access" or "erasure"."""
    operation: str
    resource: str
    person: str
    at_ms: int


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A revision that became active."""

    number: int
    author: str
    approvers: tuple[str, ...]
    how: str
    activated_ms: int


class Held(msgspec.Struct, frozen=True):
    """A call that waited for a person who has decided about it."""

    kept_ms: int
    decided_ms: int


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite of probes came to for a model version."""

    suite: str
    """With its tenant: "acme/contacts"."""
    passed: bool
    cases: int
    failed: tuple[str, ...]
    """Names of the probes that do not hold."""
    ran_ms: int
    by: str


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How many decisions of an agent under a model version are wrong, as reviews have it."""

    tenant: str
    agent: str
    decisions: int
    """All that could have been drawn, in hours that are wholly reviewed."""
    reviewed: int
    wrong: int
    """Among the reviewed."""
    rate: tuple[float, float, float] | None
    """Share of all that is wrong, with its interval of 95 %: value, low, high; `None`: too few to say."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a rollout."""

    revision: int
    at_ms: int
    author: str
    """Empty: the controller."""
    rollout: Rollout
    """As it stood from then on."""


class Versioned(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model version beside its calls."""

    known: bool
    """Whether the active policy has it, so that what it was probed with can be told."""
    probed: tuple[Probed, ...]
    labels: Mapping[str, int]
    """How often reviews came to each label."""
    judged: tuple[Judged, ...]
    moves: tuple[Move, ...]
    """The oldest first."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of a period, of one tenant or all. It ends before `end_ms`."""

    tenant: str
    """Empty: all tenants that whoever asks may see."""
    start_ms: int
    end_ms: int
    made_ms: int
    total: int
    """Decisions that were received."""
    facets: Mapping[str, Counted]
    """By the names of fields."""
    refused: Mapping[str, Counted]
    """The same of those that were refused."""
    contacts: Mapping[str, Counted]
    """The same of contacts that were let through."""
    contacted: int
    """Contacts that were let through."""
    buckets: tuple[Bucket, ...]
    width_ms: int
    held: int
    """Calls that were kept for a person."""
    reviewed: int
    """Decisions that a person has decided on."""
    acted_alone: int
    """Calls about a person that were let through, or refused, without one who decided."""
    about_people: int
    """Calls that concern a customer."""
    short_kept: int
    """Decisions that are kept for less than 183 days."""
    waits: tuple[Held, ...] = ()
    """How long people took; of at most 1,000 holds."""
    deeds: tuple[Deed, ...] = ()
    deeds_cut: bool = False
    """Whether there were more of them than were read."""
    revisions: tuple[Made, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Those that were seen in the period, or closed within it."""
    unreadable: tuple[str, ...] = ()
    """Segments of the store that could not be read."""
    pressures: tuple[Pressure, ...] = ()
    """How customers are solicited, by tenant: of the weeks that were looked at last, where they touch the period."""
    version: Versioned | None = None
    """Of the report of a model version."""
    checkpoint: Checkpoint | None = None
    """`None`: nothing is signed yet."""
