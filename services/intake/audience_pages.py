"""Pages of audiences, and of members. A token is opaque to callers, and good for the question it was given for only.

Pure.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from gateway.core.errors import invalid

DEFAULT_SIZE: Final = 50
MOST_SIZE: Final = 1_000
_NOT_OURS: Final = "page_token is not a token of this service; send `next_page_token` as it came."
_MOST_MS: Final = 1 << 53
_REF: Final = re.compile(r"[0-9a-f]{32}\Z")
T = TypeVar("T")
Place = tuple[int, str]


class _Token(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    question: str
    after: Place


def page_size(asked: int) -> int:
    """How many a page may have: `asked`, 50 where that is 0, at most 1000.

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
    after = place_in(token, question)
    left = [item for item in items if after is None or item[0] > after]
    shown = left[:size]
    more = token_of(shown[-1][0], question) if len(left) > size else ""
    return [each for _, each in shown], more


def token_of(place: Place, question: Sequence[str]) -> str:
    """The token of the page after a place, in what answers the question."""
    token = _Token(_digest(question), place)
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def place_in(token: str, question: Sequence[str]) -> Place | None:
    """The place that a page begins after; `None` for the first one, whose token is empty.

    Raises:
        CallEnded: ARGUMENT_INVALID when the token is not ours, or was given out for another question.
    """
    if not token:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=_Token)
    except (ValueError, RecursionError) as error:
        raise invalid("page_token", _NOT_OURS) from error
    if place.question != _digest(question):
        text = "page_token was given out for other filters; start at the first page."
        raise invalid("page_token", text)
    return place.after


def member_place_in(token: str, question: Sequence[str]) -> Place | None:
    """The same of members: milliseconds since the epoch, and a pseudonym. Raises what `place_in` does."""
    place = place_in(token, question)
    if place is not None and not (0 <= place[0] < _MOST_MS and _REF.match(place[1])):
        raise invalid("page_token", _NOT_OURS)
    return place


def _digest(question: Sequence[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(list(question))).hexdigest()[:16]
