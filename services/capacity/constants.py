"""What the model stands on: every number in one place, with where it was measured. Others are not in the model."""

from typing import Final

import msgspec

_BENCH: Final = "make bench, CPython 3.11.7, AMD EPYC VM (loadtests/README.md)"
_HERE: Final = "tests/services/capacity/test_measured.py, which holds it against this machine"


class Constant(msgspec.Struct, frozen=True):
    """A measured number."""

    value: float
    unit: str
    source: str


GATEWAY_US: Final = Constant(385.0, "us of CPU a call, at saturation", _BENCH)
ALONE_US: Final = Constant(
    920.0,
    "us of CPU a call that does not gather with others: below 60 % of a core",
    "loadtests/README.md, Intel Xeon VM",
)
GATEWAY_MB: Final = Constant(174.0, "MB resident a worker after the run", _BENCH)
STORE_US: Final = Constant(
    220.0,
    "us of CPU of the store a call: admission with four buckets, settling, facts, keys; 33 are the admission itself "
    "on a quiet machine (loadtests/README.md), so this is cautious",
    _HERE,
)
STORE_BYTES: Final = Constant(2_700.0, "bytes between a gateway and the store a call, both ways", _HERE)
STREAM_BYTES: Final = Constant(1_750.0, "bytes of the store's memory a call that is not stored yet", _HERE)
WRITER_RATE: Final = Constant(15_300.0, "decisions that one embedded writer stores a second", _BENCH)
SEALED_BYTES: Final = Constant(168.0, "bytes of a decision in Parquet with its lookup file", _BENCH)
MEASURED_RATE: Final = Constant(2_595.0, "governed calls a second and core", _BENCH)

FRONT_US: Final = Constant(
    496.0, "us of CPU a call of the agents' front, by the slower way", "loadtests/README.md, REST and MCP"
)
LOOK_US: Final = Constant(
    82.0, "us of CPU of insights a decision, in a first look at a million", "loadtests/README.md, insights"
)


class Process(msgspec.Struct, frozen=True):
    """What a process takes by itself: resident memory in MB after its start, and the CPU of that in seconds.

    Measured on one machine, CPython 3.11 (k8s/README.md). `busy_mb` is the memory at work; 0: that was not measured.
    """

    idle_mb: float
    start_seconds: float
    busy_mb: float = 0.0


PROCESSES: Final = {
    "gateway": Process(112, 1.8, busy_mb=200),
    "gateway-envoy": Process(346, 3.5),
    "agents": Process(115, 2.3),
    "audit": Process(160, 2.6),
    "insights": Process(229, 2.9, busy_mb=1_100),
    "control": Process(215, 4.7),
    "intake": Process(139, 2.3),
    "webhooks": Process(97, 1.5),
    "rollouts": Process(123, 1.7),
    "crm-connector": Process(63, 0.7),
}
"""By name; "gateway-envoy" is one on the Envoy engine, all three processes, and the connector the embedded CRM."""

ALL: Final = {
    "gateway_us": GATEWAY_US,
    "alone_us": ALONE_US,
    "gateway_mb": GATEWAY_MB,
    "store_us": STORE_US,
    "store_bytes": STORE_BYTES,
    "stream_bytes": STREAM_BYTES,
    "writer_rate": WRITER_RATE,
    "sealed_bytes": SEALED_BYTES,
    "measured_rate": MEASURED_RATE,
    "front_us": FRONT_US,
    "look_us": LOOK_US,
}
