"""What is needed to settle a request that Envoy forwards, sealed into Envoy's own metadata.

The access log may reach another gateway than the one that admitted the request, so nothing of it is kept here. Nobody
but gateways opens or makes such a seal; Envoy hands it neither to callers nor to upstreams.
"""

import base64
import binascii
from typing import Final

import msgspec

from gateway.adapters.reservation import Reservation
from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.messages.rest_replies import PathTake

_BOUND_TO: Final = b"envoy"


class Redacting(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is taken out of the reply to an admitted request."""

    paths: tuple[PathTake, ...]
    max_bytes: int
    """A larger reply is withheld."""
    passes_others: bool
    """Whether a reply that is no JSON passes; else it is withheld."""
    language: str = "en"
    """The caller's, "en" or "fr"."""


class Reducing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is taken out of an admitted request before it goes on."""

    paths: tuple[PathTake, ...] = ()
    """Ways into its body."""
    query: tuple[PathTake, ...] = ()
    """Parameters of its query. Whoever decided has Envoy leave them out, and whoever lets it go sees that it did."""
    upstream: str
    """Where it may go once that is done."""
    language: str = "en"
    """The caller's, "en" or "fr"."""


class Admitted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One admitted request. Times are of the gateway's clock."""

    reservation: Reservation
    received_ms: int
    overhead_us: int
    admit_us: int = 0
    harmless: bool = False
    """It can change nothing, however often it is carried out."""
    slow_us: int = 0
    """From when on it is too slow for its route's objective; 0: never."""
    method: str = ""
    """Of one of whose end the vendor's answer tells more than whether it has acted; else empty."""
    redacting: Redacting | None = None
    """`None`: its reply passes as it is."""
    reducing: Reducing | None = None
    """`None`: it goes on as it is."""


_DECODER: Final = msgspec.msgpack.Decoder(Admitted)
_ENCODER: Final = msgspec.msgpack.Encoder()


class Seals:
    """Seals with the keys that all gateways have."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, admitted: Admitted) -> str:
        """It as a text."""
        sealed = self._sealer.seal(_ENCODER.encode(admitted), bound_to=_BOUND_TO)
        return base64.b64encode(sealed).decode()

    def open(self, text: str) -> Admitted | None:
        """What was sealed; `None` where nobody of us has sealed it."""
        try:
            return _DECODER.decode(self._sealer.open(base64.b64decode(text, validate=True), bound_to=_BOUND_TO))
        except (binascii.Error, ValueError, Damaged, KeyMissing):
            return None
