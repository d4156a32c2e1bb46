"""Tallies are what one gets by counting each row by itself, also when they are added up and have rested."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.workbench.columns.tally import Measure, Rows, Series, Tally, added, only_used, packed, summed, unpacked

SERIES = [Series(agent, "1", "m") for agent in "abc"]
SEGMENTS = [(), ("gold",), ("gold", "new")]
MEASURES = [Measure("score", "x", of_everyone=True), Measure("verdict", "", of_everyone=False)]
WORDS = ["ALLOW", "DENY", "é"]
CELLS = [-(2**62), -3, 0, 2**61]
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1), st.integers(0, 2)), max_size=30)
NAMES = st.permutations(range(3))
Counted = Counter[tuple[Series, tuple[str, ...], Measure, str | int]]


def tally(named: list[tuple[int, ...]], numbered: list[tuple[int, ...]], order: list[int]) -> Tally:
    """With the series in that order, and all names, also those that no row is of."""
    series = [SERIES[order.index(at)] for at in range(3)]
    parts = []
    for rows in (named, numbered):
        places = np.array([(order[row[0]], *row[1:]) for row in rows], dtype=np.int64).reshape(-1, 4)
        parts.append(summed(places))
    return only_used(Tally(series, SEGMENTS, MEASURES, WORDS, np.array(CELLS), *parts))


def counted(its: Tally) -> Counted:
    found = Counted()
    for rows, keys in ((its.named, list(its.words)), (its.numbered, its.cells.tolist())):
        for (series, segments, measure, key), count in zip(rows.places.tolist(), rows.counts.tolist(), strict=True):
            found[its.series[series], its.segments[segments], its.measures[measure], keys[key]] += count
    return found


def wanted(named: list[tuple[int, ...]], numbered: list[tuple[int, ...]]) -> Counted:
    rows = [(WORDS, row) for row in named] + [(CELLS, row) for row in numbered]
    return Counted((SERIES[a], SEGMENTS[b], MEASURES[c], keys[d]) for keys, (a, b, c, d) in rows)


@given(rows=st.tuples(ROWS, ROWS), more_rows=st.tuples(ROWS, ROWS), order=NAMES, other=NAMES)
def test_what_is_added_up_and_has_rested_is_what_was_counted(
    rows: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
    more_rows: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
    order: list[int],
    other: list[int],
) -> None:
    one, more = tally(*rows, order), tally(*more_rows, other)
    assert counted(one) == wanted(*rows)
    both = unpacked(packed(added(unpacked(packed(one)), more)))
    assert counted(both) == wanted(*rows) + wanted(*more_rows)
    for each in (both.named, both.numbered):
        assert len({tuple(row) for row in each.places.tolist()}) == len(each.places)
    assert both.cells.tolist() == sorted(set(both.cells.tolist()))


@given(st.lists(st.tuples(*[st.integers(0, 1 << 30)] * 4), max_size=20))
def test_places_of_any_size_are_told_apart(rows: list[tuple[int, ...]]) -> None:
    found = summed(np.array([*rows, *rows], dtype=np.int64).reshape(-1, 4))
    told = dict(zip(map(tuple, found.places.tolist()), found.counts.tolist(), strict=True))
    assert told == Counter([*rows, *rows])


def test_nothing_gives_nothing() -> None:
    nothing = tally([], [], [0, 1, 2])
    assert counted(unpacked(packed(added(nothing, nothing)))) == Counted()
    assert nothing.named.moved([], [], [], []) == Rows(nothing.named.places, nothing.named.counts)
