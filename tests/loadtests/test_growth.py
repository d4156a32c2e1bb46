"""What grows is the one thing that is said to, lines are those of the costs, and what is not flat fails the run."""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import load
from loadtests.ablation import report
from loadtests.ablation import table as ablation_table
from loadtests.ablations import ablations
from loadtests.flatness import budgets, flatness, line, steep
from loadtests.governed import Credentials
from loadtests.growing import ROUTES_OF_CALL, RULES_OF_CALL, dimensions
from loadtests.growth import table
from loadtests.growth_plots import drawn
from loadtests.measuring import Round
from loadtests.message import METHOD
from loadtests.rounds import Compared

SIZES = (10, 100)


def shape(policy: Any) -> dict[str, int]:
    revision = load(Credentials(policy).completed(policy, upstream="127.0.0.1:1"))
    called = revision.methods[METHOD]
    return {
        "agents": len(revision.document.agents),
        "routes": len(revision.document.routes),
        "rules": len(revision.document.rules),
        "rules_of_call": len(called.rules),
        "routes_of_call": len(called.routes),
    }


@pytest.mark.parametrize("dimension", dimensions(), ids=lambda each: each.name)
def test_one_thing_grows_and_what_concerns_the_call_stays(dimension: Any) -> None:
    small, large = [dimension.size(count) for count in SIZES]
    before, after = shape(small.policy), shape(large.policy)
    changed = {name for name in before if before[name] != after[name]}

    assert changed == ({dimension.name} if dimension.name != "subjects" else set())
    assert (before.get(dimension.name, 10), after.get(dimension.name, 100)) == SIZES
    if dimension.name == "rules":
        assert after["rules_of_call"] == RULES_OF_CALL
    if dimension.name == "routes":
        assert after["routes_of_call"] == ROUTES_OF_CALL
    assert (large.callers, large.customers) == {"agents": (100, 8), "subjects": (1, 100)}.get(dimension.name, (1, 8))


def test_every_dimension_has_a_budget_and_reaches_what_was_promised() -> None:
    reached = {each.name: each.counts[-1] for each in dimensions()}
    assert reached == {"agents": 10_000, "routes": 1_000, "rules": 10_000, "subjects": 1_000_000}
    assert budgets().keys() == reached.keys()


@given(
    at_one=st.floats(50, 1_000),
    tenfold=st.floats(-5, 500),
    counts=st.sets(st.integers(1, 10**6), min_size=2, max_size=6),
)
def test_a_line_finds_what_costs_were_made_with(at_one: float, tenfold: float, counts: set[int]) -> None:
    costs = {count: at_one + tenfold * math.log10(count) for count in sorted(counts)}
    found = line(costs)

    assert found.tenfold_us == pytest.approx(tenfold, abs=0.01)
    assert found.rise == pytest.approx(costs[max(counts)] / costs[min(counts)], rel=1e-4)


def test_flat_passes_and_what_grows_by_a_fifth_fails_though_one_round_was_odd() -> None:
    flat = [
        {10: 400.0, 100: 402.0, 1000: 399.0},
        {10: 420.0, 100: 410.0, 1000: 800.0},
        {10: 390.0, 100: 392.0, 1000: 391.0},
    ]
    grows = [{10: 400.0, 100: 440.0, 1000: 480.0}] * 3
    found = {"routes": flatness(flat), "rules": flatness(grows)}

    assert found["rules"]["rise"]["median"] == pytest.approx(1.2)
    assert steep(found, budgets()) == ["rules"]


def test_a_line_through_one_size_is_no_line() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        line({10: 400.0})


def test_plots_are_pictures_of_all_dimensions_and_the_same_bytes_again() -> None:
    its = {
        "hop_us": {"median": 190.0},
        "us": {"10": {"median": 400.0, "min": 390.0, "max": 410.0}, "100": {"median": 401.0, "min": 1.0, "max": 2.0}},
        "rounds": {"10": [390.0, 410.0], "100": [400.0, 402.0]},
        **flatness([{10: 390.0, 100: 400.0}, {10: 410.0, 100: 402.0}]),
    }
    found = {"routes": its, "rules": its}
    picture = drawn(found)

    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own
    assert picture == drawn(found)
    assert "10: 400" in table(found, budgets())


@pytest.mark.parametrize("ablation", ablations(engine="envoy"), ids=lambda each: each.name)
def test_every_ablation_is_a_policy_that_loads_and_runs_on_the_engine_that_was_asked_for(ablation: Any) -> None:
    found = shape(ablation.setup.policy)
    assert found["rules_of_call"] >= 1
    assert ablation.setup.engine == "envoy"


def round_of(cpu_us: float, *, errors: int = 0) -> Round:
    return Round(calls=100, cpu_us=cpu_us, calls_per_s=1_000.0, busy=0.9, errors=errors)


def test_what_a_check_costs_is_the_difference_within_a_round_though_rounds_differ_by_more() -> None:
    what = ablations()[:2]
    whole, without = what[0].name, what[1].name
    gateways = {
        whole: [round_of(400), round_of(900), round_of(420)],
        without: [round_of(380), round_of(880), round_of(400, errors=3)],
    }
    found = report(Compared([round_of(200), round_of(450), round_of(210)], gateways), what)

    assert found["gateways"][without]["less_us"] == {"median": 20, "min": 20, "max": 20}
    assert found["gateways"][whole]["ratio"] == {"median": 2, "min": 2, "max": 2}
    assert (found["errors"], found["errors_by_gateway"]) == (3, {without: 3})
    assert f"| {without} |" in ablation_table(found)


@pytest.mark.integration
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("loadtests.ablation", ["--only", "+ redaction", "+ replay"]),
        ("loadtests.growth", ["routes", "--plots", "plots.svg"]),
    ],
)
def test_a_quick_run_measures_allowed_calls_only_and_keeps_its_figures(
    tmp_path: Path, module: str, arguments: list[str]
) -> None:
    result = tmp_path / "figures.json"
    arguments = [str(tmp_path / each) if each.endswith(".svg") else each for each in arguments]
    command = [sys.executable, "-m", module, "--quick", "--result", str(result), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(result.read_text())
    parts = found["dimensions"]["routes"] if "dimensions" in found else found

    assert finished.returncode == 0 or "costs more" in finished.stderr, finished.stdout + finished.stderr
    assert parts["errors"] == 0
    assert parts["hop_us"]["median"] > 0
