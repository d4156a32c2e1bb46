"""Times and values as filters of decisions write them."""

import msgspec
import numpy as np


class Span(msgspec.Struct, frozen=True):
    """A time, in milliseconds since the epoch, up to and without its end."""

    start_ms: int
    end_ms: int

    @property
    def filter(self) -> str:
        """Decisions about calls that were received in it."""
        return f'receive_time >= "{_time(self.start_ms)}" AND receive_time < "{_time(self.end_ms)}"'


def quoted(value: str) -> str:
    """A value as filters write it, where nothing in it means anything else."""
    for each in ("\\", '"', "*"):
        value = value.replace(each, f"\\{each}")
    return f'"{value}"'


def _time(at_ms: int) -> str:
    return str(np.datetime_as_string(np.datetime64(at_ms, "ms"), unit="s")) + "Z"
