"""Sampled stacks are counted for the step that they belong to, and other threads' for none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.stacks import LOOP, REST, STEPS, shares, step_of

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


def test_without_a_sample_there_are_no_shares() -> None:
    with pytest.raises(ValueError, match="no sample"):
        shares([])
