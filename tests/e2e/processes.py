"""Processes of ours that a test may stop, freeze, kill, or leave without room on their disk."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from gateway.settings import inherited

UNLIMITED = resource.RLIM_INFINITY


def environment(**settings: str) -> dict[str, str]:
    """What such a process inherits, with these settings and no others of ours."""
    return {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")} | settings


def limit_files(pid: int, size_bytes: int) -> None:
    """Let no file of a process grow beyond that; `UNLIMITED`: lift it. To the process the disk is full (EFBIG)."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, UNLIMITED))


class Process:
    """One process; `command` is a module and its arguments. What it logs goes to `log`, where there is one."""

    def __init__(self, *command: str, environment: dict[str, str] | None = None, log: Path | None = None) -> None:
        self._command = (sys.executable, "-m", *command)
        self._environment = environment
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; does not wait."""
        with Path(os.devnull if self.log is None else self.log).open("ab") as out:
            error: IO[bytes] | None = None if self.log is None else out
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=error)

    def kill(self) -> None:
        """End it at once, where it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """End it as it should be ended; returns its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait()

    def freeze(self) -> None:
        """Let it do nothing, and keep its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # The signal is on its way only: a thread on another core may still answer a call.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
