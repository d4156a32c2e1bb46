"""A digest as programs see it: numbers with their intervals, what is proven of them, and the same in words."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from services.cockpit.viewing import date_of
from services.control.times import at
from services.digest import advice, goals
from services.digest.lines import Line, of_settled, of_week
from services.digest.making import Found
from services.digest.outline import digest
from services.digest.week import week_named
from services.digest.words import Words
from services.insights.kpis.figures import Figure


class FigureShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A KPI with its interval; null where there are too few to say it. Money is in cents."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class LineShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One KPI in two weeks."""

    kpi: str
    now: FigureShown
    before: FigureShown
    difference: float | None
    """Null, here and in the next two: too few to say; or nothing is known of that side."""
    low: float | None
    high: float | None
    proven: str
    """"more" or "less"; "same": neither; "open": outcomes are still to come; "unknown": too few to say."""


class RiskShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A number of an objective that is proven to be at risk."""

    part: str
    measure: str
    limit: float


class GoalShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An objective whose period touches the week, as it stood when the digest was made."""

    objective: str
    """`objectives/{objective}`."""
    kpi: str
    target: float
    value: float | None
    low: float | None
    high: float | None
    n: int
    share_of_target: float | None
    elapsed: float
    """Share of its period that was over."""
    risks: tuple[RiskShown, ...]


class RuleShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one rule, limit or cap refused in the week."""

    rule: str
    refusals: int
    blocked_cents: FigureShown
    protected_cents: FigureShown


class ChangeShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A revision that became active in the week."""

    revision: str
    """`revisions/{number}`."""
    author: str
    approvers: tuple[str, ...]
    reason: str
    activate_time: dt.datetime


class DigestShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The digest of one week of one tenant. It names no customer."""

    name: str
    """`digests/{tenant}/{week}`."""
    tenant: str
    week: str
    """ISO week in UTC, such as "2026-W47"."""
    first_day: str
    last_day: str
    """Included."""
    make_time: dt.datetime
    kept: bool
    """It was kept when the week was over, and stays as it is; else it is made now, each time it is asked for."""
    currency: str
    contacts: int
    contacts_before: int
    refusals: int
    kpis: tuple[LineShown, ...]
    """This week against the one before."""
    settled_week: str
    """The last one of which every outcome was known."""
    settled: tuple[LineShown, ...]
    """The KPIs of that one against the one before it."""
    objectives: tuple[GoalShown, ...]
    rules: tuple[RuleShown, ...]
    changes: tuple[ChangeShown, ...]
    open_findings: int
    title: str
    """In the reader's language; likewise the next one."""
    next_steps: tuple[str, ...]


class DigestListed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A digest that is to be had."""

    name: str
    """`digests/{tenant}/{week}`."""
    tenant: str
    week: str
    kept: bool


class DigestsListed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Digests, the newest first."""

    digests: tuple[DigestListed, ...]
    next_page_token: str = ""


def shown(found: Found, *, language: str) -> DigestShown:
    """It, in that language."""
    told, week = found.told, week_named(found.told.week)
    made_of = Words(told, language)
    return DigestShown(
        name=f"digests/{told.tenant}/{told.week}",
        tenant=told.tenant,
        week=told.week,
        first_day=date_of(week.span.first),
        last_day=date_of(week.span.last),
        make_time=at(told.made_ms),
        kept=found.kept,
        currency=told.currency,
        contacts=told.now.contacts,
        contacts_before=told.before.contacts,
        refusals=told.now.refusals,
        kpis=_lines(of_week(told)),
        settled_week=week.settled.name,
        settled=_lines(of_settled(told)),
        objectives=tuple(
            GoalShown(
                objective=f"objectives/{each.name}",
                kpi=each.kpi,
                target=each.target,
                value=each.progress.value if each.progress else None,
                low=each.progress.low if each.progress else None,
                high=each.progress.high if each.progress else None,
                n=each.progress.n if each.progress else 0,
                share_of_target=goals.reached(each),
                elapsed=goals.elapsed(each, made_ms=told.made_ms),
                risks=tuple(
                    RiskShown(part=risk.part, measure=risk.measure, limit=risk.limit)
                    for _, risk in goals.at_risk((each,))
                ),
            )
            for each in told.goals
        ),
        rules=tuple(
            RuleShown(
                rule=each.rule,
                refusals=each.refusals,
                blocked_cents=_figure(each.blocked),
                protected_cents=_figure(each.protected),
            )
            for each in told.rules
        ),
        changes=tuple(
            ChangeShown(
                revision=f"revisions/{each.number}",
                author=each.author,
                approvers=each.approvers,
                reason=each.reason,
                activate_time=at(each.activated_ms),
            )
            for each in told.changes
        ),
        open_findings=told.open_findings,
        title=digest(told, language=language).title,
        next_steps=advice.steps(made_of),
    )


def _lines(lines: Sequence[Line]) -> tuple[LineShown, ...]:
    return tuple(
        LineShown(
            kpi=each.kpi,
            now=_figure(each.now),
            before=_figure(each.before),
            difference=each.difference.value if each.difference else None,
            low=_end(each.difference.low) if each.difference else None,
            high=_end(each.difference.high) if each.difference else None,
            proven=each.called,
        )
        for each in lines
    )


def _figure(figure: Figure) -> FigureShown:
    return FigureShown(value=figure.value, low=figure.low, high=figure.high, n=figure.n)


def _end(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
