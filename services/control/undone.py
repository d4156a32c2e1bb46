"""What was not done, and why: said at the edge, in the reader's language, as a problem or on a page."""

import contextlib
from collections.abc import Iterator

from redis.exceptions import RedisError

from gateway.core.errors import Reason
from services.control.texts import say


class Undone(Exception):
    """It was not done, for `reason`; `text` is the key of a text of `services.control.texts`, `values` fill it.

    `field` names what is wrong of what was asked. `wait_s` is when it is worth trying again, in seconds from now.
    """

    def __init__(
        self, reason: Reason, text: str, /, *, field: str = "", wait_s: int | None = None, **values: object
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.field = field
        self.wait_s = wait_s
        self.values = values

    def said(self, language: str) -> str:
        """The same in words."""
        return say(self.text, language=language, **self.values)


class Stale(Undone):
    """It was asked for of something as it was read, and that has changed since: reason CONFLICT."""

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(Reason.CONFLICT, text, **values)  # type: ignore[arg-type] # values are no named parameters


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
