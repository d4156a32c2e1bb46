"""What is to be supervised: the children, the order in which they start, and the patience with them."""

import collections
import graphlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.supervisor.home import State
from services.supervisor.probes import Probe

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")  # it becomes a file's name


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process to supervise."""

    name: str
    """Lower-case letters, digits, `-` and `_`; its log is `logs/<name>.log`."""
    command: tuple[str, ...]
    ready: Probe
    """See `services.supervisor.probes`."""
    env: Mapping[str, str] = {}
    """Set on top of the supervisor's `environment`."""
    after: tuple[str, ...] = ()
    """Names of the children that must be ready before it starts, and that stay until it has ended."""
    ports: tuple[int, ...] = ()
    """Ports on 127.0.0.1 it will listen on; the start is refused when another process has one."""
    start_seconds: float = 150.0
    """Longest time from its start until it is ready: seconds, but for a machine that is busy with other things."""
    drain_seconds: float = 10.0
    """Longest time from SIGTERM until SIGKILL."""
    essential: bool = True
    """Whether everything ends when it has failed for good."""


class Change(msgspec.Struct, frozen=True):
    """A child is in another state now."""

    child: str
    state: State
    detail: str = ""
    """For people: how it ended, how long until the next try."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the supervisor is."""

    poll_seconds: float = 0.05
    """Pause between two questions whether a child is ready."""
    pause_seconds: float = 0.2
    """Before the first restart; doubles with every further one."""
    pause_max_seconds: float = 10.0
    steady_seconds: float = 60.0
    """A child that has lived this long starts again with the shortest pause."""
    deaths: int = 5
    """It has failed when it died so many times in `deaths_seconds`."""
    deaths_seconds: float = 60.0
    log_max_bytes: int = 10_000_000
    """A log larger than this is moved aside when its child starts."""


class Deaths:
    """One child's deaths, and what follows from them."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._times: collections.deque[float] = collections.deque(maxlen=timing.deaths)
        self._pause_seconds = 0.0

    def pause_seconds(self, *, now: float, lived_seconds: float) -> float | None:
        """Note a death at `now` (seconds, any origin); how long to wait before the next start, None for ever."""
        timing, times = self._timing, self._times
        times.append(now)
        if len(times) == timing.deaths and now - times[0] < timing.deaths_seconds:
            return None
        doubled = 2 * self._pause_seconds if lived_seconds < timing.steady_seconds else 0.0
        self._pause_seconds = min(doubled or timing.pause_seconds, timing.pause_max_seconds)
        return self._pause_seconds


def in_order(children: Sequence[Child]) -> tuple[Child, ...]:
    """The children, each behind those it needs.

    Raises:
        ValueError: a name is malformed, used twice or unknown, or children wait for each other in a circle.
    """
    by_name = {child.name: child for child in children}
    if len(by_name) < len(children):
        raise ValueError("two children have the same name")
    for child in children:
        if not _NAME.fullmatch(child.name):
            raise ValueError(f"{child.name!r} cannot name a child: use a-z, 0-9, - and _")
        if unknown := sorted(set(child.after) - by_name.keys()):
            raise ValueError(f"{child.name} is to start after {unknown[0]}, which is not there")
    try:
        order = tuple(graphlib.TopologicalSorter({child.name: child.after for child in children}).static_order())
    except graphlib.CycleError as error:
        raise ValueError(f"children wait for each other: {' after '.join(error.args[1])}") from error
    return tuple(by_name[name] for name in order)
