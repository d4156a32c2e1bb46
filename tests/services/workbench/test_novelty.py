"""A channel, method or category that an agent never had is found by its third customer, and a long tail is not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.findings import wording
from services.workbench.columns.database import Columns
from services.workbench.looks.novelty import NoveltyLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_MS, Read, calls
from tests.services.workbench.quiet import DAY, FIRST, Draw, agent, columns_of, of_decisions, person, seen_by, usual


def by_fax(count: int, *, people: int = 300, same: Mapping[str, Any] | None = None) -> Iterator[Read]:
    """Agent 3 sends so many faxes on the day, each to another customer as far as there are so many."""
    numbers = iter(range(count))

    def record(_draw: Draw) -> Mapping[str, Any]:
        return {"agent": agent(3), "channel": "fax", "subject_ref": person(next(numbers) % people), **(same or {})}

    yield from calls(range(count), seed=31, each=1, start_ms=START_MS + FIRST * HOUR_MS, record=record)


def test_a_channel_that_an_agent_never_had_is_found_with_its_calls(tmp_path: Path) -> None:
    columns = columns_of(tmp_path, by_fax(6))
    (found,) = seen_by(NoveltyLook(), columns)
    assert kinds(found) == ["names"]
    assert found.about == (("agent", "bot-3"), ("channel", "fax"))
    assert (found.reach, len(found.decisions), found.shown["values"]) == (6, 6, ["fax"])
    assert found.low > 1
    assert of_decisions(columns, found, "agent || ' ' || channel") == {"bot-3 fax"}
    assert 'agent = "bot-3" AND channel = "fax" AND receive_time' in found.filter
    assert wording.title(found, language="fr") == "Valeurs nouvelles\N{NO-BREAK SPACE}: agent bot-3, canal fax"
    assert seen_by(NoveltyLook(), columns, hours=DAY + 5) == [found]
    columns.close()


def test_many_values_of_which_each_comes_once_are_one_finding(tmp_path: Path) -> None:
    numbers = iter(range(20))

    def garbage(_draw: Draw) -> Mapping[str, Any]:
        some = next(numbers)
        return {"agent": agent(3), "channel": f"x-{some}", "subject_ref": person(some)}

    columns = columns_of(tmp_path, calls(range(FIRST, FIRST + 20), seed=32, each=1, record=garbage))
    (found,) = seen_by(NoveltyLook(), columns)
    assert found.about == (("agent", "bot-3"), ("field", "channel"))
    assert of_decisions(columns, found, "channel") == {f"x-{some}" for some in range(20)}
    assert wording.title(found, language="fr").endswith("champ canal")
    columns.close()


def test_one_call_one_customer_and_who_has_no_past_say_too_little(tmp_path: Path) -> None:
    columns = columns_of(
        tmp_path,
        by_fax(1),
        by_fax(20, people=1, same={"agent": agent(4)}),
        by_fax(6, same={"agent": "somebody-new"}),
        by_fax(6, same={"tenant": "other"}),
    )
    assert seen_by(NoveltyLook(), columns) == []
    columns.close()


def test_a_field_that_brings_a_new_name_every_week_is_not_judged(tmp_path: Path) -> None:
    columns = Columns(tmp_path / "columns")
    for week in range(9):
        weekly = {"category": f"campaign-{week}"}

        def record(draw: Draw, weekly: Mapping[str, str] = weekly) -> Mapping[str, Any]:
            return {**usual(draw), "agent": "bot-0", **weekly}

        hours = range(week * 7 * DAY, (week + 1) * 7 * DAY if week < 8 else week * 7 * DAY + DAY)
        columns.append(list(calls(hours, seed=40 + week, each=2, record=record)))
    assert list(NoveltyLook().look(columns, now_ms=START_MS + (8 * 7 + 1) * DAY * HOUR_MS)) == []
    columns.close()
