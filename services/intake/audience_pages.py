"""Pages of audiences. A token is opaque to callers, and good for the question it was given out for only. Pure."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from gateway.core.errors import invalid

DEFAULT_SIZE: Final = 50
MOST_SIZE: Final = 1_000
T = TypeVar("T")
Place = tuple[int, str]


class _Token(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    question: str
    after: Place


def page_size(asked: int) -> int:
    """How many audiences a page may have: `asked`, 50 where that is 0, at most 1000.

    Raises:
        CallEnded: ARGUMENT_INVALID when `asked` is negative.
    """
    if asked < 0:
        raise invalid("page_size", "page_size must be 0 to 1000.")
    return min(asked or DEFAULT_SIZE, MOST_SIZE)


def page(items: Sequence[tuple[Place, T]], *, size: int, token: str, question: Sequence[str]) -> tuple[list[T], str]:
    """The items of the page of `token`, of a list in the order of their places, and the next page's token.

    An item that is added or taken away between two pages moves no other one.

    Raises:
        CallEnded: ARGUMENT_INVALID when the token is not ours, or was given out for another question.
    """
    asked = hashlib.sha256(msgspec.json.encode(list(question))).hexdigest()[:16]
    after = _after(token, asked) if token else None
    left = [item for item in items if after is None or item[0] > after]
    shown = left[:size]
    more = _token(_Token(asked, shown[-1][0])) if len(left) > size else ""
    return [each for _, each in shown], more


def _token(place: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _after(token: str, question: str) -> Place:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=_Token)
    except (ValueError, RecursionError) as error:
        text = "page_token is not a token of this service; send `next_page_token` as it came."
        raise invalid("page_token", text) from error
    if place.question != question:
        text = "page_token was given out for other filters; start at the first page."
        raise invalid("page_token", text)
    return place.after
