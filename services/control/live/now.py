"""What happens now, as it is shown. Times are UTC, shares 0 to 1."""

import datetime as dt

import msgspec


class Series(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Calls by time and verdict, the oldest first."""

    start_time: dt.datetime
    step_seconds: int
    allow: tuple[int, ...]
    deny: tuple[int, ...]
    hold: tuple[int, ...]
    defer: tuple[int, ...]


class VerdictShare(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often a verdict was given in the last minute."""

    verdict: str
    calls: int
    share: float


class ReasonShare(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why calls of the last minute were not let through at once; the share is of those."""

    reason: str
    calls: int
    share: float


class AgentCalls(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent did in the last minute. Both names are empty for callers that could not be identified."""

    tenant: str
    agent: str
    calls: int
    refused: int
    """Those that were not let through at once."""


class VersionShare(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of the last minute's calls on its route, or without one of its model, a version served."""

    route: str
    arm: str
    model: str
    version: str
    rollout: str
    """The rollout whose candidate it is; empty for none."""
    calls: int
    share: float


class NearLimit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A bucket that is full to 80 % or more, as a call found it last."""

    tenant: str
    cell: int
    limit: str
    kind: str
    """"rate", "window", "budget", "concurrency" or "quota"."""
    mode: str
    """"enforce", or "monitor" where it refuses nothing."""
    by: str
    """What it counts by, pseudonyms where that concerns a person; empty: all calls."""
    used: int
    capacity: int
    share: float
    seen_time: dt.datetime
    room: str
    """When it takes a call again: "NOW"; "AT" `roomTime`; "BY" then at the latest; "LATER": once a call has ended, or
    the upstream says so; "NEVER"."""
    room_time: dt.datetime | None = None


class Traffic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Calls of the last minutes."""

    calls: int
    """In the last minute."""
    calls_per_second: float
    verdicts: tuple[VerdictShare, ...]
    seconds: Series
    """The last minute."""
    minutes: Series
    """The last 15 minutes."""
    reasons: tuple[ReasonShare, ...]
    agents: tuple[AgentCalls, ...]
    versions: tuple[VersionShare, ...]
    near_limits: tuple[NearLimit, ...]
    total_near_limits: int
    ever_called: bool
    """Whether any agent has ever called."""


class Burn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many times faster than it lasts an error budget was used; `null` without calls."""

    window_seconds: int
    rate: float | None


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why somebody must look."""

    severity: str
    """"PAGE" or "TICKET"."""
    threshold: float
    long_seconds: int
    short_seconds: int


class Objective(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a route does by one of its objectives, over all tenants."""

    route: str
    kind: str
    """"AVAILABILITY" or "LATENCY"."""
    target_percent: float
    within_ms: int = 0
    state: str
    """"MET", "ALERT", "TOO_FEW_CALLS" or "NO_TRAFFIC"."""
    budget_left: float | None
    """Of thirty days, 1 for all; negative when more than all is used; `null` without calls."""
    burns: tuple[Burn, ...]
    """Shortest window first."""
    alerts: tuple[Alert, ...]


class Holds(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Calls that are kept."""

    waiting: int
    oldest_time: dt.datetime | None


class RevisionShare(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many workers run a revision; 0 for none."""

    revision: int
    workers: int


class Refusing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A worker that does not run a newer revision."""

    worker: str
    revision: int
    running: int
    why: str


class Workers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Processes, and which revision they run."""

    active_revision: int
    """0 while none is."""
    workers: int
    revisions: tuple[RevisionShare, ...]
    """The newest first."""
    refusing: tuple[Refusing, ...]
    spooled: int
    """Records on disks of gateways that the store has not taken yet."""


class Stream(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What gateways have written and the audit service has not stored."""

    entries: int
    oldest_time: dt.datetime | None
    quarantined: int
    """Entries that cannot be stored, and were set aside."""


class StopInForce(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is halted."""

    name: str
    tenant: str
    what: str
    reason: str
    by: str
    create_time: dt.datetime


class Unknown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part that is not known now, and what to do."""

    part: str
    reason: str
    message: str


class Now(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happens now, in the tenants that whoever asks may see."""

    time: dt.datetime
    tenants: tuple[str, ...] | None
    """`null`: all."""
    traffic: Traffic | None = None
    objectives: tuple[Objective, ...] | None = None
    holds: Holds | None = None
    workers: Workers | None = None
    stream: Stream | None = None
    stops: tuple[StopInForce, ...] | None = None
    unknown: tuple[Unknown, ...] = ()
    """Why those are `null` that are."""
