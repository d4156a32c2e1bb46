"""The same numbers counted the plain way, one customer after the other, to hold the cube against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from gateway.core.record import CustomerOutcome, Record, Verdict
from services.cockpit.days import DAY_MS, FOLLOW_DAYS
from services.insights.kpis.money import Spending
from services.proof.leaves import ADMIT
from tests.services.workbench.calls import Read


@dataclass(slots=True)
class Counted:
    """One cell of a time."""

    contacts: int = 0
    contacted: dict[str, int] = field(default_factory=dict)
    treated: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    converted: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    answers: list[tuple[str, str]] = field(default_factory=list)


def spending(cents: Mapping[str, int], spenders: int) -> Spending:
    values = cents.values()
    return Spending(n=len(values), spenders=spenders, total=sum(values), squares=sum(each * each for each in values))


def counted(
    read: Sequence[Read],
    *,
    start_day: int,
    end_day: int,
    rates: Mapping[str, Fraction],
    of: Callable[[Record], bool] = lambda _: True,
) -> Counted:
    """Days from the first up to and without the last, of contacts that a cell is of."""
    records = {
        each.id: each for each in (msgspec.json.decode(one[1][0], type=Record) for one in read if one[0] == ADMIT)
    }
    told = [msgspec.json.decode(one[1][1], type=CustomerOutcome) for one in read if one[0] != ADMIT]
    found = Counted()
    inside = {
        name: each for name, each in records.items() if start_day <= each.received_ms // DAY_MS < end_day and of(each)
    }
    for each in inside.values():
        groups = []
        if each.verdict is Verdict.ALLOW:
            found.contacts += 1
            groups.append(found.contacted)
        groups.append(found.held if each.reason == "HELD_OUT" else found.treated)
        for group in groups:
            group.setdefault(each.subject_ref, 0)
    last: dict[tuple[str, str, str], int] = {}
    for outcome in sorted(told, key=lambda one: one.occurred_ms):
        record = records[outcome.decision]
        if not 0 <= outcome.occurred_ms - record.received_ms < FOLLOW_DAYS * DAY_MS:
            continue
        counts = outcome.type != "answered" or (
            outcome.question != "nps" or (outcome.answer.isdigit() and 0 <= int(outcome.answer) <= 10)
        )
        if outcome.type == "answered" and counts:
            before = last.get((record.tenant, record.subject_ref, outcome.question))
            counts = before is None or outcome.occurred_ms - before >= 28 * DAY_MS
            if counts:
                last[record.tenant, record.subject_ref, outcome.question] = outcome.occurred_ms
        if record.id not in inside or not counts:
            continue
        _add(found, record, outcome, rates)
    return found


def _add(found: Counted, record: Record, told: CustomerOutcome, rates: Mapping[str, Fraction]) -> None:
    who = record.subject_ref
    cents = round(told.revenue_cents * rates[told.currency]) if told.currency in rates else 0
    for group in (found.contacted, found.treated, found.held):
        mine = {
            id(found.contacted): record.verdict is Verdict.ALLOW,
            id(found.treated): record.reason != "HELD_OUT",
            id(found.held): record.reason == "HELD_OUT",
        }[id(group)]
        if mine:
            group[who] += cents
    if told.type == "answered":
        found.answers.append((told.question, told.answer))
    if record.verdict is not Verdict.ALLOW:
        return
    if told.type in ("clicked", "converted"):
        found.active.add(who)
    if told.type == "converted":
        found.converted.add(who)
    if told.type in ("unsubscribed", "complained"):
        found.left.add(who)
