"""Starts processes in the order in which they need each other, keeps them running, and ends them in reverse.

A child is WAITING, then STARTING, then READY. If it dies later it is RESTARTING after a growing pause, and FAILED when
that happens too often. At the end it is DRAINING, then STOPPED. Works on asyncio and uvloop alike.
"""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from services.supervisor import home as homes
from services.supervisor.child import Change, Child, Deaths, Timing, in_order
from services.supervisor.home import ChildState, State, UpState
from services.supervisor.process import Process, born

_log = logging.getLogger(__name__)

__all__ = ["Change", "Child", "ChildFailed", "State", "Supervisor", "Timing", "UpState"]


class ChildFailed(Exception):
    """A child did not start, or an essential one died too often; the text names it, its end and its last lines."""


class _Life:
    """What the supervisor knows of one child."""

    def __init__(self, child: Child, *, log: Path, timing: Timing) -> None:
        self.child = child
        self.log = log
        self.state = ChildState(
            name=child.name, ports=child.ports, drain_seconds=child.drain_seconds, log=str(log.resolve())
        )
        self.process: Process | None = None
        self.started = asyncio.Event()
        """It has been ready once: those after it may start."""
        self.over = asyncio.Event()
        """It has ended for good: those before it may end."""
        self.deaths = Deaths(timing)


