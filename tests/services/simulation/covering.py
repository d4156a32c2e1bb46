"""Quarters by the hundred, each with what the cockpit says of it and what is true: how often intervals hold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.record import CustomerOutcome
from services.insights.kpis.figures import Figure
from services.insights.kpis.money import Spending, incremental
from services.insights.kpis.nps import DETRACTOR, PROMOTER, nps
from services.insights.kpis.shares import share
from services.insights.pressure.intervals import Estimate, rate
from services.simulation.campaigns import Campaign
from services.simulation.deciding import Decided
from services.simulation.ledger import Ledger
from services.simulation.plan import Plan
from services.simulation.quarter import Quarter
from services.simulation.truths import MUCH, NPS, PRESSURE, Truths
from tests.services.simulation.quarters import START_MS, persons, policy

PEOPLE: Final = 400
DECISIONS: Final = 2_400
CAMPAIGNS: Final = (
    Campaign(agent="news-bot", name="newsletter", channel="email", category="marketing", days=20),
    Campaign(agent="loyalty-bot", name="points", channel="push", category="marketing", days=30, vip_days=15),
    Campaign(agent="loyalty-bot", name="flash-sale", channel="sms", category="marketing", days=40, vip_days=15),
)
TRUTHS: Final = Truths(
    buys_a_day=0.014,
    uplift={"email": 0.25, "push": 0.15, "sms": 0.35},
    opts_out=0.012,
    tired_days=20,
    answers=0.45,
)
"""Livelier than by default, so that few people and decisions say something."""


class Said(msgspec.Struct, frozen=True):
    """One number with its interval, and the truth."""

    low: float
    value: float
    high: float
    truth: float

    @property
    def holds(self) -> bool:
        """Whether the truth is in the interval."""
        return self.low <= self.truth <= self.high


def said(seed: int) -> Mapping[str, Said]:
    """What is said of the quarter of a seed, and what is true."""
    plan = Plan(seed=seed, start_ms=START_MS, days=91, decisions=DECISIONS, truths=TRUTHS, campaigns=CAMPAIGNS)
    key = seed.to_bytes(32)  # so that each has a holdout of its own
    quarter = Quarter(plan, policy(holdout=4_000), persons(PEOPLE, 1), pseudonym_key=key)
    decided: list[Decided] = []
    told: list[CustomerOutcome] = []
    for event in quarter.events():
        if isinstance(event, Decided):
            decided.append(event)
        else:
            told.append(event)
    return _said(decided, told, quarter.ledger)


def _said(decided: Iterable[Decided], told: Iterable[CustomerOutcome], ledger: Ledger) -> Mapping[str, Said]:
    """The figures of the cockpit, from rows of the log alone; the ledger is asked for truths only."""
    subjects = {each.record.id: each.record.subject_ref for each in decided}
    held = {each.record.subject_ref for each in decided if each.verdict[1] == Reason.HELD_OUT}
    treated = {each.record.subject_ref for each in decided if each.record.holdouts} - held
    contacts = sum(each.allowed for each in decided)
    spent: Counter[str] = Counter()
    answers: dict[str, Counter[str]] = {NPS: Counter(), PRESSURE: Counter()}
    opt_outs = 0
    for each in told:
        spent[subjects[each.decision]] += each.revenue_cents
        opt_outs += each.type == "unsubscribed"
        if each.type == "answered":
            answers[each.question][each.answer] += 1
    buyers = {subject for subject, cents in spent.items() if cents}
    score, felt, asked = answers[NPS], answers[PRESSURE], max(1, ledger.surveyed.people)
    promoters = sum(n for answer, n in score.items() if int(answer) >= PROMOTER)
    detractors = sum(n for answer, n in score.items() if int(answer) <= DETRACTOR)
    figures: dict[str, tuple[Figure | Estimate | None, float]] = {
        "incremental revenue": (
            incremental(_spending(treated, spent), _spending(held, spent)),
            float(ledger.incremental_cents),
        ),
        "conversion": (share(len(buyers & treated), len(treated)), ledger.bought_share(ledger.treated)),
        "opt-out rate": (rate(opt_outs, contacts, alpha=0.05), ledger.contacts["", ""].opt_outs / contacts),
        "NPS": (nps(promoters, detractors, score.total()), 100 * ledger.surveyed.nps),
        "perceived pressure": (share(felt[MUCH], felt.total()), ledger.surveyed.much_too_much / asked),
    }
    found = {}
    for name, (figure, truth) in figures.items():
        assert figure is not None, f"{name}: too little to say anything"
        assert figure.value is not None, f"{name}: too little to say anything"
        assert figure.low is not None
        assert figure.high is not None
        found[name] = Said(figure.low, figure.value, figure.high, truth)
    return found


def _spending(people: set[str], spent: Counter[str]) -> Spending:
    each = [spent[subject] for subject in people]
    return Spending(
        n=len(each), spenders=sum(cents > 0 for cents in each), total=sum(each), squares=sum(cents**2 for cents in each)
    )
