"""Page tokens that hold where a vendor's list goes on: sealed, since that may be a URL of its own, or personal."""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.core.errors import CallEnded, Reason

_NONCE_BYTES: Final = 12
MAX_CHARACTERS: Final = 16_384


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a list goes on."""

    where: str | int
    """A cursor, a number, or a URL without its host."""
    size: int
    """Resources a page; pages that are counted must all have the same size."""


class Tokens:
    """Seals and opens page tokens.

    `secrets` are the connector's own: whoever has the same opens the token, also another replica, and the process after
    a restart. Where there are none, only this process does.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        material = b"".join(hashlib.sha256(secret.encode()).digest() for secret in secrets) or os.urandom(32)
        self._cipher = AESGCM(hashlib.sha256(b"pilote page token" + material).digest())

    def sealed(self, place: Place, *, method: str, filters: Mapping[str, Any]) -> str:
        """The token of the page that begins there."""
        nonce = os.urandom(_NONCE_BYTES)
        body = self._cipher.encrypt(nonce, msgspec.json.encode(place), _question(method, filters))
        return base64.urlsafe_b64encode(nonce + body).decode().rstrip("=")

    def opened(self, token: str, *, method: str, filters: Mapping[str, Any]) -> Place | None:
        """Where the page of that token begins; `None`: at the beginning.

        Raises:
            CallEnded: ARGUMENT_INVALID, the token is not ours, or was given out for another list.
        """
        if not token:
            return None
        try:
            if len(token) > MAX_CHARACTERS:
                raise ValueError("too long")
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            body = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _question(method, filters))
            return msgspec.json.decode(body, type=Place)
        except (ValueError, binascii.Error, InvalidTag, msgspec.DecodeError) as error:
            text = "is no token of this list with these filters; send `next_page_token` as it came, or start anew"
            raise CallEnded(
                Reason.ARGUMENT_INVALID, f"page_token {text}.", violations=(("page_token", text),)
            ) from error


def _question(method: str, filters: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode([method, sorted(filters.items())])
