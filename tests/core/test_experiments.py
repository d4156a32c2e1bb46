"""Layers: nobody is in two experiments of one, and who is in what in one says nothing of another."""

import functools
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.core.assignment import BASIS_POINTS, point
from gateway.core.call import UNKNOWN_SUBJECT, Call, Operation
from gateway.core.decide import unrouted
from gateway.core.record import subject_ref
from gateway.core.revision.compiled import Revision
from gateway.core.routing import Routed, route
from tests.policies import READ, revision

UNITS = [subject_ref(b"k" * 32, tenant="acme", subject=f"contacts/{n}") for n in range(20_000)]
HALVES = [{"name": "a", "weight": 5000}, {"name": "b", "weight": 5000}]
CRITICAL = {1: 10.828, 4: 18.467, 16: 39.252}
"""Chi-square at p = 0.001, by degrees of freedom (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4)."""


def experiment(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "operations": ["READ"], "arms": HALVES} | more


def exposures(made: Revision, unit: str) -> Mapping[str, str]:
    """What a read of this customer exposes them to."""
    return {each.experiment: each.variation for each in _read(made, unit).exposures}


def _read(made: Revision, unit: str) -> Routed:
    call = Call(method=READ, operation=Operation.READ, request=None, subject_ref=unit)
    policy, agent = made.methods[READ], made.agent("bot")
    assert agent is not None
    values = unrouted(made, policy, now_ms=0, agent=agent, call=call, facts=UNKNOWN_SUBJECT)
    return route(policy.routing, call, facts=UNKNOWN_SUBJECT, values=values, now_ms=0, draw=0.0)


def chi_square(pairs: Sequence[tuple[str, str]]) -> tuple[float, int]:
    """The statistic of independence of the two, and its degrees of freedom."""
    seen, rows, columns = Counter(pairs), Counter(row for row, _ in pairs), Counter(column for _, column in pairs)
    statistic = 0.0
    for row, column in itertools.product(rows, columns):
        expected = rows[row] * columns[column] / len(pairs)
        statistic += (seen[row, column] - expected) ** 2 / expected
    return statistic, (len(rows) - 1) * (len(columns) - 1)


@functools.cache
def crowded() -> Revision:
    """Two layers of two experiments each and a rest, and one experiment in a layer of its own."""
    return revision(
        experiments=[
            experiment("one", layer="page", last=5000),
            experiment("two", layer="page", first=5000, last=8000),
            experiment("three", layer="words", last=3000),
            experiment("four", layer="words", first=3000, last=9000, coverage=5000),
            experiment("five"),
        ]
    )


def test_nobody_is_in_two_experiments_of_one_layer_and_the_slots_are_filled_as_they_say() -> None:
    found = [exposures(crowded(), unit) for unit in UNITS]
    assert not [each for each in found if {"one", "two"} <= each.keys() or {"three", "four"} <= each.keys()]
    shares = Counter(name for each in found for name in each)
    wanted = {"one": 0.5, "two": 0.3, "three": 0.3, "four": 0.3, "five": 1.0}
    for name, share in wanted.items():
        assert shares[name] / len(UNITS) == pytest.approx(share, abs=0.011)  # three standard deviations


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("one", "two"), ("three", "four")),
        (("one", "two"), ("five",)),
        (("three", "four"), ("five",)),
    ],
)
def test_who_is_in_what_in_one_layer_says_nothing_of_another(left: Sequence[str], right: Sequence[str]) -> None:
    pairs = []
    for unit in UNITS:
        found = exposures(crowded(), unit)
        one, other = ("".join(f"{name}{found[name]}" for name in side if name in found) for side in (left, right))
        pairs.append((one, other))
    statistic, freedom = chi_square(pairs)
    assert statistic < CRITICAL[freedom]


def test_a_variation_is_independent_of_the_slot_of_its_layer_and_of_the_arm_of_its_route() -> None:
    arms = [{"name": "x", "upstream": "crm", "weight": 5000}, {"name": "y", "upstream": "crm", "weight": 5000}]
    routes = [{"name": "crm", "methods": ["/pilote.*"], "arms": arms}]
    made = revision(routes=routes, experiments=[experiment("page", layer="page", last=9999)])
    pairs, slots = [], []
    for unit in UNITS:
        found = _read(made, unit)
        for shown in found.exposures:
            pairs.append((shown.variation, found.route.arm))
            slots.append((shown.variation, str(point("layer:page", unit) // 5000)))
    for each in (pairs, slots):
        statistic, freedom = chi_square(each)
        assert (statistic < CRITICAL[freedom], freedom) == (True, 1)


def test_the_statistic_tells_assignments_by_one_seed_from_independent_ones() -> None:
    same = [(str(point("page", unit) < 5000), str(point("page", unit) < 6000)) for unit in UNITS]
    statistic, _ = chi_square(same)
    assert statistic > 1000


def test_as_an_experiment_is_ramped_up_nobody_leaves_it_or_changes_the_variation() -> None:
    """For the hash's ranges a property says so of any weights and shares; here a policy is published step by step."""
    arms = [{"name": "a", "weight": 3333}, {"name": "b", "weight": 3333}, {"name": "c", "weight": 3334}]
    before: dict[str, Mapping[str, str]] = {unit: {} for unit in UNITS[:2_000]}
    for coverage in (0, 100, 500, 2_500, 5_000, BASIS_POINTS):
        made = revision(experiments=[experiment("ramp", arms=arms, coverage=coverage)])
        after = {unit: exposures(made, unit) for unit in before}
        assert all(before[unit] in ({}, after[unit]) for unit in before)
        assert sum(map(len, after.values())) == pytest.approx(len(before) * coverage / BASIS_POINTS, abs=70)
        before = after
