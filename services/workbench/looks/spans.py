"""Times, values and ids as filters of decisions write them."""

from typing import Final

import msgspec
import numpy as np

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
ID: Final = "replace(CAST(admitted.id AS VARCHAR), '-', '')"
"""In SQL, a decision's id."""
SUBJECT: Final = "replace(CAST(admitted.subject AS VARCHAR), '-', '')"
"""In SQL, the pseudonym of its customer."""
SERVED: Final = "coalesce(nullif(settled.version, ''), admitted.version)"
"""In SQL, of `admitted` and `settled`, the version that served it."""
VERSION: Final = f"""CASE WHEN admitted.model = '' OR {SERVED} = '' THEN {SERVED}
 ELSE admitted.model || '/' || {SERVED} END"""
"""In SQL, of these two, what is called a version wherever versions are compared, see `columns.sums.named`."""
CARRIED_OUT: Final = """verdict = 'ALLOW'
 AND (settled.id IS NULL OR settled.in_doubt OR (settled.status = 'OK' AND NOT settled.gave_back))"""
"""In SQL, of these two: it was carried out, or may have been. What is never settled is in doubt."""


class Span(msgspec.Struct, frozen=True):
    """A time, in milliseconds since the epoch, up to and without its end."""

    start_ms: int
    end_ms: int

    @classmethod
    def of_day(cls, day: int) -> "Span":
        """The day of that number since the epoch, in UTC."""
        return cls(day * DAY_MS, (day + 1) * DAY_MS)

    @property
    def filter(self) -> str:
        """Decisions about calls that were received in it."""
        return f'receive_time >= "{_time(self.start_ms)}" AND receive_time < "{_time(self.end_ms)}"'


def of_version(version: str) -> str:
    """Decisions that a version made, as `VERSION` has it; nothing for none."""
    model, slash, its = version.rpartition("/")
    whole = f"model_version = {quoted(version)}" if version else ""
    # What an agent calls its own version may have a slash in it too.
    return f"((model = {quoted(model)} AND model_version = {quoted(its)}) OR {whole})" if slash else whole


def quoted(value: str) -> str:
    """A value as filters write it, where nothing in it means anything else."""
    for each in ("\\", '"', "*"):
        value = value.replace(each, f"\\{each}")
    return f'"{value}"'


def _time(at_ms: int) -> str:
    return str(np.datetime_as_string(np.datetime64(at_ms, "ms"), unit="s")) + "Z"
