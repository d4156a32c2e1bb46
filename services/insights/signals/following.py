"""Which call of another agent came next, and which one was last before, for the same subject and thing."""

import msgspec
import numpy as np

from services.insights.signals.alerts import Bools, Ints


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Calls sorted by key (subject and thing), time and agent."""

    rows: Ints
    keys: Ints
    times: Ints
    agents: Ints
    things: Ints

    def pick(self, wanted: Bools | Ints) -> "Calls":
        """Some of them, in the order of `wanted`."""
        return Calls(**{name: getattr(self, name)[wanted] for name in self.__struct_fields__})


def sorted_calls(columns: list[Ints], wanted: Bools) -> Calls:
    """The wanted rows of times, agents, subjects and things, none of them below 0."""
    rows = np.flatnonzero(wanted)
    times, agents, subjects, things = (each[rows] for each in columns)
    keys = subjects * (int(columns[3].max(initial=0)) + 1) + things
    calls = Calls(rows=rows, keys=keys, times=times, agents=agents, things=things)
    return calls.pick(np.lexsort((agents, times, keys)))


def first_calls(calls: Calls, within_ms: int) -> Calls:
    """Calls whose agent has made none of the same key within the time before."""
    order = np.lexsort((calls.times, calls.agents, calls.keys))
    keys, agents, times = calls.keys[order], calls.agents[order], calls.times[order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (keys[1:] != keys[:-1]) | (agents[1:] != agents[:-1]) | (times[1:] - times[:-1] > within_ms)
    return calls.pick(np.sort(order[first]))


def neighbours(origins: Calls, calls: Calls, *, within_ms: int, later: bool) -> Ints:
    """Of each origin the index of the next call of its key by another agent, or of the last one before it; -1: none.

    Calls of one agent in a row are skipped in one step, so that no origin looks at more than two calls.
    """
    start = min(int(origins.times.min()), int(calls.times.min()))
    span = max(int(origins.times.max()), int(calls.times.max())) - start + 2
    _, ranks = np.unique(np.concatenate([calls.keys, origins.keys]), return_inverse=True)
    size = calls.keys.size
    places = ranks[:size] * span + (calls.times - start)
    wanted = ranks[size:] * span + (origins.times - start)
    change = np.ones(size + 1, dtype=bool)
    change[1:-1] = (calls.keys[1:] != calls.keys[:-1]) | (calls.agents[1:] != calls.agents[:-1])
    edges = np.flatnonzero(change)
    run = np.cumsum(change[:-1]) - 1
    if later:
        at = np.searchsorted(places, wanted, side="right")
        beyond = edges[run[np.minimum(at, size - 1)] + 1]
    else:
        at = np.searchsorted(places, wanted, side="left") - 1
        beyond = edges[run[np.maximum(at, 0)]] - 1
    inside = (at >= 0) & (at < size)
    own = inside & (calls.agents[np.clip(at, 0, size - 1)] == origins.agents)
    at = np.where(own, beyond, at)
    there = np.clip(at, 0, size - 1)
    near = np.abs(calls.times[there] - origins.times) <= within_ms
    good = inside & (at >= 0) & (at < size) & (calls.keys[there] == origins.keys) & near
    return np.where(good, at, -1)
