"""One process of ours: its own session, its own log, a leash to the supervisor, and an end that leaves nothing behind.

Exits are seen through a pidfd, not through asyncio's child watchers: these differ between Python 3.11, 3.12 and uvloop
(and start a thread per child in 3.11), and they reap the process before anybody can still signal its group safely.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from services.supervisor import leash

_KILL_SECONDS: Final = 5.0  # SIGKILL takes milliseconds, unless the process hangs inside the kernel
_TAIL_BYTES: Final = 8192


class Process:
    """A running command, leader of its own session, so that the terminal's Ctrl-C does not reach it.

    Create it on the main thread: the kernel ends it with the *thread* that started it.
    """

    def __init__(
        self, command: Sequence[str], log: Path, *, environment: Mapping[str, str], log_max_bytes: int
    ) -> None:
        """Start `command`; what it prints is appended to `log`, which first moves to `<log>.1` if it is too large.

        A command that cannot be run ends at once and says why in `log`.

        Raises:
            OSError: the log cannot be opened, or the system has no room for another process.
        """
        _rotate(log, max_bytes=log_max_bytes)
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._log, self._log_start = log, os.fstat(descriptor).st_size
            self._popen = subprocess.Popen(
                (*_leash(), *command),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self.pid: Final = self._popen.pid
        """Also the number of its process group and of its session."""
        self.born: Final = born(self.pid)

    @property
    def alive(self) -> bool:
        """Whether it runs, or is frozen."""
        return not self._reaped and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    async def exit(self) -> str:
        """Wait for its end, end what is left of its group, and say how it ended: "exit code 3", "SIGKILL".

        One waiter at a time; it may be cancelled.
        """
        if not self._reaped:
            await gone(self.pid)
            # Its zombie still holds the number, so that no stranger can be hit by this. Workers that outlive their
            # parent would keep the ports and serve calls that nobody supervises.
            workers = _workers_of(self.pid)
            signal_group(self.pid, signal.SIGKILL)
            self._popen.wait()
            await _all_gone(workers)
        return _told(self._popen.returncode)

    async def ends_within(self, seconds: float) -> bool:
        """Whether it ends in the next `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.exit()
        except TimeoutError:
            return False
        return True

    async def drain(self, seconds: float) -> bool:
        """SIGTERM, then after `seconds` SIGKILL for its whole group; False when even that did not end it."""
        if self.alive:
            ask_to_end(self.pid)
        if await self.ends_within(seconds):
            return True
        self.kill()
        return await self.ends_within(_KILL_SECONDS)

    def kill(self) -> None:
        """End it and its whole group at once."""
        if not self._reaped:
            signal_group(self.pid, signal.SIGKILL)

    def last_lines(self, count: int = 10) -> str:
        """The last lines it has printed, none of an earlier run's, indented; empty when there are none."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - _TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except FileNotFoundError:  # somebody tidied up
            return ""
        return "\n".join(f"    {line}" for line in lines[-count:])

    @property
    def _reaped(self) -> bool:
        return self._popen.returncode is not None


async def gone(pid: int) -> None:
    """Wait until process `pid` has ended; it need not be a child of ours. It stays to be reaped."""
    if sys.platform != "linux":
        # No pidfd there: a thread waits, and leaves the zombie as the pidfd does.
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def born(pid: int) -> str:
    """What tells process `pid` from a later one of the same number; empty when it has ended. Linux only, else empty."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # proc(5): the first field after the name is the state, the twentieth the start in ticks since this boot.
    return "" if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def ask_to_end(pid: int) -> None:
    """SIGTERM for `pid`, and SIGCONT, without which a frozen process could not drain."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)


def signal_group(pid: int, number: int) -> None:
    """Signal everyone in the process group `pid`."""
    # macOS refuses permission where the group consists of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _told(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"  # most real-time signals have no name


def _workers_of(pid: int) -> list[int]:
    """The others in the process group `pid`. Linux only, else none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # proc(5): the third field after the name is the group.
            if int(path.read_text().rpartition(")")[2].split()[2]) == pid:
                found.append(int(path.parent.name))
    return [worker for worker in found if worker != pid]


async def _all_gone(killed: Sequence[int]) -> None:
    """Wait for killed grandchildren: until they have ended they hold their ports."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILL_SECONDS):
            for pid in killed:
                await gone(pid)


def _leash() -> tuple[str, ...]:
    if sys.platform != "linux":
        return ()
    return (sys.executable, "-I", "-S", leash.__file__, str(os.getpid()))


def _rotate(log: Path, *, max_bytes: int) -> None:
    if log.exists() and log.stat().st_size > max_bytes:
        log.replace(log.with_name(f"{log.name}.1"))