class Supervisor:
    """Runs `children` on `home`; one supervisor per home. Run it on the main thread, on asyncio or uvloop."""

    def __init__(
        self, home: Path, children: Sequence[Child], *, environment: Mapping[str, str], timing: Timing | None = None
    ) -> None:
        """`environment` is what the children get; nothing is inherited besides.

        Raises:
            ValueError: a name is malformed, used twice or unknown, or children wait for each other in a circle.
        """
        self._home = home
        self._environment = environment
        self._timing = timing or Timing()
        self._lives = {
            child.name: _Life(child, log=home / "logs" / f"{child.name}.log", timing=self._timing)
            for child in in_order(children)
        }
        self._changes: asyncio.Queue[Change | None] = asyncio.Queue()
        self._stopping = asyncio.Event()
        self._failure: ChildFailed | None = None
        self._state_is_ours = False
        self.all_ready: Final = asyncio.Event()
        """Set, before the last READY is reported, when every child has been ready once."""

    async def run(self) -> None:
        """Start all, keep them running until `stop` or SIGINT, SIGTERM, SIGHUP, then drain. Once only.

        A second signal ends everything at once. When this returns or raises, no child is left.

        Raises:
            HomeTaken: another supervisor runs on this home; nothing was started.
            ChildFailed: see there; the others have been ended.
        """
        try:
            with homes.taken(self._home), self._told_by_signals():
                async with asyncio.TaskGroup() as group:
                    keeping = group.create_task(self._keep_all())
                    try:
                        await self._stopping.wait()
                    finally:
                        keeping.cancel()
                        await asyncio.wait({keeping})
                        await self._drain_all()
        finally:
            # Reached with something alive only when the drain itself was cancelled.
            self._kill_all()
            self._changes.put_nowait(None)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Drain and end `run`; called again, end everything at once."""
        if self._stopping.is_set():
            self._kill_all()
        self._stopping.set()

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from the beginning, until `run` is over; for one reader."""
        while (change := await self._changes.get()) is not None:
            yield change

    def state(self) -> UpState:
        """Where every child stands now; the same is in `up.json`."""
        return UpState(os.getpid(), born(os.getpid()), tuple(life.state for life in self._lives.values()))

    async def _keep_all(self) -> None:
        await homes.end_leftovers(self._home)
        self._state_is_ours = True
        (self._home / "logs").mkdir(mode=0o700, exist_ok=True)
        self._write()
        for life in self._lives.values():
            for port in life.child.ports:
                if not _is_free(port):
                    self._fail(life, f"port {port} on 127.0.0.1 is used by another process: end that one first")
                    return
        async with asyncio.TaskGroup() as group:
            for life in self._lives.values():
                group.create_task(self._keep(life))

    async def _keep(self, life: _Life) -> None:
        """One child from its first start until it fails for good, or for ever."""
        for name in life.child.after:
            await self._lives[name].started.wait()
        while True:
            began = time.monotonic()
            end = await self._live(life)
            if not life.started.is_set():
                return self._fail(life, f"it did not start: {end}")
            now = time.monotonic()
            pause = life.deaths.pause_seconds(now=now, lived_seconds=now - began)
            if pause is None:
                return self._fail(life, f"it died {self._timing.deaths} times in a short time, last with {end}")
            self._tell(life, State.RESTARTING, f"{end}; starts again in {pause:g} s")
            await asyncio.sleep(pause)
            life.state = msgspec.structs.replace(life.state, restarts=life.state.restarts + 1)

    async def _live(self, life: _Life) -> str:
        """Start the child and wait for its end; says how it ended."""
        try:
            process = life.process = Process(
                life.child.command,
                life.log,
                environment={**self._environment, **life.child.env},
                log_max_bytes=self._timing.log_max_bytes,
            )
        except OSError as error:
            return str(error)
        self._tell(life, State.STARTING)
        try:
            async with asyncio.timeout(life.child.start_seconds):
                is_ready = await self._becomes_ready(life.child, process)
        except TimeoutError:
            process.kill()
            await process.exit()
            return f"not ready within {life.child.start_seconds:g} s"
        if not is_ready:
            return f"{await process.exit()} before it was ready"
        life.started.set()
        if all(other.started.is_set() for other in self._lives.values()):
            self.all_ready.set()
        self._tell(life, State.READY)
        return await process.exit()

    async def _becomes_ready(self, child: Child, process: Process) -> bool:
        """False when it ends instead."""
        while True:
            with contextlib.suppress(OSError):
                if await child.ready():
                    # The answer may come from somebody else while ours is about to end because of that.
                    return process.alive
            if await process.ends_within(self._timing.poll_seconds):
                return False

    def _fail(self, life: _Life, reason: str) -> None:
        """Nobody starts the child again; all others end too if it is essential or the start is not complete."""
        self._tell(life, State.FAILED, reason)
        if not life.child.essential and life.started.is_set():
            return
        lines = life.process.last_lines() if life.process is not None else ""
        told = f"\n  The last lines of {life.log}:\n{lines}" if lines else ""
        self._failure = self._failure or ChildFailed(f"{life.child.name}: {reason}.{told}")
        self._stopping.set()

    async def _drain_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for life in self._lives.values():
                group.create_task(self._drain(life))

    async def _drain(self, life: _Life) -> None:
        """End the child once those that need it have ended."""
        for other in self._lives.values():
            if life.child.name in other.child.after:
                await other.over.wait()
        process = life.process
        if process is not None and process.alive:
            self._tell(life, State.DRAINING)
            if not await process.drain(life.child.drain_seconds):
                self._tell(life, State.FAILED, f"process {process.pid} is still there after SIGKILL")
                life.over.set()
                return
        if life.state.state is not State.FAILED:
            self._tell(life, State.STOPPED, await process.exit() if process is not None else "it was not started")
        life.over.set()

    def _kill_all(self) -> None:
        for life in self._lives.values():
            if life.process is not None:
                life.process.kill()

    def _tell(self, life: _Life, state: State, detail: str = "") -> None:
        process = life.process if life.process is not None and life.process.alive else None
        life.state = msgspec.structs.replace(
            life.state,
            state=state,
            detail=detail,
            pid=process.pid if process is not None else 0,
            born=process.born if process is not None else "",
        )
        self._write()
        self._changes.put_nowait(Change(life.child.name, state, detail))

    def _write(self) -> None:
        if not self._state_is_ours:
            return  # it is the only trace of what a killed supervisor left, which may still be there
        try:
            homes.write(self._home, self.state())
        except OSError as error:
            # A full disk is no reason to end what still works.
            _log.warning("up.json cannot be written: %s", error)

    @contextlib.contextmanager
    def _told_by_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        # The terminal was closed; under nohup that is to be survived.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


def _is_free(port: int) -> bool:
    # Our servers set SO_REUSEPORT, so their own bind would not notice: the two would share the calls.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True
