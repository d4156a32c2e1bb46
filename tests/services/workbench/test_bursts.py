"""Bursts of refusals are found in the minutes in which they were, and said once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.workbench.columns.database import Columns
from services.workbench.looks.bursts import BurstsLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.quiet import DAY, FIRST, REFUSED, Draw, agent, columns_of, of_decisions, seen_by, usual

MINUTE_MS = 60_000
PLANTED_MS = START_MS + (FIRST + 3) * HOUR_MS + 20 * MINUTE_MS


def refused(draw: Draw, **more: Any) -> Mapping[str, Any]:
    return {**usual(draw), **REFUSED, **more}


def burst(*, of: int, **more: Any) -> Iterator[Read]:
    """So many refusals within eight minutes, from the twentieth of the fourth hour of the day on."""
    for made in range(of):
        at_ms = PLANTED_MS + made * (8 * MINUTE_MS // of)
        yield from calls([0], seed=1000 + made, each=1, start_ms=at_ms, record=lambda draw: refused(draw, **more))


def test_a_quiet_day_has_none(tmp_path: Path) -> None:
    columns = columns_of(tmp_path)
    assert seen_by(BurstsLook(), columns) == []
    columns.close()


@pytest.fixture
def retried(tmp_path: Path) -> Iterator[Columns]:
    """One agent is refused forty times within minutes."""
    made = columns_of(tmp_path, burst(of=40, agent=agent(3)))
    yield made
    made.close()


def test_a_burst_of_one_agent_is_said_once_and_names_the_very_decisions(retried: Columns) -> None:
    (found,) = seen_by(BurstsLook(), retried)
    assert found.about == (("agent", "bot-3"), ("reason", "CAP_EXCEEDED"))
    assert (found.start_ms, found.end_ms) == (PLANTED_MS, PLANTED_MS + 10 * MINUTE_MS)
    assert found.reach in {40, 41}
    assert found.value > 20
    assert found.filter.startswith('tenant = "acme" AND agent = "bot-3" AND reason = "CAP_EXCEEDED" AND receive_time')
    assert of_decisions(retried, found, "agent || ' ' || reason") == {"bot-3 CAP_EXCEEDED"}
    assert of_decisions(retried, found, f"(at_ms - {PLANTED_MS}) // {10 * MINUTE_MS}") == {0}
    assert sum(found.shown["counts"][20:30]) == found.reach
    assert kinds(found) == ["columns"]


def test_whenever_it_is_looked_at_within_a_day_it_is_the_same(retried: Columns) -> None:
    assert seen_by(BurstsLook(), retried, hours=3) == []
    assert seen_by(BurstsLook(), retried, hours=4) == seen_by(BurstsLook(), retried, hours=DAY + 3)
    assert seen_by(BurstsLook(), retried, hours=DAY + 4) == []


def test_a_burst_of_all_agents_is_one_about_the_reason(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, burst(of=60))
    (found,) = seen_by(BurstsLook(), columns)
    assert found.about == (("reason", "CAP_EXCEEDED"),)
    assert len(found.shown["agents"]) == 5
    assert kinds(found) == ["columns", "bars"]
    assert of_decisions(columns, found, "reason") == {"CAP_EXCEEDED"}
    columns.close()


def test_callers_whom_nobody_could_identify_are_left_out(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, burst(of=40, tenant="_", agent=""), burst(of=40, tenant="", agent=""))
    assert seen_by(BurstsLook(), columns) == []
    columns.close()


def test_without_a_past_nothing_is_said(tmp_path: Path) -> None:
    columns = Columns(tmp_path / "columns")
    assert seen_by(BurstsLook(), columns) == []
    columns.append(list(burst(of=40, agent=agent(3))))
    assert seen_by(BurstsLook(), columns) == []
    columns.close()
