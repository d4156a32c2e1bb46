"""Metadata keys that carry a credential: read to identify the caller, and never forwarded, recorded or logged."""

from typing import Final

API_KEY: Final = "x-api-key"
AUTHORIZATION: Final = "authorization"
CREDENTIALS: Final = frozenset({API_KEY, AUTHORIZATION})
