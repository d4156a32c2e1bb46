"""A version that has become another one is found by what it does, and one that has not is left alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.core.record import Verdict
from services.audit.filters.filter import parse
from services.findings.finding import Seen, id_of
from services.findings.wording import sentences
from services.workbench.columns.database import Columns
from services.workbench.looks.drift import DriftLook
from services.workbench.looks.series import MEASURES, Served, hours_of
from services.workbench.looks.spans import of_version
from tests.services.findings.drawing import kinds
from tests.services.workbench.calls import HOUR_MS, START_HOUR, START_MS, Read, calls

DAY = 24
FIRST = 16 * DAY
"""The first hour of the day that tests are about."""
Draw = np.random.Generator
How = Callable[[Draw], Mapping[str, Any]]


def some(draw: Draw) -> Mapping[str, Any]:
    """One of five calls is refused, and half of the others go by mail."""
    if draw.random() < 0.2:
        return {"verdict": Verdict.DENY, "reason": "CAP_EXCEEDED", "expires_ms": 0}
    return {"channel": "email" if draw.random() < 0.5 else "sms"}


def refused(draw: Draw) -> Mapping[str, Any]:
    """Likewise, but half of the calls are refused."""
    if draw.random() < 0.5:
        return {"verdict": Verdict.DENY, "reason": "CAP_EXCEEDED", "expires_ms": 0}
    return {"channel": "email" if draw.random() < 0.5 else "sms"}


def anew(how: How) -> How:
    """Likewise, by a version that was not there before."""
    return lambda draw: {**how(draw), "version": "score@2"}


@pytest.fixture(scope="module")
def past() -> Sequence[Read]:
    """Sixteen days of one version of one agent."""
    return list(calls(range(FIRST), seed=1, each=30, record=some))


@pytest.fixture
def columns(tmp_path: Path, past: Sequence[Read]) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns")
    made.append(past)
    yield made
    made.close()


def after(
    columns: Columns,
    hours: int,
    *,
    seed: int = 7,
    each: int = 300,
    record: How,
    settlement: How = lambda _draw: {},
) -> list[Seen]:
    """What is seen when so many hours of the day are over, in which calls were so."""
    columns.append(list(calls(range(FIRST, FIRST + hours), seed=seed, each=each, record=record, settlement=settlement)))
    return list(DriftLook().look(columns, now_ms=START_MS + (FIRST + hours) * HOUR_MS))


def measures(seen: Sequence[Seen]) -> set[str]:
    return {dict(each.about)["measure"] for each in seen}


def test_what_goes_on_as_before_raises_nothing(columns: Columns) -> None:
    assert after(columns, DAY, record=some) == []


def test_a_version_that_is_refused_more_often_is_found_within_the_hour(columns: Columns) -> None:
    seen = after(columns, 1, record=refused)
    (verdict,) = [each for each in seen if dict(each.about)["measure"] == "verdict"]
    assert kinds(verdict) == ["bars"]
    assert verdict.about == (("agent", "sales-bot"), ("version", "score@1"), ("measure", "verdict"))
    assert (verdict.start_ms, verdict.end_ms) == (START_MS + FIRST * HOUR_MS, START_MS + (FIRST + 1) * HOUR_MS)
    assert (verdict.n, verdict.false_alarms, verdict.certainty > 0.9999) == (300, 0.05, True)
    assert 0 < verdict.low < verdict.value < verdict.high
    shares = {each["name"]: (each["before"], each["now"]) for each in verdict.shown["bins"]}
    assert shares["DENY CAP_EXCEEDED"] == pytest.approx((0.2, 0.5), abs=0.08)
    assert 'reason = "CAP_EXCEEDED"' in verdict.filter
    parse(verdict.filter)
    asked = "SELECT DISTINCT reason FROM admitted WHERE CAST(id AS VARCHAR) IN (SELECT unnest($ids))"
    ids = [f"{each[:8]}-{each[8:12]}-{each[12:16]}-{each[16:20]}-{each[20:]}" for each in verdict.decisions]
    assert columns.asked(asked, {"ids": ids})["reason"].tolist() == ["CAP_EXCEEDED"]
    assert len(ids) == 20


def test_a_new_version_is_compared_with_what_its_agent_did_before(columns: Columns) -> None:
    assert after(columns, 3, record=anew(some)) == []
    seen = after(columns, 3, seed=8, record=anew(refused))
    assert "verdict" in measures(seen)
    assert {dict(each.about)["version"] for each in seen} == {"score@2"}
    assert {each.shown["against"] for each in seen} == {"score@1"}


def test_slowness_is_found_and_said_in_standard_deviations(columns: Columns) -> None:
    slow: How = lambda draw: {"upstream_us": int(draw.lognormal(10.2, 0.5))}  # noqa: E731
    seen = [each for each in after(columns, DAY, each=100, record=some, settlement=slow) if each.shown["hours"] == DAY]
    (latency,) = [each for each in seen if dict(each.about)["measure"] == "latency"]
    assert kinds(latency) == ["bars"]
    assert latency.shown["wasserstein"] > 0.15
    assert latency.shown["bins"][0]["from"] is None
    assert latency.shown["bins"][0]["now"] < latency.shown["bins"][0]["before"]


def test_whenever_it_is_looked_at_it_is_one_and_the_same_look(columns: Columns) -> None:
    at_once = after(columns, 2, record=refused)
    columns.append(list(calls(range(FIRST + 2, FIRST + 9), seed=9, each=20, record=some)))
    later = DriftLook().look(columns, now_ms=START_MS + (FIRST + 9) * HOUR_MS + 5)
    assert [each for each in later if each.end_ms <= START_MS + (FIRST + 2) * HOUR_MS] == at_once


def test_too_little_is_no_reference(tmp_path: Path) -> None:
    columns = Columns(tmp_path / "columns")
    columns.append(list(calls(range(FIRST - DAY, FIRST), seed=3, each=20, record=some)))
    assert after(columns, 5, record=refused) == []
    columns.close()


def test_hours_have_what_was_in_them(columns: Columns) -> None:
    (verdict,) = [each for each in MEASURES if each.name == "verdict"]
    start = START_HOUR + FIRST - 2
    found = hours_of(columns, verdict, start_hour=start, end_hour=start + 2)
    served = Served("acme", "sales-bot", "score@1")
    assert {(whose, hour): each.size for whose, its in found.items() for hour, each in its.items()} == {
        (served, start): 30.0,
        (served, start + 1): 30.0,
    }
    assert set(found[served][start].keys) <= {"ALLOW", "DENY CAP_EXCEEDED"}


def test_a_change_that_single_hours_hardly_show_is_told_within_the_day_as_the_same_finding(columns: Columns) -> None:
    since = START_HOUR + FIRST + 4

    columns.append(list(calls(range(FIRST, FIRST + 4), seed=21, each=40, record=some)))
    columns.append(list(calls(range(FIRST + 4, FIRST + 14), seed=22, each=40, record=refused)))

    def told(hours: int) -> list[Seen]:
        seen = DriftLook().look(columns, now_ms=START_MS + (FIRST + hours) * HOUR_MS)
        return [each for each in seen if "early" in each.shown and dict(each.about)["measure"] == "verdict"]

    (verdict,) = told(14)
    hour = verdict.end_ms // HOUR_MS - START_HOUR - FIRST
    assert 4 < hour <= 10
    assert abs(verdict.start_ms // HOUR_MS - since) <= 1
    assert told(hour - 1) == []
    assert told(hour) == [verdict]
    assert verdict.about == (("agent", "sales-bot"), ("version", "score@1"), ("measure", "verdict"))
    assert 0.1 < verdict.low < verdict.value < verdict.high < 0.6
    assert (verdict.false_alarms, verdict.certainty, verdict.level) == (0.05, 0.99, 0.95)
    assert 'reason = "CAP_EXCEEDED"' in verdict.filter
    parse(verdict.filter)
    assert len(verdict.decisions) == 20
    assert kinds(verdict) == ["bars"]
    english, french = (" ".join(sentences(verdict, language=each)) for each in ("en", "fr"))
    assert "Within the day, the share of “DENY CAP_EXCEEDED” has changed by" in english
    assert "la part de «\N{NARROW NO-BREAK SPACE}DENY CAP_EXCEEDED\N{NARROW NO-BREAK SPACE}» a varié de" in french
    assert id_of(verdict) in {id_of(each) for each in after(columns, 14, seed=23, record=refused)}


@pytest.mark.parametrize(
    ("version", "opens"),
    [
        ("", ""),
        ("score@2", 'model_version = "score@2"'),
        # Of a model that was asked, or what an agent calls its own.
        ("release/2", '((model = "release" AND model_version = "2") OR model_version = "release/2")'),
    ],
)
def test_a_version_opens_its_decisions_whoever_has_named_it(version: str, opens: str) -> None:
    assert of_version(version) == opens
    parse(opens or 'agent = "a"')


def asks(model: str, version: str) -> How:
    """Calls that ask that version of a model."""
    return lambda _draw: {
        "agent": "research-bot", "model": model, "version": version, "operation": "INFER", "channel": "",
    }  # fmt: skip


def fails(draw: Draw) -> Mapping[str, Any]:
    """Four of ten."""
    return {"status": "UNAVAILABLE" if draw.random() < 0.4 else "OK"}


def test_a_version_of_a_model_is_named_with_it_and_held_against_that_models_other_versions(columns: Columns) -> None:
    before = range(FIRST - 3 * DAY, FIRST)
    columns.append(list(calls(before, seed=21, each=30, record=asks("lead-score", "1"))))
    columns.append(list(calls(before, seed=22, each=30, record=asks("churn", "2"), settlement=fails)))
    seen = after(columns, 3, each=60, record=asks("lead-score", "2"), settlement=fails)
    assert {each.about for each in seen} == {
        (("agent", "research-bot"), ("version", "lead-score/2"), ("measure", "status"))
    }
    assert {each.shown["against"] for each in seen} == {"lead-score/1"}
    for each in seen:
        assert 'model = "lead-score" AND model_version = "2"' in each.filter
        parse(each.filter)
        assert each.decisions
        assert 0 < each.low < each.value < each.high < 1, "an interval, also of what was never there before"
