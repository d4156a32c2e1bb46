"""A process may have as many files open as it needs, whatever it was started with, and no more than it is allowed."""

import os
import resource
import subprocess
import sys

import pytest

from gateway.open_files import ENOUGH

_SAYS = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"


@pytest.mark.parametrize("limits", ["-S -n 256; ulimit -H -n 4000", "-S -n 4000; ulimit -H -n 4000", "-S -n 256"])
@pytest.mark.parametrize("by", ["itself", "what becomes Envoy"])
def test_a_process_has_what_it_needs(limits: str, by: str) -> None:
    code = f"from gateway.open_files import enough; enough(); {_SAYS}"
    command = [sys.executable, "-c", code]
    if by == "what becomes Envoy":
        command = [
            sys.executable,
            "-m",
            "gateway.envoy.engine.launching",
            str(os.getpid()),
            sys.executable,
            "-c",
            _SAYS,
        ]
    shell = ["/bin/sh", "-c", f'ulimit {limits}; exec "$@"', "sh"]
    begun = subprocess.run([*shell, *command], capture_output=True, text=True, check=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    at_most = ENOUGH if most == resource.RLIM_INFINITY else min(ENOUGH, most)
    assert int(begun.stdout) == (4_000 if "-H" in limits else at_most)
