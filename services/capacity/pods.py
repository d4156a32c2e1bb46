"""What each pod asks a cluster for: its share of a load, what its start takes, and measured memory. Pure."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from services.capacity import constants
from services.capacity.planning import BUSY, Load, plan

PRODUCTION: Final = Load(calls_per_second=1_500, cells=3)
"""The load that `k8s/overlays/prod` is made for; more of it is more pods, not larger ones."""
START_SECONDS: Final = 20.0
"""How long a start may take on a machine that is full, where a pod gets what it asks for and no more."""
SHARDS: Final = 3
"""Of the store: the fewest that a Redis Cluster has."""
_IDLE_MARGIN: Final = 1.5
"""Of processes that were measured at rest alone."""
_BUSY_MARGIN: Final = 1.2
"""Of what was measured at work."""
_STORE_MARGIN: Final = 1.3
"""A store that writes its file anew holds pages twice."""


class Resources(msgspec.Struct, frozen=True):
    """What one pod asks for."""

    cpu_millicores: int
    memory_mib: int


class Share(msgspec.Struct, frozen=True):
    """What one call takes of a pod, where its work grows with the load."""

    us: float
    """Of CPU a call."""
    part: float = 1.0
    """Of all calls."""
    pods: int = 1
    """Over which they are spread."""


SHARES: Final[Mapping[str, Share]] = {
    # Half of the calls come by REST or MCP, to two pods.
    "agents": Share(constants.FRONT_US.value, part=0.5, pods=2),
    # As much again as is stored is read: by people, reports, and who follows decisions.
    "audit": Share(2e6 / constants.WRITER_RATE.value),
    "insights": Share(constants.LOOK_US.value),
}


def requests(load: Load) -> Mapping[str, Resources]:
    """What a pod of each kind asks for at this load, by the name of its process; "store" is one server of it."""
    found = {name: Resources(_millicores(load, name), _memory(name)) for name in constants.PROCESSES}
    waiting_mb = plan(load).store_memory_mb / SHARDS * _STORE_MARGIN
    return {
        **found,
        **{name: gateway_pod(load.calls_per_second, name=name) for name in ("gateway", "gateway-envoy")},
        "store": Resources(1_000, _up(_mib(waiting_mb), 1_024)),  # one thread of a store is all that works
    }


def gateway_pod(calls_per_second: float, *, name: str = "gateway") -> Resources:
    """What a pod with one gateway worker asks for that carries so many calls, each at the price of one alone.

    One worker uses one core at most, and then carries 2.4 times as many, for they gather.
    """
    cpu = calls_per_second * constants.ALONE_US.value / 1e6
    return Resources(_cores(cpu, name=name), _memory(name))


def _millicores(load: Load, name: str) -> int:
    share = SHARES.get(name)
    working = 0.0 if share is None else load.calls_per_second * share.part / share.pods * share.us / 1e6 / BUSY
    return _cores(working, name=name)


def _cores(working: float, *, name: str) -> int:
    """In thousandths: what its work takes, or its start."""
    starting = constants.PROCESSES[name].start_seconds / START_SECONDS
    return min(1_000, _up(max(starting, working) * 1_000, 50))


def _memory(name: str) -> int:
    process = constants.PROCESSES[name]
    return _up(_mib(max(process.idle_mb * _IDLE_MARGIN, process.busy_mb * _BUSY_MARGIN)), 32)


def _mib(megabytes: float) -> float:
    return megabytes * 1e6 / 2**20


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
