"""What a digest says of objectives: how they stand, which are at risk, and why. Pure."""

from collections.abc import Iterator

from gateway.core.progress import share_of_target
from services.cockpit.watched import Watched
from services.digest.told import Goal
from services.digest.words import NOTHING, Words
from services.findings import objectives
from services.findings import texts as findings_texts
from services.insights.pace.standing import Range, Stands
from services.reports.document import Block, Figure, Paragraph, Plot, Series, Table


def at_risk(goals: tuple[Goal, ...]) -> tuple[tuple[Goal, Watched], ...]:
    """What is proven to be at risk, objective by objective."""
    return tuple((goal, each) for goal in goals if goal.watch is not None for each in goal.watch.at_risk)


def blocks(words: Words) -> Iterator[Block]:
    """All of it."""
    goals = words.told.goals
    if not goals:
        yield Paragraph(words.say("goals-none"))
        return
    for goal, each in at_risk(goals):
        part = findings_texts.say(f"about-{each.part}", language=words.language)
        measure = objectives.named(each.measure, language=words.language)
        said = " ".join(_alert(words, each))
        yield Paragraph(words.say("alert", goal=words.goal(goal), part=part, measure=measure, said=said), tone="bad")
    rows = tuple(_row(words, goal) for goal in goals)
    yield Table(words.say("goals-caption"), tuple(words.say("goals-columns").split("|")), rows, (1, 2, 3))
    shares = [(words.goal(goal), share) for goal in goals if (share := reached(goal)) is not None]
    if shares:
        bars = ", ".join(f"{name} {words.percent(share)}" for name, share in shares)
        names, values = zip(*shares, strict=True)
        series = Series("", tuple(100 * each for each in values))
        plot = Plot(names, (series,), words.say("goals-unit"), "bars")
        yield Figure(words.say("goals-plot"), words.say("goals-alt", bars=bars), plot)


def reached(goal: Goal) -> float | None:
    """Which share of its target it has reached; `None` where too little is known, or less is better."""
    if goal.less_is_better or goal.progress is None or goal.progress.value is None:
        return None
    return share_of_target(goal.kpi, goal.progress.value, target=goal.target)


def state_of(goal: Goal, *, made_ms: int) -> str:
    """The key of its state."""
    if made_ms >= goal.end_ms:
        return "state-over"
    if goal.watch is not None and goal.watch.at_risk:
        return "state-at-risk"
    targets = [] if goal.watch is None else [each.stands for each in goal.watch.watched]
    return "state-well" if targets and all(each is Stands.WELL for each in targets) else "state-open"


def elapsed(goal: Goal, *, made_ms: int) -> float:
    """The share of its period that is over."""
    return min(1.0, max(0.0, (made_ms - goal.start_ms) / (goal.end_ms - goal.start_ms)))


def _row(words: Words, goal: Goal) -> tuple[str, ...]:
    sign = "\N{LESS-THAN OR EQUAL TO}" if goal.less_is_better else "\N{GREATER-THAN OR EQUAL TO}"
    progress, now = goal.progress, NOTHING
    if progress is not None and progress.value is not None:
        now = words.amount(goal, progress.value)
        if progress.low is not None and progress.high is not None:
            low, high = words.amount(goal, progress.low), words.amount(goal, progress.high)
            now = words.say("value", value=now, low=low, high=high)
    return (
        f"{words.goal(goal)} ({objectives.named(goal.kpi, language=words.language)})",
        f"{sign}\N{NO-BREAK SPACE}{words.amount(goal, goal.target)}",
        now,
        words.percent(elapsed(goal, made_ms=words.told.made_ms)),
        words.say(state_of(goal, made_ms=words.told.made_ms)),
    )


def _alert(words: Words, each: Watched) -> tuple[str, ...]:
    """As its finding says it, without how long it stays."""
    shown = {
        "limit": each.limit,
        "now": _ends(each.now),
        "end": _ends(each.end),
        "days": each.days,
        "out": each.runs_out_ms,
    }
    said = objectives.told(
        {each.part: each.measure},
        shown,
        level=words.percent(each.level),
        n=words.number(each.n),
        amount=lambda value: words.measured(each.measure, value),
        language=words.language,
    )
    return said[:-2]


def _ends(each: Range | None) -> list[float]:
    return [] if each is None else [each.value, each.low, each.high]
