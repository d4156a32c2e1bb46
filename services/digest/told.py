"""What a digest tells of a week: numbers as they were known when it was made. It names no customer.

It is kept as it is, so that what was mailed can be made again to the last byte.
"""

from collections.abc import Mapping

import msgspec

from gateway.core.progress import Progress
from services.cockpit.watched import Watch
from services.findings.finding import Seen
from services.insights.kpis.figures import Figure


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """One week, or a part of it."""

    contacts: int = 0
    refusals: int = 0
    figures: Mapping[str, Figure] = {}
    """By the names of `services.cockpit.measures`."""


class Ruled(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule, limit or cap did in the week."""

    rule: str
    refusals: int
    blocked: Figure
    protected: Figure


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """An objective whose period touches the week, and how it stood when the digest was made."""

    name: str
    title: Mapping[str, str] = {}
    """By language; empty where it has none."""
    kpi: str
    target: float
    less_is_better: bool
    start_ms: int
    end_ms: int
    contacts: int | None = None
    """Of its budget; `None`: unlimited."""
    progress: Progress | None = None
    watch: Watch | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A revision of the policy that became active in the week."""

    number: int
    author: str
    approvers: tuple[str, ...]
    how: str
    reason: str
    activated_ms: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    tenant: str
    week: str
    """Such as "2026-W47"."""
    made_ms: int
    currency: str
    now: Numbers
    before: Numbers
    settled: Numbers
    """The last week of which every outcome is known, four weeks before; and the one before that."""
    settled_before: Numbers
    course: tuple[tuple[str, Numbers], ...] = ()
    """Up to eight weeks, the oldest first, by their names."""
    rules: tuple[Ruled, ...] = ()
    """Those that refused most contacts."""
    goals: tuple[Goal, ...] = ()
    findings: tuple[Seen, ...] = ()
    """What opened in the week and is still open, the gravest first; objectives at risk are told with them."""
    open_findings: int = 0
    changes: tuple[Changed, ...] = ()
