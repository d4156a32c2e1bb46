"""Customers who are contacted, held out and refused for weeks, and what they buy: drawn from seeds."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from gateway.core.call import Lineage
from gateway.core.record import Record, Verdict
from services.workbench.looks.spans import DAY_MS
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.campaigns import contact, reaction

REFUSALS = ("CAP_EXCEEDED", "POLICY_DENIED")


def trading(*, seed: int, people: int, days: int, mean: float = 0.2, **fields: Any) -> Iterator[Read]:
    """Of each customer some contacts a week by two agents on two channels; every tenth customer is held out."""
    draw = np.random.default_rng(seed)
    for person in range(people):
        held = person % 10 == 0
        for day in range(days):
            for _ in range(draw.poisson(mean)):
                at_ms = START_MS + day * DAY_MS + int(draw.integers(DAY_MS))
                sent = contact(draw, at_ms=at_ms, person=person, **(_made(draw, held=held) | fields))
                yield sent
                yield from _followed(draw, sent, held=held)


def record_of(read: Read) -> Record:
    return msgspec.json.decode(read[1][0], type=Record)


def _made(draw: np.random.Generator, *, held: bool) -> dict[str, Any]:
    agent = str(draw.choice(["sales-bot", "care-bot"]))
    fields: dict[str, Any] = {
        "agent": agent,
        "channel": str(draw.choice(["email", "sms"])),
        "category": str(draw.choice(["marketing", "service"])),
        "campaign": str(draw.choice(["spring", "autumn", ""])),
        "objective": str(draw.choice(["more", ""])),
        "holdouts": ("all",),
    }
    if agent == "sales-bot":
        fields["lineage"] = Lineage(model="score", version="2")
    else:
        fields["agent_version"] = "7"
    if held:
        return fields | {"verdict": Verdict.DENY, "reason": "HELD_OUT", "rule": "all"}
    if draw.random() < 0.2:
        return fields | {"verdict": Verdict.DENY, "reason": REFUSALS[draw.integers(2)], "rule": "weekly"}
    return fields


def _followed(draw: np.random.Generator, sent: Read, *, held: bool) -> Iterator[Read]:
    record = record_of(sent)
    if record.verdict is not Verdict.ALLOW and not held:
        return
    for type_, chance in (("clicked", 0.2), ("unsubscribed", 0.02), ("complained", 0.01)):
        if draw.random() < chance and not (held and type_ == "clicked"):
            yield reaction(sent, after_ms=int(draw.integers(30 * DAY_MS)), type_=type_)
    while draw.random() < 0.25:
        yield reaction(
            sent,
            after_ms=int(draw.integers(30 * DAY_MS)),
            type_="converted",
            revenue_cents=int(draw.integers(-500, 20_000)),
            currency=str(draw.choice(["EUR", "USD", "XTS"])),
        )
    if draw.random() < 0.2:
        felt = str(draw.choice(["much_too_much", "not_solicited", "fine"]))
        for question, answer in (("nps", str(draw.integers(-1, 12))), ("pressure", felt)):
            at_ms = int(draw.integers(10 * DAY_MS))
            yield reaction(sent, after_ms=at_ms, type_="answered", question=question, answer=answer)
