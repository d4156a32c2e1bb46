"""The clock that stands still while a thread stands in line for a core, and what gathers by it."""

import asyncio
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gathering import BUSY, LOOK_SECONDS, Gathering
from gateway.unhindered import waited_s

BESIDE_ANOTHER: str = """
import json, os, sys, time
from gateway.unhindered import unhindered

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
clock, began, ran = unhindered(), time.monotonic(), time.process_time()
first = clock()
while time.process_time() - ran < 0.3:
    pass
said = {"cpu": time.process_time() - ran, "all": time.monotonic() - began, "unhindered": clock() - first}
sys.stdout.write(json.dumps(said))
"""
ANOTHER: str = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\nwhile True: pass"


@given(ran=st.integers(0, 10**18), waited=st.integers(0, 10**15), turns=st.integers(0, 10**9))
def test_what_linux_says_of_a_thread_is_read_in_seconds(ran: int, waited: int, turns: int) -> None:
    assert waited_s(f"{ran} {waited} {turns}\n".encode()) == pytest.approx(waited / 1e9)


@pytest.mark.parametrize("said", [b"", b"1 2", b"1 x 3", b"1 2 3 4"])
def test_what_is_no_line_of_linux_is_refused(said: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        waited_s(said)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how long a thread has stood in line")
def test_time_in_which_another_process_has_the_core_does_not_count() -> None:
    with subprocess.Popen([sys.executable, "-c", ANOTHER]) as another:
        try:
            done = subprocess.run([sys.executable, "-c", BESIDE_ANOTHER], capture_output=True, check=True)
        finally:
            another.kill()
    took = json.loads(done.stdout)

    in_line = took["all"] - took["cpu"]
    assert in_line > 0.3 * took["cpu"]
    # What a hypervisor gives to other machines is nobody's turn here, and stays in.
    assert 0.95 * took["cpu"] <= took["unhindered"] <= took["cpu"] + 0.4 * in_line


class Turned:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@given(share=st.floats(0, 1), in_line=st.floats(0, 0.999))
def test_a_process_that_uses_what_it_gets_is_busy_however_little_that_is(share: float, in_line: float) -> None:
    async def look() -> bool:
        cpu, clock = Turned(), Turned()
        gathering = Gathering(cpu_seconds=cpu, clock=clock)
        clock.seconds = (1 - in_line) * LOOK_SECONDS
        cpu.seconds = share * clock.seconds
        gathering.look()
        busy = gathering.on
        gathering.close()
        return busy

    if abs(share - BUSY) > 1e-6:
        assert asyncio.run(look()) is (share > BUSY)
