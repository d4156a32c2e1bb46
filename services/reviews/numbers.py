"""What reviews tell: agreement, attention, time, and how many of all decisions are wrong, each with its interval. Pure.

Error rates are estimated from hours whose drawn decisions are all settled: an hour of which some still wait would tell
of the quick ones only. Items with a known answer count for attention alone. What nobody could tell counts as right.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec
import numpy as np

from services.insights.pressure import intervals
from services.insights.review.agreement import Agreement, agreement, confusion
from services.insights.review.sampling import ErrorRate, Sums, error_rate
from services.insights.signals.alerts import LEVEL
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import LABELS, WRONG, Answer, Item, Label

WINDOW_MS: Final = 28 * 24 * HOUR_MS
"""Of which numbers are told, unless somebody asks for other ones."""
Whose = tuple[str, str, str]
"""Agent, model and version."""
READING_MS: Final = 5_000
"""Nobody reads a decision with its explanation in less."""


class Share(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A share with its interval."""

    count: int
    of: int
    value: float | None = None
    """0 to 1; None of nothing."""
    low: float = 0.0
    """By Clopper and Pearson, with 95 % confidence; likewise `high`."""
    high: float = 1.0


class Attention(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a person, or all of them, look."""

    reviewer: str
    """Empty: all of them."""
    answers: int
    known: Share
    """Items whose answer is known, and that were answered so."""
    caught: Share
    """Of those that are known to be wrong the ones that were called wrong."""
    hasty: Share
    """Answers in less time than reading takes: 5 seconds."""
    median_ms: int | None = None
    """From being shown a decision to the answer; None without any. Likewise the next one, of nine in ten."""
    most_ms: int | None = None


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """How many decisions of an agent under a version are wrong."""

    agent: str
    model: str
    """Empty: the version is the agent's own, if it has any."""
    model_version: str
    decisions: int
    """All that could have been drawn, in hours that are wholly reviewed."""
    found: int
    """Wrong ones among those that were reviewed; no share of all, since risky ones are drawn more often."""
    rate: ErrorRate | None
    """None below 10 reviews."""
    sums: Sums


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    settled: int
    labels: Mapping[Label, int]
    """How often each outcome was come to; without items whose answer was known."""
    agreement: Agreement
    all: Attention
    each: tuple[Attention, ...]
    """By reviewer, in the order of their names."""
    wrong: tuple[Wrong, ...]
    """By agent and version, the ones with most decisions first."""
    hours: int
    """Hours that were drawn and wholly reviewed; the others count for no error rate yet."""
    hours_drawn: int


def numbers(settled: Sequence[Item], hours: Mapping[int, Drawn]) -> Numbers:
    """What settled items tell, and the hours that were drawn."""
    own = [each for each in settled if each.known is None]
    complete, wrong = wrong_of(settled, hours)
    return Numbers(
        settled=len(own),
        labels={label: sum(each.outcome is label for each in own) for label in LABELS},
        agreement=agreed(own),
        all=attention(settled),
        each=attentions(settled),
        wrong=wrong,
        hours=complete,
        hours_drawn=len(hours),
    )


def agreed(settled: Iterable[Item], *, level: float = LEVEL) -> Agreement:
    """How far the first two who judged a decision agree, neither knowing what the other says."""
    pairs = [each.answers[:2] for each in settled if each.known is None and each.wanted == 2 and len(each.answers) > 1]
    one, other = ([LABELS.index(pair[at].label) for pair in pairs] for at in (0, 1))
    return agreement(confusion(one, other, labels=len(LABELS)), level=level)


def attentions(settled: Sequence[Item]) -> tuple[Attention, ...]:
    """How each one looks who has judged any, in the order of their names."""
    people = sorted({answer.by for each in settled for answer in each.answers})
    return tuple(attention(settled, who) for who in people)


def attention(settled: Iterable[Item], who: str = "") -> Attention:
    """How somebody looks; empty: all of them together."""
    said = [(each, answer) for each in settled for answer in each.answers if who in ("", answer.by)]
    known = [(each, answer) for each, answer in said if each.known is not None]
    bad = [answer for each, answer in known if each.known in WRONG]
    times = [answer.took_ms for _, answer in said]
    return Attention(
        reviewer=who,
        answers=len(said),
        known=share(sum(answer.label is each.known for each, answer in known), len(known)),
        caught=share(sum(caught(answer) for answer in bad), len(bad)),
        hasty=share(sum(each < READING_MS for each in times), len(times)),
        median_ms=round(float(np.quantile(times, 0.5))) if times else None,
        most_ms=round(float(np.quantile(times, 0.9))) if times else None,
    )


def caught(answer: Answer) -> bool:
    """Whether somebody has called a decision wrong."""
    return answer.label in WRONG


def share(count: int, of: int) -> Share:
    """A share with its interval (Clopper, Pearson 1934)."""
    found = intervals.share(count, of, alpha=1 - LEVEL)
    if found is None:
        return Share(count=0, of=0)
    return Share(count=count, of=of, value=found.value, low=found.low, high=found.high)


def reviewed(settled: Iterable[Item], hours: Mapping[int, Drawn]) -> frozenset[int]:
    """The hours of which all that was drawn is settled, and all decisions are known by model."""
    counts: dict[int, int] = {}
    for each in settled:
        if each.chance:
            hour = each.received_ms // HOUR_MS
            counts[hour] = counts.get(hour, 0) + 1
    return frozenset(hour for hour, drawn in hours.items() if drawn.led and counts.get(hour, 0) >= drawn.items)


def wrong_of(settled: Sequence[Item], hours: Mapping[int, Drawn]) -> tuple[int, tuple[Wrong, ...]]:
    """How many hours are wholly reviewed, and how many decisions were wrong in them, the most decisions first."""
    complete = reviewed(settled, hours)
    there: dict[Whose, int] = {}
    for hour in complete:
        for agent, model, version, count in hours[hour].led:
            there[agent, model, version] = there.get((agent, model, version), 0) + count
    theirs: dict[Whose, list[Item]] = {}
    for each in settled:
        if each.known is None and each.chance and each.received_ms // HOUR_MS in complete:
            theirs.setdefault((each.agent, each.model, each.model_version), []).append(each)
    found = [_of(whose, count, theirs.get(whose, [])) for whose, count in there.items()]
    order = attrgetter("agent", "model", "model_version")
    return len(complete), tuple(sorted(found, key=lambda each: (-each.decisions, *order(each))))


def at_level(wrong: Wrong, level: float) -> Wrong:
    """The same with an interval of that level."""
    decisions = max(wrong.decisions, wrong.sums.reviewed)
    return msgspec.structs.replace(wrong, rate=error_rate(wrong.sums, decisions=decisions, level=level))


def _of(whose: Whose, decisions: int, items: Sequence[Item]) -> Wrong:
    sums = Sums.of([each.outcome in WRONG for each in items], probabilities=[each.chance for each in items])
    agent, model, version = whose
    bare = Wrong(
        agent=agent,
        model=model,
        model_version=version,
        decisions=decisions,
        found=sums.wrong,
        rate=None,
        sums=sums,
    )
    return at_level(bare, LEVEL)
