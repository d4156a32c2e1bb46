"""Device cookies (OWASP): a browser that somebody has logged in with is known again, whoever else tries their name.

It says nothing but that; it lets nobody in. Signed by the control plane's key, so a stranger cannot make one.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Final

LONGEST_MS: Final = 365 * 24 * 3_600_000
"""How long a browser is known after it was last logged in with."""
_COOKIE: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,15})\.([0-9a-f]{64})")


class Devices:
    """Makes and reads device cookies; the first key signs, any may have signed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def new(self, account: str, *, now_ms: int) -> str:
        """The cookie of a browser that `account` has just logged in with."""
        return self._made(account, secrets.token_hex(16), now_ms=now_ms)

    def known(self, cookie: str, account: str, *, now_ms: int) -> str:
        """The id of the browser, if it is one of this account; else empty."""
        parts = _COOKIE.fullmatch(cookie)
        if parts is None or not 0 <= now_ms - int(parts[2]) < LONGEST_MS:
            return ""
        signed = (_signature(key, account, parts[1], int(parts[2])) for key in self._keys)
        return parts[1] if any(hmac.compare_digest(each, parts[3]) for each in signed) else ""

    def again(self, cookie: str, account: str, *, now_ms: int) -> str:
        """The cookie that a browser gets that has logged in: the same browser stays the same."""
        known = self.known(cookie, account, now_ms=now_ms)
        return self._made(account, known, now_ms=now_ms) if known else self.new(account, now_ms=now_ms)

    def _made(self, account: str, device: str, *, now_ms: int) -> str:
        return f"{device}.{now_ms}.{_signature(self._keys[0], account, device, now_ms)}"


def _signature(key: bytes, account: str, device: str, at_ms: int) -> str:
    message = f"pilote.dev/device/v1\n{account}\n{device}\n{at_ms}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
