"""Processes of the benchmark: pinned to one core, their CPU time and memory read, stopped by pid whatever happens."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

STOP_SECONDS: Final = 10.0


class ProcessFailed(Exception):
    """A process ended, or did not come up; the text holds the end of its log."""


def python(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this repository."""
    return [sys.executable, "-m", module, *arguments]


def pilote(*arguments: str, by: str = "") -> list[str]:
    """The command line of the `pilote` that is installed beside this Python, or beside the one at the path `by`."""
    return [str(Path(by or sys.executable).with_name("pilote")), *arguments]


def pinned(command: Sequence[str], *, core: int) -> list[str]:
    """The command on one core. Set before the program starts, so that all its threads inherit it.

    Raises:
        FileNotFoundError: there is no `taskset`.
    """
    taskset = shutil.which("taskset")
    if taskset is None:
        raise FileNotFoundError("taskset is missing: install util-linux.")
    return [taskset, "--cpu-list", str(core), *command]


def end_by_sigterm() -> None:
    """From now on SIGTERM ends this process by every `finally`, as Ctrl-C does: all that it has started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def as_nice_as_we_are(leader: int) -> None:
    """Weigh a session as our own niceness says: Linux weighs sessions, and niceness counts within one only.

    So `nice -n -10` before a benchmark keeps others of a busy machine out of what it measures.
    """
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    if niceness:
        with contextlib.suppress(OSError):  # a system that weighs no sessions, or forbids it
            Path(f"/proc/{leader}/autogroup").write_text(str(niceness))


class Process:
    """One started process, in a session of its own: Ctrl-C reaches it through us only. On one core, or on any.

    Where it is `quiet`, what it prints goes into its log as well, for nobody reads its lines.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int | None,
        log: Path,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        self._log = log
        self._command = command
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(
                command if core is None else pinned(command, core=core),
                stdout=errors if quiet else subprocess.PIPE,
                stderr=errors,
                env=environment or {},
                start_new_session=True,
            )
        self.pid: Final = self._popen.pid
        as_nice_as_we_are(self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def line(self) -> str:
        """The next line it prints, such as its port.

        Raises:
            ProcessFailed: it ended instead.
        """
        assert self._popen.stdout is not None  # noqa: S101 - opened above
        line = self._popen.stdout.readline().decode().strip()
        if not line:
            raise self.failure()
        return line

    def wait(self, seconds: float) -> None:
        """Wait until it has done its work.

        Raises:
            ProcessFailed: it failed, or takes longer.
        """
        try:
            self._popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise self.failure() from error
        if self._popen.returncode != 0:
            raise self.failure()

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            ProcessFailed: it does not.
        """
        if self._popen.poll() is not None:
            raise self.failure()

    def failure(self) -> ProcessFailed:
        """What to say of it when it fails."""
        tail = self._log.read_text(errors="replace")[-2000:]
        return ProcessFailed(f"{' '.join(self._command)} failed:\n{tail}")

    def stop(self) -> str:
        """Stop it, kindly first; returns what it still had to print."""
        self._popen.terminate()
        try:
            rest, _ = self._popen.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            rest, _ = self._popen.communicate()
        return (rest or b"").decode().strip()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._popen.kill()
        self._popen.communicate()

    def cpu_seconds(self) -> float:
        """CPU time so far, user and kernel, of it and of the processes of its session that still run."""
        return sum(map(cpu_seconds_of, of_session(self.pid)))

    def rss_mb(self) -> float:
        """Resident memory in megabytes of 10^6 bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise self.failure()


def cpu_seconds_of(pid: int) -> float:
    """CPU time of all threads of a process so far, user and kernel.

    By the clock that the kernel keeps of each process (clock_getcpuclockid(3)): to the microsecond, where `/proc`
    rounds to ten milliseconds, and so rounds may be short.
    """
    return time.clock_gettime((~pid << 3) | 2)


def thread_seconds(pid: int) -> dict[int, tuple[str, float]]:
    """Of each thread of a process its name and its CPU time so far, by the count that Linux keeps of it."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            ran_ns = int((task / "schedstat").read_text().split()[0])
            found[int(task.name)] = ((task / "comm").read_text().strip(), ran_ns / 1e9)
    return found


def of_session(leader: int) -> Iterator[int]:
    """The processes of a session, as long as they run."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                yield int(stat.parent.name)
