"""Small quarters, in memory."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.activation.loading import load
from gateway.adapters import policy_files
from gateway.core.record import CustomerOutcome
from gateway.core.revision.compiled import Revision
from services.simulation.deciding import Decided
from services.simulation.default_policy import POLICY
from services.simulation.people import Person, people
from services.simulation.plan import Plan
from services.simulation.quarter import Quarter

START_MS: Final = 1_767_571_200_000
"""Monday, 5 January 2026."""
DAY_MS: Final = 86_400_000
KEY: Final = bytes(range(32))


@functools.cache
def policy(*, cap: int = 3, holdout: int = 1_000, number: int = 1) -> Revision:
    """The default policy, with other numbers."""
    data: Any
    data, lines = policy_files.read(POLICY)
    data["caps"][0]["max"] = cap
    data["holdouts"][0]["share"] = holdout
    return load(data, lines=lines, number=number)


@functools.cache
def persons(count: int, seed: int) -> tuple[Person, ...]:
    """Customers."""
    return people(count, seed=seed)


def quarter(
    seed: int = 1,
    *,
    people: int = 60,
    days: int = 35,
    decisions: int = 900,
    revision: Revision | None = None,
    key: bytes = KEY,
    changes: Mapping[int, Revision] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Quarter:
    """A quarter that has not begun; it is shorter than one."""
    plan = Plan(seed=seed, start_ms=START_MS, days=days, decisions=decisions, **(more or {}))
    return Quarter(plan, revision or policy(), persons(people, seed), pseudonym_key=key, changes=changes)


def split(events: Iterator[Decided | CustomerOutcome]) -> tuple[list[Decided], list[CustomerOutcome]]:
    """Decisions, and what customers did."""
    decided: list[Decided] = []
    told: list[CustomerOutcome] = []
    for event in events:
        if isinstance(event, Decided):
            decided.append(event)
        else:
            told.append(event)
    return decided, told
