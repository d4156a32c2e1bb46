"""Sampled stacks are counted for the step that they belong to, and other threads' for none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.parts import CARRYING, FRONT, Thread, deciding, used
from loadtests.processes import ProcessFailed
from loadtests.stacks import LOOP, REST, STEPS, shares, step_of
from loadtests.steps import Looked, report, table

START = (
    "<module> (pilote:8);main (services/cli.py:77);run (gateway/rpc/serving.py:148);Runner.run (asyncio/runners.py:1)"
)
CALL = f"{START};Proxy._unary.<locals>.serve (gateway/proxy.py:103);Pipeline.call (gateway/pipeline.py:300)"
HOSTED = "Hosted.__call__ (services/deciding/hosted.py:52)"
ASKED = f"{HOSTED};GrpcOverAsgi._serve (gateway/rpc/asgi.py:99);Authorization.Check (gateway/envoy/authorization.py:70)"
ASKS = "read the question"


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
        (
            f"{ASKED};Checking.answer (gateway/envoy/engine/checking.py:54);heavy (gateway/envoy/engine/asking.py:60)",
            ASKS,
        ),
        ("_Connection.on_message_complete (gateway/envoy/engine/questions.py:110)", ASKS),
        (f"{ASKED};Doors.look (gateway/envoy/doors.py:48)", "look at Envoy's key"),
        (f"{ASKED};carry (gateway/envoy/engine/answering.py:60)", "answer Envoy"),
        (f"{HOSTED};AccessLog._settle (gateway/envoy/access_log.py:70)", "read the access log"),
        (f"{ASKED};Pipeline.settle (gateway/pipeline.py:240)", "settle"),
        (HOSTED, "gRPC by ASGI"),
        ("", LOOP),  # an Envoy's loop is begun by no Python
        ("SubjectKeys.seal (gateway/adapters/subject_keys.py:47)", "seal what was read"),  # py-spy saw its end only
    ],
)
def test_a_stack_belongs_to_the_innermost_step_that_is_known(stack: str, step: str) -> None:
    assert step_of(stack) == step


@given(
    st.dictionaries(
        st.sampled_from([START, CALL, f"{CALL};route (gateway/core/routing.py:5)"]), st.integers(1, 999), min_size=1
    )
)
def test_shares_add_up_to_the_whole_thread(seen: dict[str, int]) -> None:
    lines = [f"thread (7): MainThread;{stack} {times}" for stack, times in seen.items()]
    found = shares([*lines, "thread (77): Other;Watch.flush (gateway/watching/watch.py:1) 500", "thread (8) 50"], tid=7)
    assert sum(found.values()) == pytest.approx(1)
    assert found.keys() == {*STEPS, REST, LOOP}
    assert found[LOOP] == pytest.approx(seen.get(START, 0) / sum(seen.values()))


def test_steps_and_threads_are_shares_of_all_that_a_call_costs() -> None:
    rounds = [
        Looked({"decide": us, LOOP: 200.0}, {"thread `event_engine`": 100.0}, 400.0) for us in (90.0, 100.0, 120.0)
    ]
    found = report(rounds, [380.0, 390.0, 395.0])

    assert found["shares"] == {"decide": 0.25, LOOP: 0.5, "thread `event_engine`": 0.25}
    assert found["us"]["median"] == 390
    assert "| decide | 100 (90 to 120) | 25% |" in table(found)


def test_the_thread_that_decides_is_the_busiest_of_a_process_that_does_and_carries_nothing() -> None:
    before = {1: Thread(10, FRONT, decides=False, seconds=5.0), 2: Thread(20, "a", decides=True, seconds=9.0)}
    after = {
        1: before[1]._replace(seconds=9.0),
        2: before[2]._replace(seconds=9.5),
        3: Thread(20, CARRYING, decides=True, seconds=3.0),
        4: Thread(20, "b", decides=True, seconds=2.0),
    }
    taken = used(before, after)
    assert {tid: each.seconds for tid, each in taken.items()} == {1: 4.0, 2: 0.5, 3: 3.0, 4: 2.0}
    assert deciding(taken) == 4
    with pytest.raises(ProcessFailed, match="decides"):
        deciding({1: after[1]})


@pytest.mark.integration
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("engine", "also"), [("in-process", "event_engine"), ("envoy", FRONT)])
def test_a_gateway_is_looked_at_without_being_stopped(tmp_path: Path, *, engine: str, also: str) -> None:
    result = tmp_path / "steps.json"
    command = [sys.executable, "-m", "loadtests.steps", "--engine", engine, "--rounds", "1", "--seconds", "3"]
    command += ["--result", str(result)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(result.read_text())
    assert found["steps"]["decide"]["median"] > 0
    assert any(also in name for name in found["threads"])
    assert 0.9 < sum(found["shares"].values()) < 1.1


def test_without_a_sample_there_are_no_shares() -> None:
    with pytest.raises(ValueError, match="no sample"):
        shares([], tid=7)
