"""The model: it grows with the load, names what gives way first, and its waits are those of a simulation."""

import json
import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from typer.testing import CliRunner

from services.capacity.constants import ALL, PROCESSES
from services.capacity.planning import BUSY, MOST, Load, plan
from services.capacity.pods import PRODUCTION, START_SECONDS, gateway_pod, requests
from services.capacity.waiting import simulated, waits
from services.cli import app
from tests.services.environment import UNSET

RATES = st.floats(0.1, MOST)


@given(RATES, RATES)
def test_more_load_never_takes_less(one: float, other: float) -> None:
    less, more = (plan(Load(calls_per_second=rate)) for rate in sorted((one, other)))
    for name in ("gateway_cores", "store_shards", "writers", "store_memory_mb", "database_gb", "network_mbit"):
        assert getattr(less, name) <= getattr(more, name), name


@given(RATES)
def test_what_is_planned_carries_the_load_and_a_core_less_would_not(rate: float) -> None:
    found = plan(Load(calls_per_second=rate))
    assert found.wait.busy <= BUSY + 1e-9
    assert found.gateway_cores == 1 or rate * 385e-6 / (found.gateway_cores - 1) > BUSY - 1e-9
    assert math.isfinite(found.wait.p99_us)


@pytest.mark.parametrize(
    ("rate", "cells", "wanted"),
    [(100, 1, "none"), (2_500, 1, "gateway"), (5_000, 1, "cell"), (1_000_000, 400, "gateway")],
)
def test_the_bottleneck_is_named(rate: float, cells: int, wanted: str) -> None:
    assert plan(Load(calls_per_second=rate, cells=cells)).bottleneck == wanted


@pytest.mark.parametrize(
    "load", [{"calls_per_second": 0}, {"calls_per_second": MOST + 1}, {"calls_per_second": math.nan}]
)
def test_what_is_no_load_is_refused(load: Any) -> None:
    with pytest.raises(ValueError, match="calls a second"):
        plan(Load(**load))


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (1, 0.8), (4, 0.6), (16, 0.9)])
def test_the_formula_and_a_simulation_agree(servers: int, busy: float) -> None:
    rate = busy * servers / 385e-6
    said = waits(rate, service_us=385, servers=servers)
    seen = simulated(rate, service_us=385, servers=servers, calls=400_000, seed=7)
    assert seen.mean_us == pytest.approx(said.mean_us, rel=0.1, abs=2)
    assert seen.p99_us == pytest.approx(said.p99_us, rel=0.15, abs=20)


def test_servers_that_cannot_keep_up_are_told() -> None:
    assert waits(10_000, service_us=385, servers=2).mean_us == math.inf


def test_a_pod_asks_for_what_its_calls_take_and_no_more_than_a_core() -> None:
    assert gateway_pod(500).cpu_millicores == 500
    assert gateway_pod(1e6).cpu_millicores == 1_000
    assert gateway_pod(1).memory_mib >= 200e6 / 2**20  # the most that one had after a run
    assert requests(PRODUCTION)["gateway"] == gateway_pod(PRODUCTION.calls_per_second)


@given(RATES, RATES)
def test_pods_ask_for_no_less_at_more_load_nor_for_more_than_they_can_use(one: float, other: float) -> None:
    less, more = (requests(Load(calls_per_second=rate)) for rate in sorted((one, other)))
    assert less.keys() == more.keys()
    for name, asked in less.items():
        assert asked.cpu_millicores <= more[name].cpu_millicores <= 1_000
        assert asked.memory_mib <= more[name].memory_mib
        assert asked.cpu_millicores % 50 == 0


def test_every_process_that_was_measured_asks_for_more_than_it_had() -> None:
    for name, process in PROCESSES.items():
        asked = requests(Load(calls_per_second=1))[name]
        assert asked.memory_mib * 2**20 > max(process.idle_mb, process.busy_mb) * 1e6
        assert asked.cpu_millicores / 1_000 * START_SECONDS >= process.start_seconds - 1e-9


def test_every_number_says_where_it_was_measured() -> None:
    assert all(len(each.source) > 20 and each.unit for each in ALL.values())


def test_the_command_says_it_in_both_languages_and_as_json() -> None:
    def run(*arguments: str, lang: str = "en") -> Any:
        return CliRunner().invoke(app, ["capacity", *arguments], env={**UNSET, "PILOTE_LANG": lang})

    assert "add workers" in run("--calls-per-second", "2500").output.replace("\n", " ")
    assert "ajoutez des processus" in run("--calls-per-second", "2500", lang="fr").output.replace("\n", " ")
    told = json.loads(run("--calls-per-second", "1000000", "--cells", "400", "--json").output)
    assert told["plan"]["gateway_cores"] == math.ceil(1e6 * 385e-6 / BUSY)
    assert told["constants"]["gateway_us"]["source"].startswith("make bench")
    assert run("--calls-per-second", "0").exit_code == 2
