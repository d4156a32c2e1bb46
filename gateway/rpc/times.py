"""Times and spans as protobuf has them."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(at_ms: int) -> Timestamp:
    """Milliseconds since the epoch."""
    return Timestamp(seconds=at_ms // 1_000, nanos=at_ms % 1_000 * 1_000_000)


def duration(span_us: int) -> Duration:
    """Microseconds."""
    return Duration(seconds=span_us // 1_000_000, nanos=span_us % 1_000_000 * 1_000)
