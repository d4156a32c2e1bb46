"""Hours of decisions: a decision belongs to the hour of the time in its id, which never changes. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final

HOUR_MS: Final = 3_600_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NAMED: Final = 70_389_527
"""The last hour of the year 9999; ids hold times beyond it."""


def hour_of(decision: str) -> int:
    """The hour, counted from the epoch, of an id or of the beginning of one that has at least its 12 digits of time."""
    return int(decision[:12], 16) // HOUR_MS


def name_of(hour: int) -> str:
    """The hour as files are named after it: "2026112809", in UTC."""
    if hour > _LAST_NAMED:
        return f"hour-{hour}"
    return (_EPOCH + timedelta(hours=hour)).strftime("%Y%m%d%H")


def first_id(hour: int) -> str:
    """The least text that an id of the hour may begin with; that of the next hour is beyond all of this one."""
    return f"{hour * HOUR_MS:012x}"
