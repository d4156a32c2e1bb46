"""What the reviews of the last 28 days say is wrong: reviewers who do not agree or do not look, and wrong decisions.

Each complete day of a tenant is one look. Three things are looked at, in 7 looks a week, which share the false alarms
that are stated; of several reviewers, or agents and versions, the chance is divided further.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.findings.finding import MOST_DECISIONS, REVIEWER, Seen
from services.insights.review.attention import hasty, rubber_stamps
from services.insights.signals.alerts import FALSE_ALARMS, LEVEL
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import WRONG, Item
from services.reviews.numbers import WINDOW_MS, Attention, Wrong, agreed, at_level, attentions, wrong_of
from services.reviews.rules import ReviewRules
from services.workbench.columns.sums import named
from services.workbench.looks.spans import DAY_MS, Span, of_version, quoted
from services.workbench.looks.telling import gravity

KIND: Final = "review"
LOOKS: Final = 7
"""In a week."""
ALPHA: Final = FALSE_ALARMS / LOOKS / 3
"""Of one of the three things in one look."""
_ALLOWED_HASTE: Final = 0.1


def window_of(now_ms: int) -> Span:
    """The 28 days that end with the last complete day."""
    end_ms = now_ms // DAY_MS * DAY_MS
    return Span(end_ms - WINDOW_MS, end_ms)


def seen_of(
    tenant: str, settled: Sequence[Item], hours: Mapping[int, Drawn], *, rules: ReviewRules, span: Span
) -> Iterator[Seen]:
    """What items that were settled in that time say, and the hours that were drawn."""
    within = {hour: drawn for hour, drawn in hours.items() if span.start_ms <= hour * HOUR_MS < span.end_ms}
    yield from _disagreement(tenant, settled, rules=rules, span=span)
    yield from _inattention(tenant, attentions(settled), rules=rules, span=span)
    _, wrong = wrong_of(settled, within)
    tested = sum(each.rate is not None for each in wrong)
    for each in wrong:
        surely = at_level(each, 1 - 2 * ALPHA / max(tested, 1))
        yield from _errors(tenant, surely, settled, rules=rules, span=span)


def _disagreement(tenant: str, settled: Sequence[Item], *, rules: ReviewRules, span: Span) -> Iterator[Seen]:
    surely = agreed(settled, level=1 - 2 * ALPHA)
    told = agreed(settled)
    if surely.kappa is None or surely.high >= rules.least_kappa:
        return
    apart = [each for each in settled if len({answer.label for answer in each.answers[:2]}) > 1 and each.known is None]
    yield _seen(
        tenant,
        about=(("measure", "agreement"),),
        size=1 - max(surely.high, 0.0) / rules.least_kappa,
        reach=len(apart),
        certainty=1 - FALSE_ALARMS,
        interval=(surely.kappa, told.low, told.high),
        n=surely.items,
        span=span,
        decisions=[each.decision for each in apart],
        shown={"share": told.share, "adjusted": told.adjusted, "least": rules.least_kappa},
    )


def _inattention(tenant: str, people: Sequence[Attention], *, rules: ReviewRules, span: Span) -> Iterator[Seen]:
    stamps = rubber_stamps(
        [each.caught.count for each in people],
        [each.caught.of for each in people],
        wanted=rules.least_caught,
        false_alarms=ALPHA / 2,
    )
    quick = hasty(
        [each.hasty.count for each in people],
        [each.hasty.of for each in people],
        allowed=_ALLOWED_HASTE,
        false_alarms=ALPHA / 2,
    )
    for measure, alerts, against in (
        ("caught", stamps.alerts, rules.least_caught),
        ("haste", quick.alerts, _ALLOWED_HASTE),
    ):
        for alert in alerts:
            who = people[alert.about[0]]
            yield _seen(
                tenant,
                about=((REVIEWER, who.reviewer), ("measure", measure)),
                size=gravity(alert.low, alert.high),
                reach=who.answers,
                certainty=1 - min(1.0, alert.p_value * LOOKS * 6),
                interval=(alert.ratio * against, alert.low * against, alert.high * against),
                n=alert.sample,
                span=span,
                decisions=(),  # that would tell which answers are known
                shown={"measure": measure, "against": against, "seen": alert.seen},
            )


def _errors(tenant: str, wrong: Wrong, settled: Sequence[Item], *, rules: ReviewRules, span: Span) -> Iterator[Seen]:
    rate = wrong.rate
    if rate is None or rate.low <= rules.most_wrong:
        return
    theirs = [
        each.decision
        for each in settled
        if (each.agent, each.model, each.model_version) == (wrong.agent, wrong.model, wrong.model_version)
        and each.outcome in WRONG
        and each.known is None
    ]
    name = named(wrong.model, wrong.model_version)
    version = (("version", name),) if name else ()
    yield _seen(
        tenant,
        about=(("agent", wrong.agent), *version, ("measure", "wrong")),
        size=1 - rules.most_wrong / rate.low,
        reach=round(rate.value * wrong.decisions),
        certainty=1 - FALSE_ALARMS,
        interval=(rate.value, rate.low, rate.high),
        level=rate.level,
        n=rate.reviewed,
        span=span,
        decisions=theirs,
        shown={"most": rules.most_wrong, "decisions": wrong.decisions, "found": wrong.found},
        more=f" AND agent = {quoted(wrong.agent)}" + (f" AND {of_version(name)}" if name else ""),
    )


def _seen(
    tenant: str,
    *,
    about: tuple[tuple[str, str], ...],
    size: float,
    reach: int,
    certainty: float,
    interval: tuple[float, float, float],
    n: int,
    span: Span,
    decisions: Sequence[str],
    shown: Mapping[str, Any],
    level: float = LEVEL,
    more: str = "",
) -> Seen:
    return Seen(
        kind=KIND,
        tenant=tenant,
        about=about,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=size,
        reach=reach,
        certainty=certainty,
        value=interval[0],
        low=interval[1],
        high=interval[2],
        level=level,
        n=n,
        false_alarms=FALSE_ALARMS,
        filter=f"tenant = {quoted(tenant)}{more} AND {span.filter}",
        decisions=tuple(decisions)[-MOST_DECISIONS:],
        shown=shown,
    )
