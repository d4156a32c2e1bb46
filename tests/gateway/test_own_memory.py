"""A process that crashes with keys in its memory leaves none of them behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

SAY = """
import ctypes, os, resource, signal
from gateway import own_memory
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
{keep}
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), flush=True)
os.kill(os.getpid(), signal.SIGABRT)
"""


def _crashed(folder: Path, keep: str) -> "tuple[str, int]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}  # noqa: TID251
    done = subprocess.run(
        (sys.executable, "-c", SAY.format(keep=keep)),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout.strip(), done.returncode


def test_a_process_that_crashes_writes_no_memory_anywhere_and_lets_nobody_read_it(tmp_path: Path) -> None:
    said, code = _crashed(tmp_path, "own_memory.keep()")
    assert (said, code) == ("0 (0, 0)", -signal.SIGABRT)
    assert list(tmp_path.iterdir()) == []
    assert _crashed(tmp_path, "")[0].startswith("1 ")  # without, it would


def test_every_command_of_ours_does_so() -> None:
    said = "import sys; sys.argv = ['pilote', '--version']\nfrom services import cli\nimport ctypes, atexit\n"
    said += "atexit.register(lambda: print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)))\ncli.main()"
    done = subprocess.run((sys.executable, "-c", said), capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "0"
