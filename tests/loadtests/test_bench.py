"""The benchmark works, and what it measures is what it says: calls that were allowed and left their records."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.results import missed
from loadtests.routing import measured


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_quick_run_measures_allowed_calls_only_and_keeps_its_figures(tmp_path: Path) -> None:
    result = tmp_path / "figures" / "latest.json"
    command = [sys.executable, "-m", "loadtests.bench", "--quick", "--result", str(result)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(result.read_text())
    assert found["errors"] == 0
    assert found["hop_us"] < min(found["governed_us"], found["envoy_us"])
    assert (
        0 < found["routing"]["plain"]["us"]["median"] < found["routing_us"] < found["routing"]["worst"]["us"]["median"]
    )
    assert found["rss_mb"] > 20
    assert found["backtesting"]["calls"] == 20_000
    assert 0 < found["backtesting"]["newly_refused"] < 20_000
    governed_calls = sum(r["calls"] for r in found["governed"])
    assert found["spans"] > governed_calls * found["trace_ratio"] / 2


def test_a_budget_is_missed_from_either_side() -> None:
    figures = {
        "ratio": 1.4,
        "calls_per_s_core": 3500,
        "envoy_us": 140.0,
        "envoy_calls_per_s_core": 7_000,
        "routing_us": 15.0,
        "backtest_calls_per_s": 20_000,
        "rss_mb": 120,
        "swap_s": 0.9,
        "swap_step_ms": 8,
    }
    assert missed(figures) == []
    assert missed(figures | {"ratio": 1.6, "calls_per_s_core": 2999}) == ["ratio", "calls_per_s_core"]


def test_what_is_measured_of_routing_has_the_routes_and_experiments_that_it_says() -> None:
    found = measured(rounds=1, calls=50)
    shapes = {
        name: [found[name][each] for each in ("routes", "experiments", "experiments_of_call", "layers_of_call")]
        for name in ("realistic", "worst", "plain")
    }
    assert shapes == {"realistic": [200, 50, 5, 4], "worst": [200, 50, 50, 12], "plain": [200, 0, 0, 0]}
