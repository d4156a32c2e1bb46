"""An agent that tries out where the limits are is found by what it does, and one that is only busy is not."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from gateway.core.record import BucketAsk, BucketLook, Outcome
from services.findings import wording
from services.workbench.columns.database import Columns
from services.workbench.looks.probing import ProbingLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.campaigns import contact
from tests.services.workbench.quiet import (
    AGENTS,
    DAY,
    FIRST,
    REFUSED,
    Draw,
    agent,
    columns_of,
    of_decisions,
    person,
    seen_by,
    usual,
)

MINUTE_MS = 60_000


def said(what: Mapping[str, Any], _draw: Draw) -> Mapping[str, Any]:
    return what


def tried_again(count: int, *, bytes_after: int) -> Iterator[Read]:
    """Agent 5 is refused and tries again a minute later, for one customer after the other."""
    for made in range(count):
        at_ms = START_MS + (FIRST + made % DAY) * HOUR_MS + (made // DAY) * 7 * MINUTE_MS
        whom = {"agent": agent(5), "subject_ref": person(1000 + made % 50), **REFUSED}
        for seed, when_ms, size in ((2000, at_ms, 100), (3000, at_ms + MINUTE_MS, bytes_after)):
            what = {**whom, "request_bytes": size}
            yield from calls([0], seed=seed + made, each=1, start_ms=when_ms, record=partial(said, what))


def capped(*, seed: int) -> Iterator[Read]:
    """Every agent has customers under a cap of ten a day, of which most end well below; agent 5's end at ten."""
    draw = np.random.default_rng(seed)
    cap = BucketAsk("ten-a-day", "cap", 10, DAY * HOUR_MS)
    for day in range(17):
        for number in range(AGENTS):
            for whom in range(8):
                probes = number == 5 and day >= 10
                used = 10 if probes else int(draw.choice((2, 6, 7, 8, 9, 10), p=(0.3, 0.2, 0.2, 0.2, 0.05, 0.05)))
                granted = msgspec.json.encode(Outcome(granted=True, looks=(BucketLook(used, 0),)))
                at_ms = START_MS + (day * DAY + 12) * HOUR_MS + number * 8 + whom
                who = {"agent": agent(number), "buckets": (cap,)}
                yield contact(draw, at_ms=at_ms, person=5000 + number * 8 + whom, granted=granted, **who)


def test_a_quiet_week_has_none_nor_has_an_agent_that_is_refused_more_often(tmp_path: Path) -> None:
    busy = calls(
        range(FIRST, FIRST + DAY),
        seed=61,
        each=20,
        record=lambda draw: {**usual(draw), "agent": agent(5), **REFUSED},
    )
    columns = columns_of(tmp_path, busy)
    assert seen_by(ProbingLook(), columns) == []
    columns.close()


def test_refusals_that_are_tried_again_otherwise_are_found(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, tried_again(100, bytes_after=120))
    (found,) = seen_by(ProbingLook(), columns)
    assert kinds(found) == ["bars"]
    assert found.about == (("agent", "bot-5"), ("measure", "varied"))
    assert found.reach == pytest.approx(100, abs=3)
    assert found.shown["share"] > 0.4
    assert found.shown["others"] < 0.1
    assert len(found.decisions) == 20
    assert of_decisions(columns, found, "agent || ' ' || verdict") == {"bot-5 DENY"}
    assert found.filter.startswith('tenant = "acme" AND agent = "bot-5" AND method = ')
    assert wording.title(found, language="fr").endswith("agent bot-5, mesure refus retentés autrement")
    assert seen_by(ProbingLook(), columns, hours=DAY + 5) == [found]
    columns.close()


def test_the_very_same_tried_again_is_no_probing(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, tried_again(100, bytes_after=100))
    assert seen_by(ProbingLook(), columns) == []
    columns.close()


def rounds(*, seed: int) -> Iterator[Read]:
    """Every day each agent is refused once and goes on with its own three customers; agent 5 sweeps on the last day."""
    draw = np.random.default_rng(seed)
    fields = {"verdict": REFUSED["verdict"], "reason": REFUSED["reason"], "rule": REFUSED["rule"]}
    for day in range(17):
        for number in range(AGENTS):
            at_ms = START_MS + (day * DAY + number) * HOUR_MS
            yield contact(draw, at_ms=at_ms, person=1, agent=agent(number), **fields)
            for step in range(150 if number == 5 and day == 16 else 3):
                whom = 9000 + step if number == 5 and day == 16 else 5000 + number * 3 + step
                yield contact(draw, at_ms=at_ms + (step + 1) * 1000, person=whom, agent=agent(number))


def test_customers_who_are_called_once_after_a_refusal_are_found(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, rounds(seed=63))
    (found,) = seen_by(ProbingLook(), columns)
    assert found.about == (("agent", "bot-5"), ("measure", "swept"))
    assert found.reach >= 150
    assert of_decisions(columns, found, "agent || ' ' || verdict") == {"bot-5 ALLOW"}
    columns.close()


def test_customers_who_end_just_below_their_cap_are_found_where_one_agent_has_them(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, capped(seed=62))
    (found,) = seen_by(ProbingLook(), columns)
    assert found.about == (("agent", "bot-5"), ("measure", "near"))
    assert found.reach == 56
    assert of_decisions(columns, found, "agent || ' ' || cap || ' ' || CAST(cap_used AS VARCHAR)") == {
        "bot-5 ten-a-day 10"
    }
    columns.close()


def test_agents_that_touch_many_customers_once_a_week_and_fewer_only_once_in_a_month_are_not_probing(
    tmp_path: Path,
) -> None:
    def busy(draw: Draw) -> Mapping[str, Any]:
        some = {"agent": agent(int(draw.integers(AGENTS))), "subject_ref": person(int(draw.integers(4_000)))}
        return {**some, **(REFUSED if draw.random() < 0.125 else {})}

    hours = [day * DAY + hour for day in range(-18, 17) for hour in range(9, 13)]
    columns = Columns(tmp_path / "columns")
    columns.append(list(calls(hours, seed=5, each=240, record=busy)))
    assert seen_by(ProbingLook(), columns) == []
    columns.close()
