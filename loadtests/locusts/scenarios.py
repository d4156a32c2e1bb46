"""The scenarios: how much is asked for when, and what is done to the stack. Pure functions of the time since the start.

A load of 1 is the rate that the run was told (`--rate`, calls a second by all users together).
"""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

QUIET_S: Final = 4.0
"""At the end nobody calls for so long: what is under way ends, and workers, which report every 3 s, have reported."""
OVER: Final = "end"
LOOKS: Final = frozenset({"remember-memory", "tell-memory"})
"""Acts that change nothing; where nobody can do them they are left out."""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a scenario. Those of one name are judged together; calls belong to the one they are made in."""

    name: str
    seconds: float
    load: float = 1.0
    noise: float = 0.0
    """What the noisy agent asks for besides, in the same unit."""
    act: str = ""
    """What is done to the stack as it begins: an act of `loadtests.locusts.acting`."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A course of phases."""

    name: str
    what: str
    """In a line."""
    phases: tuple[Phase, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return math.fsum(phase.seconds for phase in self.phases)

    @property
    def hurts(self) -> tuple[str, ...]:
        """What it does to the stack beyond looking at it; only who has started the stack can do that."""
        return tuple(dict.fromkeys(phase.act for phase in self.phases if phase.act and phase.act not in LOOKS))

    @property
    def noisy(self) -> bool:
        """Whether it has a noisy agent."""
        return any(phase.noise for phase in self.phases)


def index_at(scenario: Scenario, elapsed_s: float) -> int | None:
    """Which phase it is so long after the start; `None` once all are over."""
    begun = 0.0
    for index, phase in enumerate(scenario.phases):
        begun += phase.seconds
        if elapsed_s < begun:
            return index
    return None


def users(load: float, *, rate: float, pace: float) -> int:
    """How many users at `pace` calls a second each ask for that load; none for no load."""
    return math.ceil(load * rate / pace - 1e-9)


def stretched(scenario: Scenario, seconds: float) -> Scenario:
    """The same, so long in all. The quiet end stays as it is.

    Raises:
        ValueError: that is no longer than the quiet end.
    """
    if seconds <= QUIET_S:
        raise ValueError(f"a run lasts more than the {QUIET_S:g} s that it is quiet for at its end")
    factor = (seconds - QUIET_S) / (scenario.seconds - QUIET_S)
    longer = [
        phase if phase.name == OVER else msgspec.structs.replace(phase, seconds=phase.seconds * factor)
        for phase in scenario.phases
    ]
    return msgspec.structs.replace(scenario, phases=tuple(longer))


def _scenario(name: str, what: str, *phases: Phase) -> Scenario:
    """Every one begins with connections, caches and pools that are cold, which nobody judges, and ends quietly."""
    warm = Phase(name="warm", seconds=4)
    return Scenario(name=name, what=what, phases=(warm, *phases, Phase(name=OVER, seconds=QUIET_S, load=0)))


def _steps(loads: Iterable[float], *, seconds: float) -> Iterable[Phase]:
    return (Phase(name=f"x{load:g}", seconds=seconds, load=load) for load in loads)


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        _scenario("steady", "the same load throughout", Phase(name="steady", seconds=20)),
        _scenario(
            "spike",
            "five times the load at once, and back",
            Phase(name="before", seconds=6),
            Phase(name="spike", seconds=6, load=5),
            Phase(name="settling", seconds=3),
            Phase(name="after", seconds=8),
        ),
        _scenario(
            "ramp",
            "more and more, until it is too much: how many calls a second are borne",
            *_steps((1, 2, 3, 4, 5, 6, 8, 10, 12), seconds=4),
        ),
        _scenario(
            "soak",
            "for long: does the second half differ from the first, does memory grow",
            Phase(name="settling", seconds=6),
            Phase(name="first", seconds=14, act="remember-memory"),
            Phase(name="second", seconds=14),
            Phase(name="last", seconds=2, act="tell-memory"),
        ),
        _scenario(
            "noisy-neighbour",
            "one agent asks for far more than its limit; what do the others notice",
            Phase(name="before", seconds=8),
            Phase(name="noise", seconds=12, noise=3),
            Phase(name="after", seconds=6),
        ),
        _scenario(
            "redis-outage",
            "the store is killed, and started again on what it has kept",
            Phase(name="before", seconds=6),
            Phase(name="going", seconds=1, act="kill-store"),
            Phase(name="down", seconds=7),
            Phase(name="coming", seconds=3, act="start-store"),
            Phase(name="after", seconds=8),
        ),
        _scenario(
            "slow-upstream",
            "the CRM answers 300 ms late; scores come from elsewhere",
            Phase(name="before", seconds=6),
            Phase(name="going", seconds=1, act="slow-crm"),
            Phase(name="slow", seconds=8),
            Phase(name="coming", seconds=1, act="quick-crm"),
            Phase(name="after", seconds=6),
        ),
        _scenario(
            "revision-swap",
            "another revision every three seconds, under load",
            Phase(name="before", seconds=6),
            *(Phase(name="swapping", seconds=3, act="swap-revision") for _ in range(5)),
            Phase(name="after", seconds=4),
        ),
    )
}
