"""Signatures of webhooks, as standardwebhooks.com has them (symmetric, version 1)."""

import base64
import hashlib
import hmac
import os
from typing import Final

PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> bytes:
    """A secret for one endpoint."""
    return os.urandom(_BYTES)


def shown(secret: bytes) -> str:
    """A secret as receivers enter it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(secret: bytes, *, event: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove who has sent a body, and when: `timestamp` is seconds since the epoch."""
    signed = f"{event}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": event, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}
