"""Page sizes and page tokens. A token is opaque to callers and good for the question it was given out for only."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.errors import CallEnded, Reason

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    question: str
    after: int


def page_size(asked: int) -> int:
    """How many resources a page may have: `asked`, 50 where that is 0, at most 1000.

    Raises:
        CallEnded: ARGUMENT_INVALID when `asked` is negative.
    """
    if asked < 0:
        text = "must be 0 to 1000"
        raise CallEnded(Reason.ARGUMENT_INVALID, f"page_size {text}.", violations=(("page_size", text),))
    return min(asked or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def page_token(table: str, filters: Mapping[str, str | int], *, after: int) -> str:
    """The token of the page that begins behind place `after` of the list of `table` under `filters`."""
    place = msgspec.json.encode(_Place(question=_question(table, filters), after=after))
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def place_after(token: str, *, table: str, filters: Mapping[str, str | int]) -> int:
    """The place behind which the page of `token` begins; 0, before all, for the empty token.

    Raises:
        CallEnded: ARGUMENT_INVALID when the token is not ours, or was given out for another list.
    """
    if not token:
        return 0
    try:
        padded = token + "=" * (-len(token) % 4)
        place = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Place)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise _refused("is not a token of this service; send `next_page_token` as it came") from error
    if place.question != _question(table, filters) or not 0 <= place.after < 2**63:
        raise _refused("was given out for another list or other filters; start at the first page")
    return place.after


def _question(table: str, filters: Mapping[str, str | int]) -> str:
    # A digest, because filters may be personal and tokens end up in logs.
    return hashlib.sha256(msgspec.json.encode([table, sorted(filters.items())])).hexdigest()[:16]


def _refused(text: str) -> CallEnded:
    return CallEnded(Reason.ARGUMENT_INVALID, f"page_token {text}.", violations=(("page_token", text),))
