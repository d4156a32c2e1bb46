"""Policies are loaded by several threads of one process, such as those of a gateway and of a control plane."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = """
import sys, threading
import msgspec
from gateway.activation.loading import load_stored
from tests.e2e.policy import policy

sys.setswitchinterval(1e-5)
document, begin, loaded = msgspec.json.encode(policy("127.0.0.1:1")), threading.Barrier(4), []


def load():
    begin.wait()
    loaded.append(load_stored(document).sha256)


threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(loaded) == 4
"""


@pytest.mark.parametrize("round_", range(3))  # each one ended in half of the processes, as long as it could
def test_threads_that_load_the_first_policy_at_once_do_not_end_the_process(round_: int) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, (round_, done.stderr)
