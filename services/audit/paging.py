"""Page tokens: where in its order a list goes on, and for which filter and order. Pure."""

import base64
import hashlib
import re
from typing import Final

import msgspec

from gateway.core.errors import invalid
from services.audit.finding import Place

DEFAULT_SIZE: Final = 50
LARGEST_SIZE: Final = 1_000
_NOT_OURS: Final = "page_token is not one of ours: pass next_page_token of the page before."


class Page(msgspec.Struct, frozen=True):
    """Where a page begins, and when the first page of its list was asked for: ages in filters are counted from then."""

    at_ms: int
    after: Place | None = None


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: str
    at_ms: int
    filter: str
    key: int = 0


def size_of(page_size: int) -> int:
    """How many decisions a page has.

    Raises:
        CallEnded: ARGUMENT_INVALID outside 0 to 1000.
    """
    if not 0 <= page_size <= LARGEST_SIZE:
        raise invalid(
            "page_size", f"page_size is {page_size}; it must be 1 to {LARGEST_SIZE}, or 0 for {DEFAULT_SIZE}."
        )
    return page_size or DEFAULT_SIZE


def token_of(page: Page, *, text: str) -> str:
    """The token of a page; `text` is all that the list was asked for with, and must be when it goes on."""
    assert page.after is not None  # noqa: S101 - the first page has no token
    token = _Token(page.after.id, page.at_ms, _digest(text), page.after.key)
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def page_of(page_token: str, *, text: str, now_ms: int) -> Page:
    """The page that a token names; the first one, asked for now, for an empty token.

    Raises:
        CallEnded: ARGUMENT_INVALID for a token that is not ours, or that belongs to another filter or order.
    """
    if not page_token:
        return Page(now_ms)
    try:
        token = msgspec.json.decode(_raw(page_token), type=_Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid("page_token", _NOT_OURS) from error
    fits = abs(token.key) < 1 << 62 and 0 <= token.at_ms < 1 << 48
    if not re.fullmatch(r"[0-9a-f]{32}", token.after) or not fits:
        raise invalid("page_token", _NOT_OURS)
    if token.filter != _digest(text):
        raise invalid("page_token", "page_token belongs to another filter or order: repeat those of the page before.")
    return Page(token.at_ms, Place(token.after, token.key))


def token_of_name(name: str) -> str:
    """The token of a page in the order of names that goes on behind `name`."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def name_of(page_token: str) -> str:
    """The name behind which a page in the order of names goes on; empty for the first one.

    Raises:
        CallEnded: ARGUMENT_INVALID for a token that is not ours.
    """
    try:
        return _raw(page_token).decode("ascii")
    except ValueError as error:
        raise invalid("page_token", _NOT_OURS) from error


def _raw(page_token: str) -> bytes:
    """What a token stands for. Raises `ValueError` where it is none (`binascii.Error` is one)."""
    return base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
