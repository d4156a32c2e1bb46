"""Rules that have stopped matching are found on the day after, and so are those that match much more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.core.record import RuleLook
from services.workbench.columns.database import Columns
from services.workbench.looks.silence import SilenceLook
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import calls
from tests.services.workbench.quiet import DAY, FIRST, Draw, columns_of, of_decisions, seen_by, usual

ALLOWED, WATCHED = RuleLook("allow-sales", "allow"), RuleLook("watch-mail", "deny", "monitor")
NEXT_DAY = 2 * DAY


def with_rules(*rules: RuleLook, share: float = 1.0) -> Any:
    """A usual call; `rules` apply to this share of them."""

    def record(draw: Draw) -> Mapping[str, Any]:
        return {**usual(draw), "rules": (ALLOWED, *(rules if draw.random() < share else ()))}

    return record


def after(folder: Path, record: Any) -> Columns:
    """The day after the quiet log, with calls like this."""
    return columns_of(folder, calls(range(FIRST + DAY, FIRST + NEXT_DAY), seed=21, each=12, record=record))


def test_quiet_days_have_none(tmp_path: Path) -> None:
    columns = after(tmp_path, usual)
    assert seen_by(SilenceLook(), columns) == seen_by(SilenceLook(), columns, hours=NEXT_DAY) == []
    columns.close()


def test_a_rule_that_stops_matching_is_found_with_calls_that_it_did_not_match(tmp_path: Path) -> None:
    columns = after(tmp_path, with_rules())
    (found,) = seen_by(SilenceLook(), columns, hours=NEXT_DAY)
    assert (found.about, found.value, found.shown["signal"]) == ((("rule", "watch-mail"),), 0.0, "silence")
    assert found.reach == pytest.approx(96, abs=10)
    assert found.size > 0.8
    assert 'AND NOT rule = "watch-mail" AND receive_time' in found.filter
    assert of_decisions(columns, found, "rules || watched") == {"allow-sales"}
    assert found.shown["days"][-1]["matches"] == 0
    assert kinds(found) == ["columns"]
    assert msgspec.json.encode(found)
    columns.close()


def test_a_rule_that_matches_much_more_is_found_with_what_it_matched(tmp_path: Path) -> None:
    columns = after(tmp_path, with_rules(WATCHED))
    (found,) = seen_by(SilenceLook(), columns, hours=NEXT_DAY)
    assert (found.about, found.shown["signal"]) == ((("rule", "watch-mail"),), "surge")
    assert found.low > 1.5
    assert of_decisions(columns, found, "watched") == {"watch-mail"}
    columns.close()


def test_a_rule_is_not_silent_where_there_are_no_calls_or_hardly_a_past(tmp_path: Path) -> None:
    columns = columns_of(tmp_path)
    assert seen_by(SilenceLook(), columns, hours=NEXT_DAY) == []
    young = Columns(tmp_path / "young")
    young.append(list(calls(range(6 * DAY), seed=22, record=with_rules(WATCHED))))
    young.append(list(calls(range(6 * DAY, 7 * DAY), seed=23, record=with_rules())))
    assert list(SilenceLook().look(young, now_ms=498_720 * 3_600_000 + 7 * DAY * 3_600_000)) == []
    young.close()
    columns.close()


def test_a_new_rule_is_no_surge(tmp_path: Path) -> None:
    columns = after(tmp_path, with_rules(WATCHED, RuleLook("new", "deny", "monitor"), share=1 / 3))
    assert seen_by(SilenceLook(), columns, hours=NEXT_DAY) == []
    columns.close()
