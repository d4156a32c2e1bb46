"""What was not done, and why: said at the edge, in the reader's language, as a problem or on a page."""

import contextlib
from collections.abc import Iterator
from typing import Any

from redis.exceptions import RedisError

from gateway.core.errors import Reason
from services.control.texts import say
from services.not_done import NotDone


class Undone(NotDone):
    """It was not done, for a reason that gRPC gives too; the code is that of a text in `services.control.texts`."""

    say = staticmethod(say)

    def __init__(self, reason: Reason, code: str, /, **values: Any) -> None:
        super().__init__(code, reason=reason, **values)


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """A block that reads or writes the store.

    Raises:
        Undone: STORE_UNAVAILABLE when the store does not answer.
    """
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Undone(Reason.STORE_UNAVAILABLE, "store-down", wait_s=1) from error


def reason_given(reason: str, *, most: int) -> str:
    """Why somebody does something, without space around it; 1 to `most` characters.

    Raises:
        Undone: ARGUMENT_INVALID where it says nothing, or too much.
    """
    told = reason.strip()
    if not 1 <= len(told) <= most:
        raise Undone(Reason.ARGUMENT_INVALID, "reason-needed", field="reason", most=most)
    return told
