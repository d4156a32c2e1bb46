"""How long calls wait for one of several servers: a formula, and a simulation that it is held against. Pure."""

import heapq
import math
import random
from typing import Final

import msgspec

VARIATION: Final = 1.0
"""Coefficient of variation of what a call takes: that of an exponential, more than was seen."""


class Wait(msgspec.Struct, frozen=True):
    """Time in the queue, in microseconds."""

    mean_us: float
    p99_us: float
    busy: float
    """Share of the time that a server is busy."""


def waits(rate: float, *, service_us: float, servers: int, variation: float = VARIATION) -> Wait:
    """Wait of calls that come at random at `rate` a second, each for `service_us` of one of the servers.

    M/G/k by Allen and Cunneen: the wait of M/M/k (Erlang C) times (1 + variation^2) / 2; the tail as exponential, given
    that one waits. A. O. Allen, Probability, Statistics, and Queueing Theory, 2nd edition, 1990, chapter 5. Infinite
    where the servers cannot keep up.
    """
    load = rate * service_us / 1e6
    busy = load / servers
    if busy >= 1:
        return Wait(math.inf, math.inf, busy)
    waiting = _erlang_c(load, servers)
    # Given that a call waits, M/M/k's wait is exponential with this mean.
    given = service_us / (servers * (1 - busy)) * (1 + variation**2) / 2
    p99 = given * math.log(waiting / 0.01) if waiting > 0.01 else 0.0
    return Wait(waiting * given, p99, busy)


def simulated(rate: float, *, service_us: float, servers: int, calls: int, seed: int) -> Wait:
    """The same by letting so many calls come, one by one, first come first served; their times are exponential."""
    draw = random.Random(seed)  # noqa: S311 - it is a simulation
    free = [0.0] * servers
    now, found = 0.0, list[float]()
    for _ in range(calls):
        now += draw.expovariate(rate / 1e6)
        begin = max(now, heapq.heappop(free))
        found.append(begin - now)
        heapq.heappush(free, begin + draw.expovariate(1 / service_us))
    found.sort()
    return Wait(sum(found) / calls, found[int(calls * 0.99)], rate * service_us / 1e6 / servers)


def _erlang_c(load: float, servers: int) -> float:
    """The probability to wait; by Erlang B's recursion, which does not overflow with thousands of servers."""
    blocked = 1.0
    for each in range(1, servers + 1):
        blocked = load * blocked / (each + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))
