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
}
