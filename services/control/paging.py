"""Pages of lists that are read whole: opaque tokens that go on after the last element, whatever comes or goes. Pure."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from gateway.core.errors import Reason
from services.control.undone import Undone

DEFAULT: Final = 50
MOST: Final = 1_000

T = TypeVar("T")
Place = tuple[int, str]
"""Where an element stands: a number, such as a time, and what tells it from others with the same one."""


def page(
    elements: Iterable[T], *, place: Callable[[T], Place], size: int, token: str, descending: bool = False
) -> tuple[tuple[T, ...], str]:
    """So many elements, 0 for `DEFAULT`, from where the token says on, and the token of the next page; empty: no more.

    Raises:
        Undone: ARGUMENT_INVALID for a token that none of our pages has given.
    """
    after = _place_in(token) if token else None
    ordered = sorted(elements, key=place, reverse=descending)
    if after is not None:
        ordered = [each for each in ordered if (place(each) < after if descending else place(each) > after)]
    shown = ordered[: min(size or DEFAULT, MOST)]
    return tuple(shown), _token(place(shown[-1])) if len(shown) < len(ordered) else ""


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place_in(token: str) -> Place:
    try:
        clear = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found: Place = msgspec.json.decode(clear, type=Place)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Undone(Reason.ARGUMENT_INVALID, "page-token", field="pageToken") from error
    return found
