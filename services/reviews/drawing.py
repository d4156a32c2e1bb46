"""Which decisions of an hour join the queue, with the probability of each, and known ones among them. Pure.

Decisions are drawn one by one, each with a probability that depends on nothing but itself and how busy its hour was;
it stays with the item, so that what is found of the few estimates all of them without bias.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from services.insights.review.sampling import Rates, drawn, probabilities
from services.insights.signals.alerts import Bools, Floats, Ints
from services.reviews.item import WRONG, Item, Why, id_of
from services.reviews.rules import ReviewRules

HOUR_MS: Final = 3_600_000
_KNOWN: Final = "known"


class Hour(msgspec.Struct, frozen=True, eq=False):
    """The decisions of a tenant in an hour, by column."""

    ids: Sequence[str]
    agents: Sequence[str]
    models: Sequence[str]
    versions: Sequence[str]
    verdicts: Sequence[str]
    at_ms: Ints
    risks: Floats
    """0 to 1."""
    disagrees: Bools
    """Whether a copy of the call got another answer."""


class Drawn(msgspec.Struct, frozen=True):
    """What an estimate needs to know of an hour that was drawn."""

    items: int
    """How many of its decisions were drawn."""
    led: tuple[tuple[str, str, str, int], ...] = ()
    """Of each agent, model and version how many decisions there were; none of an hour that an earlier version of Pilote
    has drawn, which tells of no rate."""


def draw(tenant: str, hour: Hour, *, rules: ReviewRules, seed: int, now_ms: int) -> tuple[Drawn, tuple[Item, ...]]:
    """The items of an hour, and what there was. `seed` is the tenant's secret: who knows it knows who is drawn.

    The same hour under the same rules gives the same items, in whatever order its decisions come.
    """
    rates = Rates(random=rules.random, risk=rules.risk, disagreement=rules.disagreement)
    chances = probabilities(hour.risks, hour.disagrees, rates=rates)
    chances = chances * min(1.0, rules.most_per_hour / max(float(chances.sum()), 1e-9))
    taken = np.flatnonzero(drawn(np.array(hour.ids, dtype=np.bytes_), chances, seed=seed)).tolist()
    items = tuple(
        Item(
            id=id_of(tenant, hour.ids[at], secret=seed),
            tenant=tenant,
            decision=hour.ids[at],
            agent=hour.agents[at],
            model=hour.models[at],
            model_version=hour.versions[at],
            verdict=hour.verdicts[at],
            why=_why(rules, float(hour.risks[at]), disagrees=bool(hour.disagrees[at])),
            received_ms=int(hour.at_ms[at]),
            chance=float(chances[at]),
            created_ms=now_ms,
            due_ms=due_from(rules, now_ms=now_ms),
            wanted=rules.reviewers,
        )
        for at in taken
    )
    led = Counter(zip(hour.agents, hour.models, hour.versions, strict=True))
    return Drawn(len(items), tuple((*whose, count) for whose, count in sorted(led.items()))), items


def due_from(rules: ReviewRules, *, now_ms: int) -> int:
    """By when what joins the queue now is due, milliseconds since the epoch."""
    return now_ms + rules.due_hours * HOUR_MS


def joined(there: Item, drawn: Item) -> Item:
    """An item that is there already, such as a flagged one, now that its decision was drawn as well."""
    return msgspec.structs.replace(there, chance=drawn.chance, version=there.version + 1)


def known_ones(
    pool: Sequence[Item], *, drawn: Sequence[Item], rules: ReviewRules, seed: int, hour: int, now_ms: int
) -> Iterator[Item]:
    """Items with known answers that join those that were drawn: they look like them.

    `pool` are those that somebody has given the right answer of, and those that were found wrong, besides former ones
    with a known answer; whoever has spoken of a decision is given none about it. Decisions that were used least are
    next.
    """
    random = np.random.default_rng((seed, hour))
    sources, used, spoken = _pooled(pool)
    asked = {each.decision for each in pool if each.why is Why.KNOWN and each.created_ms and not each.settled_ms}
    names = sorted(sources.keys() - asked)
    if not names or not drawn:
        return
    order = [names[at] for at in random.permutation(len(names))]
    order.sort(key=lambda each: used.get(each, 0))
    many = int(random.binomial(len(drawn), rules.known))
    for decision in order[: min(many, len(order))]:
        source = sources[decision]
        yield Item(
            id=id_of(source.tenant, decision, secret=seed, more=f"{_KNOWN}/{hour}"),
            tenant=source.tenant,
            decision=decision,
            agent=source.agent,
            model=source.model,
            model_version=source.model_version,
            verdict=source.verdict,
            why=Why.KNOWN,
            received_ms=source.received_ms,
            created_ms=now_ms,
            due_ms=due_from(rules, now_ms=now_ms),
            wanted=rules.reviewers,
            known=source.known if source.known is not None else source.outcome,
            barred=tuple(sorted(spoken[decision])),
        )


def _pooled(pool: Sequence[Item]) -> tuple[dict[str, Item], Mapping[str, int], Mapping[str, set[str]]]:
    """By decision: where its answer is known from, how often it was used, and who has spoken of it."""
    sources: dict[str, Item] = {}
    used: dict[str, int] = {}
    spoken: dict[str, set[str]] = {}
    for each in pool:
        told = spoken.setdefault(each.decision, set())
        told |= {*each.barred, *(answer.by for answer in each.answers), *(flag.by for flag in each.flags)}
        if each.why is Why.KNOWN and each.created_ms:
            used[each.decision] = used.get(each.decision, 0) + 1
        elif each.known is not None or each.outcome in WRONG:
            sources[each.decision] = each
    return sources, used, spoken


def _why(rules: ReviewRules, risk: float, *, disagrees: bool) -> Why:
    by_risk, other = rules.risk * risk, rules.disagreement if disagrees else 0.0
    if rules.random >= max(by_risk, other):
        return Why.RANDOM
    return Why.DISAGREEMENT if other >= by_risk else Why.RISK
