"""From a load to cores, shards, writers, bytes, and what gives way first. Pure."""

import math
from typing import Final, Literal, TypeAlias

import msgspec

from services.capacity import constants
from services.capacity.waiting import Wait, waits

BUSY: Final = 0.6
"""Share of the rate at saturation that is planned for: above it queues grow fast, and one of three machines may be
away. A worker's core shows more than that: calls that come alone cost more than those that gather."""
Bottleneck: TypeAlias = Literal["gateway", "cell", "none"]
MOST: Final = 1_000_000
"""Calls a second up to which the model is meant; beyond it nothing was thought through."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be carried."""

    calls_per_second: float
    cells: int = 1
    """Over which tenants' keys are spread: a cell's keys are in one shard and its decisions in one stream."""
    message_bytes: int = 2_000
    """Of a request and its reply together."""
    keep_days: int = 365
    """How long decisions are kept."""
    spare_hours: float = 1.0
    """How long the database may be away while the store holds what is decided."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What that takes."""

    gateway_cores: int
    gateway_memory_mb: int
    store_shards: int
    store_memory_mb: int
    """Over all shards, for decisions that wait; facts, caps and holds come on top."""
    writers: int
    """With more than one, decisions go to PostgreSQL: how many its disks take was not measured here."""
    database_gb: float
    """Of sealed decisions, for as long as they are kept."""
    network_mbit: float
    """In and out of the gateways: agents, upstreams and store."""
    bottleneck: Bottleneck
    """What the load is too much for whatever is added elsewhere: `cell` needs more cells, `gateway` is what grows by
    adding cores, `none` where one of each has room."""
    wait: Wait
    """How long calls wait for a core at this load, with these cores."""


def plan(load: Load) -> Plan:
    """Work it out.

    Raises:
        ValueError: the load is none, or more than was thought through.
    """
    rate = load.calls_per_second
    if not 0 < rate <= MOST or load.cells < 1:
        raise ValueError(f"calls a second are more than 0 and at most {MOST:,}; cells are 1 or more")
    cores = _cores(rate, constants.GATEWAY_US.value)
    shards = _cores(rate, constants.STORE_US.value)
    writers = max(1, math.ceil(rate / (constants.WRITER_RATE.value * BUSY)))
    return Plan(
        gateway_cores=cores,
        gateway_memory_mb=math.ceil(cores * constants.GATEWAY_MB.value),
        store_shards=shards,
        store_memory_mb=math.ceil(rate * 3_600 * load.spare_hours * constants.STREAM_BYTES.value / 1e6),
        writers=writers,
        database_gb=round(rate * 86_400 * load.keep_days * constants.SEALED_BYTES.value / 1e9, 1),
        network_mbit=round(rate * (2 * load.message_bytes + constants.STORE_BYTES.value) * 8 / 1e6, 1),
        bottleneck=_bottleneck(cores, shards, cells=load.cells),
        wait=waits(rate, service_us=constants.GATEWAY_US.value, servers=cores),
    )


def _cores(rate: float, cost_us: float) -> int:
    return max(1, math.ceil(rate * cost_us / 1e6 / BUSY))


def _bottleneck(cores: int, shards: int, *, cells: int) -> Bottleneck:
    if shards > cells:
        return "cell"
    return "gateway" if cores > 1 else "none"
