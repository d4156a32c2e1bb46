"""What a control plane is started with."""

from collections.abc import Sequence
from pathlib import Path

import argon2
import msgspec

from gateway.core.authority import Authority
from gateway.watching.exposing import NOWHERE, Metering
from services.control.access.oidc.configuration import Oidc
from services.control.access.passwords import PROFILE


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """See also `gateway.settings.Settings`. Keys are 32 bytes each; the first one of several seals."""

    listen: str
    redis_url: str
    audit: str
    """Address of the audit service."""
    pseudonym_key: bytes
    drain_seconds: float
    pin_file: Path | None = None
    """Which policy was trusted last, see `gateway.adapters.trust`."""
    trusted_people: Authority | None = None
    to: Metering = NOWHERE
    """Where metrics go."""
    record_keys: Sequence[bytes] = ()
    """With these people may read what calls were decided by."""
    hold_keys: Sequence[bytes] = ()
    """With these, calls that wait for them."""
    replay_keys: Sequence[bytes] = ()
    """With these, have calls decided about once more, by other policies too."""
    control_keys: Sequence[bytes] = ()
    """Its own, the same for all control planes; with none it makes one, and once it has ended no browser is known."""
    url: str = ""
    """Where browsers reach it; empty on loopback."""
    proxies: str = ""
    """Whose word counts for where a request comes from."""
    oidc: Oidc | None = None
    """The provider that people may log in through, which needs `url`."""
    trace_url: str = ""
    """Where traces are shown, with `{trace_id}`."""
    insights: str = "127.0.0.1:50055"
    """Where the process answers that keeps the vault."""
    gateway: str = "127.0.0.1:50051"
    """Where agents reach the gateway, as they are told."""
    hashing: argon2.Parameters = PROFILE
    """What a password costs; only tests make it cheap."""
