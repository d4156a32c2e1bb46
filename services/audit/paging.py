"""Page tokens: after which decision a list goes on, and for which filter. Pure."""

import base64
import binascii
import hashlib
import re
from typing import Final, NoReturn

import msgspec

from gateway.core.errors import CallEnded, Reason

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 1_000


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: str
    filter: str


def size_of(page_size: int) -> int:
    """How many decisions a page has.

    Raises:
        CallEnded: ARGUMENT_INVALID outside 0 to 1000.
    """
    if not 0 <= page_size <= LARGEST_SIZE:
        _refuse("page_size", f"page_size is {page_size}; it must be 1 to {LARGEST_SIZE}, or 0 for {DEFAULT_SIZE}.")
    return page_size or DEFAULT_SIZE


def token_of(before: str, *, text: str) -> str:
    """The token of the page that goes on with decisions older than `before`, for the filter `text`."""
    token = _Token(before, _digest(text))
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def before_of(page_token: str, *, text: str) -> str:
    """The id that the page's decisions come after; empty for an empty token, which asks for the first page.

    Raises:
        CallEnded: ARGUMENT_INVALID for a token that is not ours, or that belongs to another filter.
    """
    if not page_token:
        return ""
    try:
        raw = base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True)
        token = msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        _refuse("page_token", "page_token is not one of ours: pass next_page_token of the page before.")
    if not re.fullmatch(r"[0-9a-f]{32}", token.before):
        _refuse("page_token", "page_token is not one of ours: pass next_page_token of the page before.")
    if token.filter != _digest(text):
        _refuse("page_token", "page_token belongs to another filter: repeat the filter of the page before.")
    return token.before


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _refuse(field: str, text: str) -> NoReturn:
    raise CallEnded(Reason.ARGUMENT_INVALID, text, metadata={"field": field}, violations=((field, text),))
