"""What a digest consists of, before it is a mail or a PDF: from what was told to a document. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from gateway.core.texts import moment
from services.cockpit.days import DAY_MS
from services.digest import advice, goals
from services.digest.lines import Line, of_settled, of_week, proven
from services.digest.told import Numbers, Told
from services.digest.week import week_named
from services.digest.words import NOTHING, Words
from services.findings.wording import title
from services.reports.document import (
    Block,
    Document,
    Figure,
    Glance,
    Paragraph,
    Plot,
    Section,
    Series,
    Table,
    Tile,
)

FELT = "pressure_much_too_much"


def digest(told: Told, *, language: str) -> Document:
    """It, in one language."""
    words, week = Words(told, language), week_named(told.week)
    parts: Mapping[str, Iterator[Block]] = {
        "glance": _glance(words),
        "goals": goals.blocks(words),
        "week": _week(words),
        "settled": _settled(words),
        "pressure": _pressure(words),
        "rules": _rules(words),
        "policy": _policy(words),
        "findings": _findings(words),
        "next": (Paragraph(words.say("item", said=each)) for each in advice.steps(words)),
    }
    return Document(
        title=words.say("title", tenant=told.tenant, week=told.week),
        subtitle=words.say(
            "subtitle",
            start=words.day(week.start_ms),
            end=words.day(week.end_ms - DAY_MS),
            made=moment(told.made_ms // 1000 * 1000, language=language),
        ),
        language=language,
        made_ms=told.made_ms,
        sections=tuple(Section(words.say(name), tuple(blocks)) for name, blocks in parts.items()),
    )


def preheader(told: Told, *, language: str) -> str:
    """What a mailbox shows beside the subject."""
    words, running = Words(told, language), [each for each in told.goals if told.made_ms < each.end_ms]
    return words.say(
        "preheader",
        contacts=words.number(told.now.contacts),
        risks=_risks(told),
        goals=len(running),
    )


def _glance(words: Words) -> Iterator[Block]:
    told = words.told
    if not (told.now.contacts or told.now.refusals or told.now.figures):
        yield Paragraph(words.say("nothing-kept"))
    running = [each for each in told.goals if told.made_ms < each.end_ms]
    risks = _risks(told)
    yield Glance(
        (
            Tile(
                words.say("tile-contacts"),
                words.number(told.now.contacts),
                words.say("tile-before", before=words.number(told.before.contacts)),
            ),
            _tile(words, "tile-incremental", "incremental_revenue_cents"),
            _tile(words, "tile-pressure", FELT),
            Tile(
                words.say("tile-goals"),
                words.number(risks) if running else NOTHING,
                words.say("tile-of", n=len(running)) if running else words.say("tile-none"),
                "bad" if risks else "good" if running else "",
            ),
        )
    )
    found = [f"{words.kpi(each.kpi)} {words.called(each)}" for each in proven(told)]
    worse = any(each.good is False for each in proven(told))
    said = words.say("stands-out", what="; ".join(found)) if found else words.say("stands-out-not")
    yield Paragraph(said, tone="bad" if worse else "")


def _tile(words: Words, key: str, kpi: str) -> Tile:
    figure = words.told.now.figures.get(kpi)
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return Tile(words.say(key), NOTHING, words.say("called-unknown"))
    low, high = words.value(kpi, figure.low), words.value(kpi, figure.high)
    note = words.say("tile-interval", low=low, high=high, n=words.number(figure.n))
    return Tile(words.say(key), words.value(kpi, figure.value), note)


def _week(words: Words) -> Iterator[Block]:
    told, before = words.told, week_named(words.told.week).before().name
    head = tuple(words.say("week-columns").split("|"))
    caption = words.say("week-caption", week=told.week, before=before)
    yield Table(caption, head, _rows(words, of_week(told)), (1, 2))
    yield Paragraph(words.say("week-open"))
    if told.course:
        names = tuple(name for name, _ in told.course)
        made = Series(words.say("made"), tuple(float(each.contacts) for _, each in told.course))
        refused = Series(words.say("refused"), tuple(float(each.refusals) for _, each in told.course))
        last = told.course[-1][1]
        alt = words.say(
            "contacts-alt",
            weeks=len(names),
            contacts=words.number(last.contacts),
            refusals=words.number(last.refusals),
        )
        plot = Plot(names, (made, refused), words.say("contacts-unit"))
        yield Figure(words.say("contacts-plot"), alt, plot)


def _settled(words: Words) -> Iterator[Block]:
    told, week = words.told, week_named(words.told.week).settled
    if not told.settled.contacts:
        yield Paragraph(words.say("settled-none"))
        return
    names = {"week": week.name, "before": week.before().name}
    head = tuple(words.say("settled-columns", **names).split("|"))
    yield Table(words.say("settled-caption", **names), head, _rows(words, of_settled(told)), (1, 2))


def _rows(words: Words, lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (words.kpi(each.kpi), words.figure(each.kpi, each.now), words.figure(each.kpi, each.before), words.called(each))
        for each in lines
    )


def _pressure(words: Words) -> Iterator[Block]:
    told = words.told
    figures = [told.now.figures.get(name) for name in ("pressure_p50", "pressure_p95", "never_contacted_rate")]
    p50, p95, never = (None if each is None else each.value for each in figures)
    if p50 is None or p95 is None or never is None:
        yield Paragraph(words.say("pressure-few"))
    else:
        shares = {"p50": words.number(p50), "p95": words.number(p95), "never": words.percent(never)}
        yield Paragraph(words.say("pressure-said", **shares))
    points = [(name, *ends) for name, each in told.course if (ends := _ends(each)) is not None]
    if len(points) > 1:
        names, *columns = zip(*points, strict=True)
        said = ", ".join(f"{name} {words.percent(value)}" for name, value, *_ in points)
        series = tuple(
            Series(name, tuple(100 * each for each in column))
            for name, column in zip(("value", "low", "high"), columns, strict=True)
        )
        plot = Plot(tuple(names), series, words.say("felt-unit"), "ranges")
        yield Figure(words.say("felt-plot"), words.say("felt-alt", points=said), plot)


def _ends(numbers: Numbers) -> tuple[float, float, float] | None:
    figure = numbers.figures.get(FELT)
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return None
    return figure.value, figure.low, figure.high


def _rules(words: Words) -> Iterator[Block]:
    told = words.told
    if not told.rules:
        yield Paragraph(words.say("rules-none"))
        return
    yield Paragraph(words.say("rules-said", refusals=words.number(told.now.refusals)))
    rows = tuple(
        (
            each.rule,
            words.number(each.refusals),
            words.figure("blocked_revenue_cents", each.blocked),
            words.figure("protected_value_cents", each.protected),
        )
        for each in told.rules
    )
    yield Table(words.say("rules-caption"), tuple(words.say("rules-columns").split("|")), rows, (1, 2, 3))


def _policy(words: Words) -> Iterator[Block]:
    told = words.told
    if not told.changes:
        yield Paragraph(words.say("policy-none"))
        return
    rows = tuple(
        (
            str(each.number),
            words.day(each.activated_ms),
            each.author or NOTHING,
            ", ".join(each.approvers) or NOTHING,
            each.reason or (words.say(f"how-{each.how}") if each.how in {"rollback", "rollout"} else NOTHING),
        )
        for each in told.changes
    )
    yield Table(words.say("policy-caption"), tuple(words.say("policy-columns").split("|")), rows, (0,))


def _findings(words: Words) -> Iterator[Block]:
    told = words.told
    for each in told.findings:
        yield Paragraph(words.say("item", said=title(each, language=words.language)))
    if not told.findings:
        yield Paragraph(words.say("findings-none"))
    if told.open_findings:
        yield Paragraph(words.say("findings-open", n=words.number(told.open_findings)))


def _risks(told: Told) -> int:
    return len({goal.name for goal, _ in goals.at_risk(told.goals)})
