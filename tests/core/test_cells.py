"""A subject stays in its cell, and the cells together never grant more than a limit says."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.cells import cell_of, event_home, hold_home, homes_of, shared
from gateway.core.limits import Bucket
from tests.policies import revision

REF = "0123456789abcdef" * 2


def test_a_cell_is_the_same_whoever_asks_and_whenever() -> None:
    # Fixed for good: another answer would look for a customer's cap where it is not.
    assert [cell_of(cells, REF) for cells in (1, 2, 4, 16, 256)] == [0, 1, 3, 3, 83]
    assert cell_of(4, "bot", "key-1") == 3


@given(st.integers(1, 256), st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_a_cell_is_one_that_there_is(cells: int, parts: list[str]) -> None:
    assert 0 <= cell_of(cells, *parts) < cells


def test_where_one_part_ends_and_the_next_begins_counts() -> None:
    assert cell_of(256, "ab", "c") != cell_of(256, "a", "bc")


def test_subjects_spread_evenly() -> None:
    counted = Counter(cell_of(4, f"{n:032x}") for n in range(4_000))
    assert set(counted) == {0, 1, 2, 3}
    assert min(counted.values()) > 900


@given(st.integers(1, 256), st.integers(1, 10_000), st.integers(1, 10**9))
def test_the_shares_of_all_cells_are_never_more_than_the_whole(cells: int, capacity: int, interval_us: int) -> None:
    (part,) = shared((Bucket("a", "rate", "x", capacity, 1_000, interval_us),), cells, divided={"a"})
    assert part.capacity * cells <= capacity
    assert part.interval_us == interval_us * cells  # each cell is as much slower as there are cells


@given(
    st.integers(1, 256),
    st.integers(0, 10_000),
    st.integers(0, 50),
    st.sampled_from(["window", "budget", "concurrency"]),
)
def test_of_what_is_counted_a_cell_has_a_part_and_a_call_costs_as_much_as_ever(
    cells: int, capacity: int, cost: int, kind: str
) -> None:
    whole = Bucket("a", kind, "x", capacity, 1_000, cost=cost)
    (part,) = shared((whole,), cells, divided={"a"})
    assert capacity - cells < part.capacity * cells <= capacity
    assert msgspec.structs.replace(part, capacity=capacity) == whole


@given(st.integers(1, 256), st.integers(0, 10_000), st.integers(0, 100))
def test_a_cell_believes_what_an_upstream_tells_of_the_whole_and_keeps_to_its_own_part(
    cells: int, capacity: int, percent: int
) -> None:
    whole = Bucket("a", "quota", "x", capacity, 1_000, share=percent, mode="monitor")
    told, own = shared((whole,), cells, divided={"a"})
    assert told == whole
    assert (own.kind, own.limit, own.mode, own.period_ms) == ("window", "a", "monitor", 1_000)
    assert own.capacity * cells <= capacity * percent // 100


@pytest.mark.parametrize("kind", ["cap", "gap", "score", "sequence", "trail", "rate", "quota"])
def test_what_is_counted_by_subject_is_never_divided(kind: str) -> None:
    buckets = (Bucket("a", kind, f"subject={REF}", 3, 1_000),)
    assert shared(buckets, 4, divided={"b"}) == buckets


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("decisions", None),
        ("decisions:quarantine", None),
        ("stops", (0, 1, 2, 3)),
        ("request:bot:key:with:colons", (0, 1, 2, 3)),
        ("bound:bot:key:with:colons", (cell_of(4, "bot", "key:with:colons"),)),
        (f"facts:{REF}", (3,)),
        (f"times:{REF}", (3,)),
        (f"told:{REF}:0123", (3,)),
        (f"bucket:cap:pressure:subject={REF},channel=email", (3,)),
        (f"bucket:rate:slow:agent=bot,subject={REF}", (3,)),
        (f"bucket:calendar:month:subject={REF}:2026-11", (3,)),
        ("bucket:rate:all:agent=bot", ()),
        (f"bucket:score:pressure:subject={REF}", (3,)),
        (f"bucket:sequence:calm:subject={REF}", (3,)),
        (f"bucket:cap:pressure:subject={REF},channel=email:open", (3,)),
        (f"bucket:cap:pressure:subject={REF},channel=email:pending", (3,)),
        (f"bucket:budget:spend:subject={REF},key={REF}", (3,)),
        (f"bucket:budget:spend:agent=bot,key={REF}", ()),
        ("bucket:quota:crm:upstream=crm:running", ()),
        (f"taken:{REF}", ()),
        (f"awaited:{REF}", (0, 1, 2, 3)),
        (f"event:{REF}:delivered:e-1", (event_home(4, REF),)),
        (f"recounted:{REF}", None),
        ("outcomes", None),
        ("failures", (0,)),
        ("findings", (0,)),
        ("failures:written:0123", (0,)),
    ],
)
def test_every_key_has_its_home(rest: str, wanted: tuple[int, ...] | None) -> None:
    homes = homes_of(rest, 4)
    assert homes is None if wanted is None else tuple(homes or ()) == wanted


def test_a_key_that_nobody_knows_has_none() -> None:
    with pytest.raises(KeyError):
        homes_of("surprise:x", 4)


@pytest.mark.parametrize(
    ("subject", "request_key", "wanted"),
    [
        (REF, "pilote:{acme/0}:request:bot:key-1", cell_of(64, REF)),
        ("", "pilote:{acme/0}:request:bot:key:1", cell_of(64, "bot", "key:1")),
        ("", "", cell_of(64, "f" * 32)),
    ],
)
def test_a_hold_belongs_where_its_call_does(subject: str, request_key: str, wanted: int) -> None:
    assert hold_home(64, hold="f" * 32, subject_ref=subject, request_key=request_key) == wanted


def test_a_revision_knows_its_cells_and_what_they_share_out() -> None:
    known = revision(
        tenants=[{"name": "acme", "cells": 3}],
        limits=[
            {"name": "all", "by": ["tenant"], "rate": 30},
            {"name": "person", "by": ["agent", "subject"], "rate": 1},
        ],
    )
    assert known.all_cells == ("pilote:{acme/0}", "pilote:{acme/1}", "pilote:{acme/2}")
    assert known.divided == {"all"}
    assert (revision().cells, revision().all_cells) == ({}, ("pilote:{acme/0}",))
