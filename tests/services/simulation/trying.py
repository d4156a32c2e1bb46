"""A changed cap: what is forecast from recorded decisions, beside the same quarter with the cap really changed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.record import CustomerOutcome
from gateway.core.revision.compiled import Revision
from gateway.core.simulating.calls import Forms
from gateway.core.simulating.course import Course
from gateway.replays.judging import judged
from services.insights.whatif.forecast import Forecast, forecast
from services.insights.whatif.trial import Trial
from services.simulation.campaigns import Campaign
from services.simulation.deciding import Decided
from services.simulation.ledger import Contacts
from services.simulation.truths import Truths
from tests.services.simulation.quarters import DAY_MS, KEY, START_MS, policy, quarter, split

PEOPLE: Final = 500
FIRST: Final = 37
DAYS: Final = 67
"""The thirty days that are looked at; the week before them fills the windows of caps."""
CAMPAIGNS: Final = (
    Campaign(agent="news-bot", name="newsletter", channel="email", category="marketing", days=5),
    Campaign(agent="loyalty-bot", name="points", channel="push", category="marketing", days=7, vip_days=4),
)
TRUTHS: Final = Truths(buys_a_day=0.01, uplift={"email": 0.04, "push": 0.03}, opts_out=0.006, complains=0.0015)


class Tried(msgspec.Struct, frozen=True):
    """What was forecast, and what really came of the change."""

    forecast: Forecast
    avoided: int
    affected: int
    opt_outs: float
    """By how much fewer are to be expected, in truth: below 0 where there are fewer. Likewise the next."""
    purchases: float


def tried(seed: int, *, cap: int, was: int = 3, retries: int = 0) -> Tried:
    """Thirty days under the cap `was`, the forecast of the other one, and the same days under that one."""
    old, new = policy(cap=was, holdout=3_000), policy(cap=cap, holdout=3_000, number=2)
    more = {"truths": TRUTHS, "campaigns": CAMPAIGNS, "retries": retries}
    given = {"people": PEOPLE, "days": DAYS, "decisions": 8_500, "more": more}
    before = quarter(seed, revision=old, **given)  # type: ignore[arg-type]
    decided, told = split(before.events())
    after = quarter(seed, revision=old, changes={FIRST: new}, **given)  # type: ignore[arg-type]
    again, _ = split(after.events())
    counts = [_contacts(each) for each in (decided, again)]
    people = {*counts[0], *counts[1]}
    its, other = before.ledger.contacts["", ""], after.ledger.contacts["", ""]
    return Tried(
        _forecast(decided, told, new),
        avoided=sum(map(len, counts[0].values())) - sum(map(len, counts[1].values())),
        affected=sum(counts[0].get(each, set()) != counts[1].get(each, set()) for each in people),
        opt_outs=_difference(its, other, "opt_outs"),
        purchases=float(after.ledger.expected.sum() - before.ledger.expected.sum()),
    )


def _difference(its: Contacts, other: Contacts, name: str) -> float:
    return float(getattr(other, name)) - float(getattr(its, name))


def _contacts(decided: Sequence[Decided]) -> Mapping[str, set[tuple[str, int]]]:
    """By customer, the contacts that were made in the thirty days."""
    found: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for each in decided:
        if each.allowed and each.record.received_ms >= START_MS + FIRST * DAY_MS:
            found[each.record.subject_ref].add((each.record.agent, each.record.received_ms))
    return found


def _forecast(decided: Sequence[Decided], told: Sequence[CustomerOutcome], new: Revision) -> Forecast:
    """As a backtest goes about it: judged one by one, counted in their order."""
    followed: dict[str, list[CustomerOutcome]] = defaultdict(list)
    for outcome in told:
        followed[outcome.decision].append(outcome)
    first_ms = START_MS + FIRST * DAY_MS
    forms, course, trial = Forms(), Course(), Trial()
    for place, each in enumerate(decided):
        if each.record.received_ms < first_ms - 7 * DAY_MS:
            continue
        call = judged(
            new,
            each.inputs,
            each.record,
            each.outcome,
            settlement=each.settlement,
            told=followed[each.record.id],
            place=place,
            forms=forms,
            pseudonym_key=KEY,
        )
        trial.add(call, course.take(call, forms.found))
    return forecast(trial.contacts(start_ms=first_ms))
