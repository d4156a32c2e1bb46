"""What calls really cost, such as tokens, is a measure like any other: one for each budget."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.audit.filters.filter import parse
from services.findings.wording import title
from services.workbench.columns.database import Columns
from services.workbench.looks.drift import DriftLook
from services.workbench.looks.series import Served, costs, hours_of
from tests.services.workbench.calls import HOUR_MS, START_HOUR, START_MS, calls
from tests.services.workbench.quiet import of_decisions
from tests.services.workbench.test_drift import FIRST


def used(mean: float) -> Any:
    """Half of the calls say what they have used: tokens about so many, and always one euro cent."""

    def settlement(draw: np.random.Generator) -> Mapping[str, Any]:
        return {"costs": {"tokens": int(draw.lognormal(mean, 0.5)), "money": 1}} if draw.random() < 0.5 else {}

    return settlement


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns")
    made.append(list(calls(range(FIRST - 72, FIRST), seed=1, each=60, settlement=used(7))))
    yield made
    made.close()


def test_a_version_that_uses_more_tokens_is_found_by_its_budget(columns: Columns) -> None:
    columns.append(list(calls(range(FIRST, FIRST + 24), seed=2, each=60, settlement=used(7.5))))
    seen = DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS)
    about = (("agent", "sales-bot"), ("version", "score@1"), ("measure", "cost"), ("limit", "tokens"))
    assert {each.about for each in seen} == {about}
    assert title(seen[-1], language="en").endswith("measure cost, limit tokens")
    assert title(seen[-1], language="fr").endswith("mesure coût, limite tokens")
    parse(seen[-1].filter)
    assert len(seen[-1].decisions) == 20
    assert of_decisions(columns, seen[-1], "id IN (SELECT id FROM spent WHERE name = 'tokens')") == {True}


def test_costs_that_go_on_as_before_raise_nothing(columns: Columns) -> None:
    columns.append(list(calls(range(FIRST, FIRST + 24), seed=2, each=60, settlement=used(7))))
    assert DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS) == []


def test_each_budget_has_the_costs_of_the_calls_that_tell_them_and_no_other(columns: Columns) -> None:
    found = {
        each.of: hours_of(columns, each, start_hour=START_HOUR + FIRST - 72, end_hour=START_HOUR + FIRST)
        for each in costs(columns)
    }
    (told,) = columns.asked("SELECT count(*) AS calls FROM spent WHERE name = 'money'")["calls"].tolist()
    whose = Served("acme", "sales-bot", "score@1")
    assert {name: sum(each.size for each in its[whose].values()) for name, its in found.items()} == {
        "tokens": told,
        "money": told,
    }
    assert {each.keys.size for each in found["money"][whose].values()} == {1}
