"""A week as a digest tells it: an objective at risk, a rule that blocked much, more pressure than before."""

from typing import Any

import msgspec

from gateway.core.progress import Progress
from services.cockpit.days import DAY_MS
from services.cockpit.watched import Watch, Watched
from services.digest.told import Changed, Goal, Numbers, Ruled, Told
from services.digest.week import week_named
from services.insights.kpis.figures import Figure
from services.insights.pace.standing import Range, Stands

WEEK = week_named("2026-W47")
MADE_MS = WEEK.end_ms + 3_600_000


def figure(value: float, low: float, high: float, n: int = 3_000) -> Figure:
    return Figure(value=value, low=low, high=high, n=n)


def numbers(contacts: int, refusals: int, *, by: float = 1.0) -> Numbers:
    """A week in which shares and revenue are so many times the usual ones."""
    return Numbers(
        contacts=contacts,
        refusals=refusals,
        figures={
            "activation_rate": figure(0.12 * by, 0.11 * by, 0.13 * by),
            "conversion_rate": figure(0.031 * by, 0.026 * by, 0.036 * by),
            "revenue_cents": figure(8_123_456 * by, 7_900_000 * by, 8_400_000 * by),
            "incremental_revenue_cents": figure(1_812_300, 900_000, 2_700_000, 420),
            "departure_rate": figure(0.004, 0.002, 0.007),
            "nps": figure(31, 27, 35, 900),
            "pressure_much_too_much": figure(0.18 * by**2, 0.15 * by**2, 0.21 * by**2, 610),
            "pressure_a_bit_too_much": Figure(n=12),
            "pressure_p50": figure(2, 2, 2),
            "pressure_p95": figure(5, 5, 6),
            "never_contacted_rate": figure(0.22, 0.21, 0.23),
        },
    )


RISKS = (
    Watched(
        part="target",
        measure="conversion_rate",
        stands=Stands.AT_RISK,
        limit=0.05,
        now=Range(0.025, 0.021, 0.029),
        end=Range(0.03, 0.025, 0.035),
        n=4_000,
        days=20,
        level=0.9875,
        since_ms=5,
    ),
    Watched(
        part="budget",
        measure="contacts",
        stands=Stands.AT_RISK,
        limit=20_000,
        now=Range(9_000, 8_800, 9_200),
        end=Range(24_000, 23_000, 25_000),
        n=9_000,
        days=35,
        level=0.9875,
        runs_out_ms=MADE_MS + 30 * DAY_MS,
        since_ms=5,
    ),
)


def goal(name: str, **fields: Any) -> Goal:
    """An objective that is half over."""
    given: dict[str, Any] = {
        "kpi": "conversion_rate",
        "target": 0.05,
        "less_is_better": False,
        "start_ms": MADE_MS - 40 * DAY_MS,
        "end_ms": MADE_MS + 40 * DAY_MS,
    }
    return Goal(name=name, **(given | fields))


def week(**fields: Any) -> Told:
    """All of it."""
    spring = goal(
        "spring",
        title={"en": "Summer offer", "fr": "Offre d’été"},
        progress=Progress(at_ms=5, value=0.025, low=0.02, high=0.03, n=4_000, contacts=9_000),
        watch=Watch(at_ms=5, watched=RISKS),
    )
    quiet = goal("quiet", kpi="nps", target=40, progress=Progress(at_ms=5, value=31, low=27, high=35, n=900))
    told = Told(
        tenant="acme",
        week=WEEK.name,
        made_ms=MADE_MS,
        currency="EUR",
        now=numbers(12_430, 1_210, by=1.3),
        before=numbers(11_020, 900),
        settled=numbers(10_000, 800, by=0.7),
        settled_before=numbers(9_800, 700),
        course=tuple((WEEK.before(7 - at).name, numbers(9_000 + 100 * at, 700, by=1 + at / 30)) for at in range(8)),
        rules=(
            Ruled(
                rule="marketing-cap",
                refusals=800,
                blocked=figure(900_000, 600_000, 1_200_000, 800),
                protected=figure(300_000, 150_000, 450_000, 800),
            ),
            Ruled(rule="quiet-hours", refusals=410, blocked=Figure(n=410), protected=Figure(n=410)),
        ),
        goals=(spring, quiet),
        changes=(
            Changed(
                number=14,
                author="carl",
                approvers=("ivo",),
                how="apply",
                reason="Two a week",
                activated_ms=WEEK.start_ms + DAY_MS,
            ),
        ),
        open_findings=3,
    )
    return msgspec.structs.replace(told, **fields)
