"""Customers who are contacted for weeks, and what they do after it, as entries of the log: drawn from seeds."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from gateway.core.record import CustomerOutcome, Outcome, Record, Verdict, decision_id
from services.proof.leaves import ADMIT, OUTCOME, Leaf
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.looks.spans import DAY_MS
from tests.services.workbench.calls import START_MS, Read

_encode = msgspec.json.encode
_GRANTED = _encode(Outcome(granted=True))
Chance = Callable[[int], float]


def contact(draw: np.random.Generator, *, at_ms: int, person: int, granted: bytes = _GRANTED, **fields: Any) -> Read:
    """A contact that was let through."""
    made: dict[str, Any] = {
        "id": decision_id(now_ms=at_ms, random=draw.bytes(10)),
        "received_ms": at_ms,
        "decided_ms": at_ms + 1,
        "verdict": Verdict.ALLOW,
        "tenant": "acme",
        "agent": "sales-bot",
        "method": "/pilote.crm.v1.MessageService/SendMessage",
        "operation": "CONTACT",
        "channel": "email",
        "subject_ref": f"{person + 1:032x}",
    } | fields
    return _entry(ADMIT, _encode(Record(**made)), granted)


def reaction(to: Read, *, after_ms: int, type_: str, reported_ms: int = 0, **fields: Any) -> Read:
    """What a customer did after a contact."""
    record = msgspec.json.decode(to[1][0], type=Record)
    at_ms = record.received_ms + after_ms
    told = CustomerOutcome(
        decision=record.id,
        type=type_,
        occurred_ms=at_ms,
        reported_ms=reported_ms or at_ms,
        reporter="crm",
        **fields,
    )
    return _entry(OUTCOME, record.tenant.encode(), _encode(told))


def campaign(*, seed: int, people: int, weeks: int, chance: Chance, mean: float = 1.5, **fields: Any) -> Iterator[Read]:
    """Contacts, each week more for some and for others fewer, until somebody opts out.

    They do so with a `chance` that depends on how many contacts they had in the seven days before. An agent "loud-bot"
    sends most of what is sent to people in weeks in which they get much.
    """
    draw = np.random.default_rng(seed)
    liking = draw.gamma(2.0, 0.5, people)
    for person in range(people):
        amounts = draw.poisson(mean * liking[person] * draw.choice((0.4, 1.6), weeks))
        times = np.concatenate([np.sort(draw.random(n)) + week for week, n in enumerate(amounts)]) * WEEK_MS
        loud = np.concatenate([draw.random(n) < (0.5 if n > 3 else 0.1) for n in amounts])
        for place, at in enumerate(times.astype(np.int64).tolist()):
            agent = "loud-bot" if loud[place] else "sales-bot"
            sent = contact(draw, at_ms=START_MS + at, person=person, agent=agent, **fields)
            yield sent
            before = int(((times[:place] < at) & (times[:place] >= at - WEEK_MS)).sum())
            if draw.random() < chance(before):
                yield reaction(sent, after_ms=DAY_MS, type_="unsubscribed")
                break


def _entry(kind: str, *parts: bytes) -> Read:
    return kind, parts, Leaf(kind, parts).hash
