"""What vendors call a resource, as the last segment of our names: 1 to 63 characters of a-z, 0-9, "_" and "-"."""

import base64
import binascii
import re
from typing import Final

from gateway.core.errors import CallEnded, Reason, invalid

_PLAIN: Final = re.compile(r"[a-z0-9_-]{1,63}")
_CODED: Final = "x-"
MAX_ID_BYTES: Final = 38
"""Longest id with other characters: coded it has 63."""


def segment(vendor_id: str) -> str:
    """The segment that stands for the vendor's id: the id itself where that is possible, else `x-` and base 32.

    Raises:
        CallEnded: UPSTREAM_FAILED, the id is empty or too long.
    """
    if _PLAIN.fullmatch(vendor_id) and not vendor_id.startswith(_CODED):
        return vendor_id
    raw = vendor_id.encode()
    if not 0 < len(raw) <= MAX_ID_BYTES:
        raise CallEnded(Reason.UPSTREAM_FAILED, "The system behind names a resource in a way that cannot be passed on.")
    return _CODED + base64.b32encode(raw).decode().rstrip("=").lower()


def vendor_id(name: str, *, collection: str, field: str) -> str:
    """What the vendor calls the resource of that name; `field` is where the request has the name.

    Raises:
        CallEnded: ARGUMENT_INVALID, it is no name of that collection.
    """
    prefix, _, last = name.partition("/")
    if prefix == collection and _PLAIN.fullmatch(last):
        if not last.startswith(_CODED):
            return last
        coded = last[len(_CODED) :]
        try:
            found = base64.b32decode(coded.upper() + "=" * (-len(coded) % 8)).decode()
        except (binascii.Error, UnicodeDecodeError):
            found = ""
        if found and segment(found) == last:
            return found
    raise invalid(field, f"{field} must be {collection}/ and an identifier.")
