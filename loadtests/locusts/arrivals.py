"""When calls are due, whether or not earlier ones have been answered: an open loop.

Users of a closed loop (Locust's `constant_throughput` is one) wait for their answer before they call again. When the
system stalls they stop asking, and the calls that would have met the stall are never measured: coordinated omission.
Here each call has an intended start, and is timed from it, also where the generator itself began it late.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal

Spacing = Literal["poisson", "even"]


def arrivals(pace: float, *, start: float, spacing: Spacing, draw: Random) -> Iterator[float]:
    """Intended starts without end, in seconds on the clock of `start`, `pace` a second on average.

    "poisson": independent customers, with gaps drawn from the exponential distribution; the sum over users is Poisson
    again. "even": the same gap always, from a random phase on, so that users do not all call at once.

    Raises:
        ValueError: the pace is not above 0.
    """
    if pace <= 0:
        raise ValueError("a pace is above 0 calls a second")
    return _poisson(pace, start, draw) if spacing == "poisson" else _even(pace, start, draw)


def _poisson(pace: float, at: float, draw: Random) -> Iterator[float]:
    while True:
        at += draw.expovariate(pace)
        yield at


def _even(pace: float, start: float, draw: Random) -> Iterator[float]:
    phase = draw.random() / pace
    count = 0
    while True:
        yield start + phase + count / pace  # not summed up, which would drift
        count += 1
