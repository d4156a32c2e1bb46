"""What reviewers say of the decisions that each version of a model has led to: how many are wrong. Pure.

Of several tenants the estimates add up: each draws its own decisions, independently of the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.insights.review.agreement import Agreement
from services.insights.review.sampling import ErrorRate, Sums, error_rate
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import WRONG, Item
from services.reviews.numbers import agreed, reviewed

Version = tuple[str, str]
"""Name of a model, and of its version."""


class Reviewed(NamedTuple):
    """What was reviewed in a tenant."""

    settled: Sequence[Item]
    hours: Mapping[int, Drawn]
    """Those that were drawn, since the epoch."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Of the decisions that a version led to those of one agent, or all."""

    agent: str
    """Empty: of all agents."""
    decisions: int
    """All that could have been drawn, in hours that are wholly reviewed."""
    reviewed: int
    """Drawn ones of them that people have judged."""
    rate: ErrorRate | None
    """How many of all decisions are wrong; None below 10 reviews."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What reviewers say of a version."""

    settled: int
    """Decisions that people have judged; those too that were not drawn but flagged."""
    found: int
    """Wrong ones among them; no share of all, since risky ones are drawn more often."""
    all: Part
    agents: tuple[Part, ...]
    """Those of which enough is known, the ones with most decisions first; none where that is only one."""
    agreement: Agreement


NOTHING = Evaluation(
    settled=0,
    found=0,
    all=Part(agent="", decisions=0, reviewed=0, rate=None),
    agents=(),
    agreement=agreed(()),
)
"""Of a version that nobody has judged anything of."""


def evaluations(tenants: Iterable[Reviewed]) -> Mapping[Version, Evaluation]:
    """Of each version that reviewers have said anything of; what was settled in the same time in all tenants."""
    settled: dict[Version, list[Item]] = {}
    sums: dict[Version, dict[str, Sums]] = {}
    counts: dict[Version, dict[str, int]] = {}
    for items, hours in tenants:
        own = [each for each in items if each.known is None]
        complete = reviewed(own, hours)
        for agent, *version, count in (each for hour in complete for each in hours[hour].led):
            there = counts.setdefault((version[0], version[1]), {})
            there[agent] = there.get(agent, 0) + count
        for each in own:
            settled.setdefault((each.model, each.model_version), []).append(each)
            if each.chance and each.received_ms // HOUR_MS in complete:
                said = Sums.of([each.outcome in WRONG], probabilities=[each.chance])
                whose = sums.setdefault((each.model, each.model_version), {})
                whose[each.agent] = whose.get(each.agent, Sums()) + said
    return {
        version: _evaluation(items, sums=sums.get(version, {}), counts=counts.get(version, {}))
        for version, items in settled.items()
    }


def _evaluation(items: Sequence[Item], *, sums: Mapping[str, Sums], counts: Mapping[str, int]) -> Evaluation:
    agents = [each for each in _parts(sums, counts) if each.rate is not None]
    return Evaluation(
        settled=len(items),
        found=sum(each.outcome in WRONG for each in items),
        all=_part("", sum(sums.values(), Sums()), sum(counts.values())),
        agents=tuple(agents) if len(counts) > 1 else (),
        agreement=agreed(items),
    )


def _parts(sums: Mapping[str, Sums], counts: Mapping[str, int]) -> Iterator[Part]:
    for agent, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        yield _part(agent, sums.get(agent, Sums()), count)


def _part(agent: str, sums: Sums, count: int) -> Part:
    decisions = max(count, sums.reviewed)
    rate = error_rate(sums, decisions=decisions)
    return Part(agent=agent, decisions=decisions, reviewed=sums.reviewed, rate=rate)
