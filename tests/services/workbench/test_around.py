"""Who does what another agent was refused is found, with both decisions of each time."""

import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from services.workbench.looks.around import AroundLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.quiet import DAY, FIRST, REFUSED, Draw, agent, columns_of, of_decisions, person, seen_by

MINUTE_MS = 60_000


def said(what: Mapping[str, Any], _draw: Draw) -> Mapping[str, Any]:
    return what


def detours(count: int) -> Iterator[Read]:
    """What agent 5 is refused, agent 8 does five minutes later, for one customer after the other."""
    for made in range(count):
        at_ms = START_MS + (FIRST + made % DAY) * HOUR_MS + (made // DAY) * 7 * MINUTE_MS
        whom = {"subject_ref": person(1000 + made)}
        no, yes = {"agent": agent(5), **whom, **REFUSED}, {"agent": agent(8), **whom}
        for seed, when_ms, what in ((2000, at_ms, no), (3000, at_ms + 5 * MINUTE_MS, yes)):
            yield from calls([0], seed=seed + made, each=1, start_ms=when_ms, record=partial(said, what))


def test_a_quiet_week_has_none(tmp_path: Path) -> None:
    columns = columns_of(tmp_path)
    assert seen_by(AroundLook(), columns) == []
    columns.close()


def test_detours_of_one_agent_through_another_are_found_with_both_decisions(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, detours(40))
    (found,) = seen_by(AroundLook(), columns)
    assert found.about == (("agent", "bot-5"), ("other-agent", "bot-8"))
    assert found.reach in {40, 41}
    assert found.value > 10
    assert len(found.decisions) == 20
    assert of_decisions(columns, found, "agent || ' ' || verdict") == {"bot-5 DENY", "bot-8 ALLOW"}
    assert {each["after_ms"] for each in found.shown["pairs"]} == {5 * MINUTE_MS}
    told = itertools.chain.from_iterable((each["refused"], each["done"]) for each in found.shown["pairs"])
    assert tuple(told) == found.decisions
    assert kinds(found) == ["steps"]
    assert '(agent = "bot-5" OR agent = "bot-8")' in found.filter
    assert seen_by(AroundLook(), columns, hours=DAY + 5) == [found]
    columns.close()


def test_too_few_detours_say_nothing(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, detours(5))
    assert seen_by(AroundLook(), columns) == []
    columns.close()
