"""What calls were decided by is summed up by the hour: nobody is named, nothing personal is there, drift is found."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.record import Verdict
from services.audit.filters.filter import parse
from services.findings.wording import about
from services.workbench.columns.database import Columns
from services.workbench.columns.measured import NONE, Measured, Values, measured, segments_of
from services.workbench.columns.readings import readings_of
from services.workbench.columns.sums import Group
from services.workbench.looks.drift import DriftLook
from tests.services.workbench.calls import HOUR_MS, START_HOUR, START_MS, Read, calls
from tests.services.workbench.test_drift import FIRST

SCORE = 'facts.scores["churn"]'
AMOUNT = "request.amount"
METHOD = "/pilote.crm.v1.MessageService/SendMessage"


class Plain:
    """Seals so that one can look what is in it, and opens what was sealed for the same place."""

    async def opened(self, _entries: Any, _audit: Any, *, since_ms: int) -> Mapping[str, Values]:
        return {}

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        return bound_to + b"\x00" + clear[::-1]

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        return sealed[len(bound_to) + 1 :][::-1] if sealed.startswith(bound_to + b"\x00") else None


def some(draw: np.random.Generator) -> Mapping[str, Any]:
    return {"subject_ref": draw.bytes(16).hex()}


def slower(draw: np.random.Generator) -> Mapping[str, Any]:
    return {"upstream_us": int(draw.lognormal(11, 0.5))}


def values_of(read: Sequence[Read], *, seed: int, shift: float = 0.0, in_: str = "gold") -> dict[str, Values]:
    """Of each call a score, an amount and one of two segments; scores of `in_` are higher by `shift` sigma."""
    draw = np.random.default_rng(seed)
    found: dict[str, Values] = {}
    for kind, parts, _ in read:
        if kind == "admit":
            segment = "gold" if draw.random() < 0.5 else "new"
            score = float(draw.normal(5.0 + (shift if segment == in_ else 0.0)))
            amount = float(draw.lognormal(3, 1))
            found[msgspec.json.decode(parts[0])["id"]] = [
                ("facts.segments", [segment]), (SCORE, score), (AMOUNT, amount),
            ]  # fmt: skip
    return found


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns", summing=Plain())
    past = list(calls(range(FIRST - 72, FIRST), seed=1, each=60, record=some))
    made.append(past, values=values_of(past, seed=2))
    yield made
    made.close()


def everything(columns: Columns) -> dict[Group, dict[Any, float]]:
    found = columns.sums(start_hour=0, end_hour=START_HOUR + 10_000, least=1, most=10_000)
    return {group: dict(zip(its.keys.tolist(), its.counts.tolist(), strict=True)) for group, its in found}


def test_a_score_that_drifts_in_one_segment_is_found_there_and_opens_its_decisions(columns: Columns) -> None:
    now = list(calls(range(FIRST, FIRST + 24), seed=3, each=60, record=some))
    columns.append(now, values=values_of(now, seed=4, shift=0.8))
    seen = DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS)
    gold = [each for each in seen if dict(each.about).get("segment") == "gold" and each.shown["hours"] == 24]
    assert [each.about for each in gold] == [
        (
            ("agent", "sales-bot"),
            ("version", "score@1"),
            ("method", METHOD),
            ("segment", "gold"),
            ("measure", "score"),
            ("field", SCORE),
        )
    ]
    assert {dict(each.about).get("segment") for each in seen} <= {"gold", None}
    assert {dict(each.about)["measure"] for each in seen} == {"score"}
    told = dict(about(gold[0], language="fr"))
    assert (told["méthode"], told["segment"], told["mesure"], told["champ"]) == (METHOD, "gold", "score", SCORE)
    parse(gold[0].filter)
    assert len(gold[0].decisions) == 20


def test_what_goes_on_as_before_raises_nothing(columns: Columns) -> None:
    now = list(calls(range(FIRST, FIRST + 24), seed=3, each=60, record=some))
    columns.append(now, values=values_of(now, seed=4))
    assert DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS) == []


def test_a_segment_that_is_refused_more_often_is_found_though_nobody_else_is(columns: Columns) -> None:
    now = list(calls(range(FIRST, FIRST + 24), seed=3, each=60, record=some))
    refused: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "CAP_EXCEEDED", "expires_ms": 0}
    worse = list(calls(range(FIRST, FIRST + 24), seed=5, each=12, record=lambda draw: {**some(draw), **refused}))
    columns.append(now, values=values_of(now, seed=4))
    columns.append(worse, values={name: [("facts.segments", ["new"])] for name in values_of(worse, seed=6)})
    seen = DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS)
    found = [each for each in seen if dict(each.about)["measure"] == "verdict" and "segment" in dict(each.about)]
    assert {dict(each.about)["segment"] for each in found} == {"new"}
    parse(found[-1].filter)


def test_a_segment_that_waits_longer_is_found_though_no_other_does(columns: Columns) -> None:
    now = list(calls(range(FIRST, FIRST + 24), seed=3, each=60, record=some))
    slow = list(calls(range(FIRST, FIRST + 24), seed=5, each=20, record=some, settlement=slower))
    columns.append(now, values=values_of(now, seed=4))
    columns.append(slow, values={name: [("facts.segments", ["new"])] for name in values_of(slow, seed=6)})
    seen = DriftLook().look(columns, now_ms=START_MS + (FIRST + 24) * HOUR_MS)
    found = [each for each in seen if dict(each.about)["measure"] == "latency" and "segment" in dict(each.about)]
    (day,) = [each for each in found if each.shown["hours"] == 24]
    assert {dict(each.about)["segment"] for each in found} == {"new"}
    assert dict(day.about)["method"] == METHOD
    assert day.n == pytest.approx(24 * 50, rel=0.1)
    assert day.shown["bins"][-1]["to"] is None
    assert len(day.decisions) == 20
    parse(day.filter)


def test_calls_wait_for_their_end_sealed_and_not_for_long(tmp_path: Path) -> None:
    read = list(calls(range(1), seed=1, each=4, record=some))
    values = {name: [("facts.segments", ["gold"])] for name in values_of(read, seed=2)}
    admitted, ends = ([each for each in read if each[0] == kind] for kind in ("admit", "settle"))
    columns = Columns(tmp_path / "columns", summing=Plain())
    columns.append(admitted, values=values)
    assert columns.asked("SELECT count(*) AS n FROM waiting")["n"].tolist() == [4]
    assert not any(group.measure == "latency" for group in everything(columns))
    columns.append(ends[:2])
    assert [its for group, its in everything(columns).items() if group.measure == "latency"]
    assert columns.asked("SELECT count(*) AS n FROM waiting")["n"].tolist() == [2]
    columns.forget(now_ms=START_MS + 2 * HOUR_MS)
    assert columns.asked("SELECT count(*) AS n FROM waiting")["n"].tolist() == [2]
    columns.forget(now_ms=START_MS + 3 * HOUR_MS)
    columns.append(ends[2:])
    (found,) = [its for group, its in everything(columns).items() if group.measure == "latency"]
    assert sum(found.values()) == 2
    columns.close()


@pytest.mark.parametrize(
    ("decided", "served", "named"),
    [
        ({"model": "score", "version": ""}, "2", "score/2"),
        ({"model": "score", "version": "1"}, "2", "score/2"),
        ({"version": "release/1"}, "2", "2"),
        ({"version": "release/1"}, "", "release/1"),
    ],
)
@pytest.mark.parametrize("steps", [1, 2])
def test_latencies_count_for_the_version_that_served_by_its_models_name(
    tmp_path: Path, decided: Mapping[str, str], served: str, named: str, steps: int
) -> None:
    read = list(calls(range(1), seed=1, each=1, record=lambda _: decided, settlement=lambda _: {"version": served}))
    values: dict[str, Values] = {name: [("facts.segments", ["gold"])] for name in values_of(read, seed=2)}
    columns = Columns(tmp_path / "columns", summing=Plain())
    for part in [read] if steps == 1 else [read[:1], read[1:]]:
        columns.append(part, values=values)
    assert {group.version for group in everything(columns) if group.measure == "latency"} == {named}
    columns.close()


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.sets(st.integers(1, 39), max_size=4))
def test_however_the_log_is_parted_the_sums_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int]
) -> None:
    read = list(calls(range(4), seed=1, each=10, record=lambda draw: {"subject_ref": f"{draw.integers(4):032x}"}))
    values = values_of(read, seed=2)
    found = []
    for parted in (cuts, set[int]()):
        folder = tmp_path_factory.mktemp("sums")
        for start, end in itertools.pairwise([0, *sorted(parted), len(read)]):
            columns = Columns(folder, summing=Plain())  # a process that began anew
            columns.append(read[start:end], values=values)
            columns.close()
        columns = Columns(folder, summing=Plain())
        found.append(everything(columns))
        columns.close()
    assert found[0] == found[1]
    scores = [its for group, its in found[0].items() if (group.field, group.segment) == (SCORE, "")]
    assert sum(sum(its.values()) for its in scores) == 4  # one a customer and day
    waits = [its for group, its in found[0].items() if group.measure == "latency"]
    assert sum(sum(its.values()) for its in waits) == 40  # every call


def test_nothing_in_it_names_anybody_and_what_is_old_goes(columns: Columns) -> None:
    assert {each.segment for each in everything(columns)} == {"", "gold", "new"}
    assert {each.field for each in everything(columns)} == {"", SCORE, AMOUNT}
    assert columns.asked("SELECT DISTINCT tenant FROM sums")["tenant"].tolist() == ["acme"]
    columns.forget(now_ms=START_MS + (FIRST + 24 * 20) * HOUR_MS)
    assert everything(columns) == {}


def test_sums_that_can_no_longer_be_opened_begin_anew(columns: Columns) -> None:
    columns._engine.execute("UPDATE sums SET sealed = 'broken'")
    assert everything(columns) == {}
    more = list(calls(range(FIRST - 1, FIRST), seed=9, each=10, record=some))
    columns.append(more, values=values_of(more, seed=2))
    found = {group: its for group, its in everything(columns).items() if (group.field, group.segment) == (SCORE, "")}
    assert [sum(its.values()) for its in found.values()] == [10.0]


def test_without_a_key_nothing_is_summed_up(tmp_path: Path) -> None:
    columns = Columns(tmp_path / "columns")
    read = list(calls(range(2), seed=1, record=some))
    columns.append(read, values=values_of(read, seed=2))
    assert columns.asked("SELECT count(*) AS n FROM sums")["n"].tolist() == [0]
    assert everything(columns) == {}
    columns.close()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("request.channel", "CHANNEL_EMAIL", ("input", "CHANNEL_EMAIL")),
        ("request.to", "ada@example.com", ("length", 15.0)),
        ("request.id", "cnt_000042", ("length", 10.0)),
        ("request.text", "Bonjour Ada", ("length", 11.0)),
        ("request.text", "", ("input", NONE)),
        ("request.count", 7, ("input", 7.0)),
        ("request.flag", True, ("input", "true")),
        ("request.items", {"size": 3}, ("input", 3.0)),
        ("request.part", {"set": False}, ("input", "false")),
        ("request.tags", ["a", "b"], ("input", 2.0)),
        ('facts.traits["tier"]', "gold", ("fact", "gold")),
        ('facts.traits["tier"]', None, ("fact", NONE)),
        (SCORE, 0.25, ("score", 0.25)),
        (SCORE, 10**400, ("score", math.nan)),
    ],
)
def test_a_value_becomes_a_number_a_shared_word_or_a_length(name: str, value: Any, wanted: tuple[str, Any]) -> None:
    found = measured(name, value, ())
    assert found is not None
    assert found == Measured(wanted[0], name, wanted[1]) or (math.isnan(wanted[1]) and math.isnan(float(found.value)))


def test_who_a_call_is_about_is_not_measured() -> None:
    assert measured("call.subject", "contacts/ada", ()) is None
    assert measured("call.contact_point", "ada@example.com", ()) is None


def test_segments_are_told_in_order_and_only_some() -> None:
    values = [("facts.segments", ["z", "b", "a", "…", "c", "d", "e", "f", "g", "h"])]
    assert segments_of(values) == ("a", "b", "c", "d", "e", "f", "g", "h")
    assert measured(*values[0], ("a", "b")) == Measured("segments", "", "a + b")
    assert measured(*values[0], ()) == Measured("segments", "", NONE)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_whatever_a_value_is_it_can_be_counted(value: Any) -> None:
    for name in ("request.x", 'facts.scores["x"]', "facts.segments", 'facts.traits["x"]'):
        found = readings_of({"one": [(name, value)]})
        assert len(found.table("named", 3)) + len(found.table("numbered", 2)) == 1
