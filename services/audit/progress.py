"""How the writer gets on: what it has stored, what it owes, and whether it can write at all."""

from typing import Final

from gateway.watching.histogram import Histogram
from services.stream_lag import Lag

WRITE_SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets that batches' times are counted in."""


STALL_SECONDS: Final = 10.0
"""After so long a step counts as stalled: a server that is frozen, or a disk that does not answer, gives no error."""


class Progress:
    """Kept by the writer, in one thread; may be looked at from another."""

    def __init__(self) -> None:
        self.taken = 0
        """Entries stored and acknowledged, redelivered ones included."""
        self.quarantined = 0
        """Entries that could not be stored."""
        self.failing = False
        """Whether Redis or the store does not answer, so that nothing is stored."""
        self.store_failing = False
        """Whether it is the store that takes nothing."""
        self.stepping_since_s: float | None = None
        """Since when the step lasts that is under way, by the monotonic clock; `None` between two."""
        self.lag = Lag()
        """As it was seen last."""
        self.latency: Final[Histogram[tuple[()]]] = Histogram(
            "pilote.audit.write.duration",
            unit="s",
            description="How long the audit service took to store batches of entries.",
            bounds=WRITE_SECONDS,
        )
        self.latency.of(())  # there from the start: what appears with its first value never rises

    def stalled(self, now_s: float) -> bool:
        """Whether the step that is under way lasts too long; `now_s` is of the monotonic clock."""
        since_s = self.stepping_since_s
        return since_s is not None and now_s - since_s > STALL_SECONDS
