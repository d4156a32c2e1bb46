"""A log in which nothing is wrong: sixteen days of ten agents and three hundred customers, always the same."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.record import RuleLook, Verdict
from services.audit.filters.filter import parse
from services.findings.finding import Seen
from services.workbench.columns.database import Columns
from services.workbench.looking import Look
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls

DAY = 24
FIRST = 16 * DAY
"""The first hour of the day that tests are about; the quiet log ends when it is over."""
AGENTS, PEOPLE = 10, 300
Draw = np.random.Generator
_ALLOWED = RuleLook("allow-sales", "allow")
_WATCHED = RuleLook("watch-mail", "deny", "monitor")
REFUSED: Mapping[str, Any] = {"verdict": Verdict.DENY, "reason": "CAP_EXCEEDED", "rule": "weekly", "expires_ms": 0}


def agent(number: int) -> str:
    return f"bot-{number}"


def person(number: int) -> str:
    return f"{number + 1:032x}"


def usual(draw: Draw) -> Mapping[str, Any]:
    """One call of eight is refused, and one of three matches a rule that watches."""
    some = {
        "agent": agent(int(draw.integers(AGENTS))),
        "subject_ref": person(int(draw.integers(PEOPLE))),
        "channel": "email" if draw.random() < 0.6 else "sms",
        "rules": (_ALLOWED, _WATCHED) if draw.random() < 1 / 3 else (_ALLOWED,),
    }
    return {**some, **(REFUSED if draw.random() < 0.125 else {})}


@cache
def quiet_log() -> Sequence[Read]:
    """Seventeen days, the last of which tests are about."""
    return tuple(calls(range(FIRST + DAY), seed=11, each=12, record=usual))


def columns_of(folder: Path, *more: Iterator[Read]) -> Columns:
    """Columns of the quiet log and of what else there was."""
    made = Columns(folder / "columns")
    made.append([*quiet_log(), *(each for some in more for each in some)])
    return made


def seen_by(look: Look, columns: Columns, *, hours: int = DAY) -> list[Seen]:
    """What it sees when so many hours of the day are over; all of it has a filter that can be asked for."""
    seen = list(look.look(columns, now_ms=START_MS + (FIRST + hours) * HOUR_MS))
    for each in seen:
        parse(each.filter)
        assert 0 < each.size <= 1
        assert each.certainty >= 0.95
        assert each.decisions
    return seen


def of_decisions(columns: Columns, seen: Seen, what: str) -> set[Any]:
    """What stands in a column, or an expression of columns, of the decisions that are named."""
    ids = [f"{each[:8]}-{each[8:12]}-{each[12:16]}-{each[16:20]}-{each[20:]}" for each in seen.decisions]
    asked = f"SELECT DISTINCT {what} AS it FROM admitted WHERE CAST(id AS VARCHAR) IN (SELECT unnest($ids))"  # noqa: S608
    return set(columns.asked(asked, {"ids": ids})["it"].tolist())
