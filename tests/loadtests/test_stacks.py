"""Sampled stacks are counted for the step that they belong to, and other threads' for none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.stacks import LOOP, REST, STEPS, shares, step_of
from loadtests.steps import Looked, report, table

START = (
    "<module> (pilote:8);main (services/cli.py:77);run (gateway/rpc/serving.py:148);Runner.run (asyncio/runners.py:1)"
)
CALL = f"{START};Proxy._unary.<locals>.serve (gateway/proxy.py:103);Pipeline.call (gateway/pipeline.py:300)"


@pytest.mark.parametrize(
    ("stack", "step"),
    [
        (START, LOOP),
        (CALL, REST),
        (
            f"{CALL};Pipeline._who (gateway/pipeline.py:1);Identity.identify (gateway/adapters/identity.py:66)",
            "identify",
        ),
        (f"{CALL};described (gateway/considering.py:1);describe (gateway/messages/describe.py:25)", "describe"),
        (f"{CALL};weighed (gateway/considering.py:1);route (gateway/core/routing.py:5)", "route"),
        (f"{CALL};weighed (gateway/considering.py:1);decide (gateway/core/decide.py:5)", "decide"),
        (f"{CALL};Taking.take (gateway/taking.py:44);record_of (gateway/records/call_records.py:23)", "record"),
        (f"{CALL};Taking.take (gateway/taking.py:44);reserve (gateway/adapters/reservation.py:44)", "admit"),
        (
            f"{CALL};Forwarding.unary (gateway/upstream/forwarding.py:60);_invoke (grpc/aio/_call.py:1)",
            "forward",
        ),
        (f"{START};RedisConnection._flush (gateway/adapters/redis_connection.py:220)", "store's connection"),
        (f"{START};Watch.flush (gateway/watching/watch.py:1)", "watch"),
        ("Thread._bootstrap (threading.py:1);BatchProcessor.worker (_shared_internal/__init__.py:1)", None),
        ("SubjectKeys.seal (gateway/adapters/subject_keys.py:47)", "seal what was read"),  # py-spy saw its end only
        ("_encode_span (common/_internal/trace_encoder/__init__.py:1)", None),
    ],
)
def test_a_stack_belongs_to_the_innermost_step_that_is_known(stack: str, step: str | None) -> None:
    assert step_of(stack) == step


@given(
    st.dictionaries(
        st.sampled_from([START, CALL, f"{CALL};route (gateway/core/routing.py:5)"]), st.integers(1, 999), min_size=1
    )
)
def test_shares_add_up_to_the_whole_thread(seen: dict[str, int]) -> None:
    found = shares([f"{stack} {times}" for stack, times in seen.items()] + ["Thread._bootstrap (threading.py:1) 500"])
    assert sum(found.values()) == pytest.approx(1)
    assert found.keys() == {*STEPS, REST, LOOP}
    assert found[LOOP] == pytest.approx(seen.get(START, 0) / sum(seen.values()))


def test_steps_and_threads_are_shares_of_all_that_a_call_costs() -> None:
    rounds = [Looked({"decide": us, LOOP: 200.0}, {"event_engine": 100.0}, 400.0) for us in (90.0, 100.0, 120.0)]
    found = report(rounds, [380.0, 390.0, 395.0])

    assert found["shares"] == {"decide": 0.25, LOOP: 0.5, "event_engine": 0.25}
    assert found["us"]["median"] == 390
    assert "| decide | 100 (90 to 120) | 25% |" in table(found)


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_a_gateway_is_looked_at_without_being_stopped(tmp_path: Path) -> None:
    result = tmp_path / "steps.json"
    command = [sys.executable, "-m", "loadtests.steps", "--rounds", "1", "--seconds", "3", "--result", str(result)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(result.read_text())
    assert found["steps"]["decide"]["median"] > 0
    assert 0.9 < sum(found["shares"].values()) < 1.1


def test_without_a_sample_there_are_no_shares() -> None:
    with pytest.raises(ValueError, match="no sample"):
        shares([])
