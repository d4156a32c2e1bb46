"""However values come, their sums are those that one gets by counting each of them by itself."""

import math
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.workbench.columns.gathering import Gathered, Whose
from services.workbench.columns.measured import Segments, measured
from services.workbench.columns.readings import readings_of
from services.workbench.columns.sum_reading import histograms
from services.workbench.columns.sums import GRID, LATENCY, VERDICT, Group
from services.workbench.columns.tally import packed
from tests.services.workbench.test_sums import Plain

OF = "facts.segments"
WHOSE = st.tuples(*(st.sampled_from(names) for names in ("ab", "xy", "12", "m")), st.integers(0, 2))
SEGMENTS = st.lists(st.sampled_from(["gold", "new", "é"]), unique=True, max_size=2).map(lambda its: tuple(sorted(its)))
NUMBERS = st.one_of(st.integers(-3, 3), st.floats(allow_nan=True, allow_infinity=True))
VALUES = st.lists(
    st.one_of(
        st.tuples(st.just('facts.scores["churn"]'), NUMBERS),
        st.tuples(
            st.sampled_from(['facts.traits["tier"]', "request.note"]), st.sampled_from(["pro", "free", "", "2 b"])
        ),
        st.tuples(st.just("request.items"), st.one_of(NUMBERS, st.just({"size": 4}), st.just({"set": True}))),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
)
CALLS = st.lists(st.tuples(WHOSE, VALUES, SEGMENTS, st.sampled_from(["ALLOW", "DENY CAP"]), st.booleans()), max_size=30)
ENDS = st.lists(st.tuples(WHOSE, SEGMENTS, st.integers(1, 10_000)), max_size=30)
Kind = tuple[str, str, str, bool]
"""Segment, measure, field, and whether it has numbers."""
Counted = Counter[tuple[Whose, Kind, str | int]]


def cell(number: float) -> int:
    return int(GRID.cells(np.array([number], dtype=np.float64))[0])


@given(CALLS, ENDS)
def test_sums_are_what_one_gets_by_counting_each_value(
    calls: list[tuple[Whose, list[tuple[str, object]], Segments, str, bool]], ends: list[tuple[Whose, Segments, int]]
) -> None:
    values = {f"{at}": [*its, (OF, list(segments))] for at, (_, its, segments, _, _) in enumerate(calls)}
    gathered, wanted = Gathered(readings_of(values)), Counted()
    for at, (whose, _, segments, verdict, first) in enumerate(calls):
        gathered.decided(whose, at, verdict=verdict, first=first)
        assert gathered.segments(at) == segments
        wanted.update((whose, (segment, VERDICT, "", False), verdict) for segment in segments)
        for name, value in values[f"{at}"] if first else ():
            each = measured(name, value, segments)
            assert each is not None
            key = each.value if isinstance(each.value, str) else cell(each.value)
            numbers = not isinstance(each.value, str)
            wanted.update((whose, (segment, each.measure, each.field, numbers), key) for segment in ("", *segments))
    for whose, segments, took_us in ends:
        gathered.took(whose, segments, took_us=took_us)
        wanted.update((whose, (segment, LATENCY, "", True), cell(took_us)) for segment in segments)
    assert told(gathered) == wanted


def told(gathered: Gathered) -> Counted:
    """What is read of the sums, when they have come to rest."""
    sheets = sorted(gathered.sums().items())
    found = {
        "tenant": np.array([sheet.tenant for sheet, _ in sheets], dtype=object),
        "at_hour": np.array([sheet.at_hour for sheet, _ in sheets], dtype=np.int64),
        "sealed": np.array([Plain().seal(packed(its), bound_to=sheet.bound_to) for sheet, its in sheets], dtype=object),
    }
    return Counted(
        {
            ((each.tenant, each.agent, each.version, each.method, each.at_hour), _kind(each), key): int(count)
            for each, its in histograms(found, sealing=Plain(), least=1, most=10_000)
            for key, count in zip(its.keys.tolist(), its.counts.tolist(), strict=True)
        }
    )


def _kind(group: Group) -> Kind:
    return group.segment, group.measure, group.field, group.numbers


def test_what_is_no_number_has_a_cell_of_its_own_and_nothing_gives_nothing() -> None:
    assert Gathered(readings_of({})).sums() == {}
    gathered = Gathered(readings_of({"one": [('facts.scores["x"]', math.nan)]}))
    assert gathered.sums() == {}
    gathered.decided(("a", "b", "c", "d", 1), 0, verdict="ALLOW", first=True)
    wanted = (("a", "b", "c", "d", 1), ("", "score", 'facts.scores["x"]', True), cell(math.nan))
    assert told(gathered) == Counted({wanted: 1})
