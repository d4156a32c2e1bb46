"""Whether a call is tried once more, and after how long. Pure: time and chance are arguments."""

from typing import Final

import grpc

from pilote.client.refusals import CallEnded, dropped, never_left

ATTEMPTS: Final = 5
_NOT_DONE: Final = frozenset(
    {
        "LIMIT_EXCEEDED",
        "CAP_EXCEEDED",
        "IDEMPOTENCY_KEY_RUNNING",
        "UPSTREAM_UNAVAILABLE",
        "STORE_UNAVAILABLE",
        "REVISION_MISSING",
        "DRAINING",
    }
)
"""Reasons by which the gateway says that nothing was done, and that it is worth coming back."""
_BASE_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 10.0
_SPREAD: Final = 0.1
"""How much later than they were told callers come back, at most, so that they do not come all at once."""


def wait_seconds(call: CallEnded, *, tries: int, left_seconds: float, repeatable: bool, draw: float) -> float | None:
    """Seconds to wait before the next try; `None` where there is none, the caller's time being too short included.

    `tries` have been made, 1 or more. `repeatable`: a repeat does nothing twice, since the method changes nothing or
    has an idempotency key. `draw` is in [0, 1).
    """
    if call.reason in _NOT_DONE:
        if call.retry_after is None:
            return None
        told = call.retry_after.total_seconds()
        wait = told + draw * min(max(_SPREAD * told, 0.01), 1.0)
    elif not call.reason and (_is_lost(call) if repeatable else never_left(call)):
        # Full jitter: of the ways compared in "Exponential backoff and jitter" (AWS, 2015) the one that lets callers
        # who failed together come back least together.
        wait = draw * min(_LONGEST_SECONDS, _BASE_SECONDS * 2 ** (tries - 1))
    else:
        return None
    return wait if wait < left_seconds else None


def _is_lost(call: CallEnded) -> bool:
    """Whether the connection, or the gateway's process, ended before the call had an answer."""
    return call.code() is grpc.StatusCode.UNAVAILABLE or dropped(call)
