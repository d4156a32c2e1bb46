"""What the agents' front is started with."""

import msgspec

from gateway.watching.exposing import NOWHERE, Metering


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """See also `gateway.settings.Settings`."""

    listen: str
    gateway: str
    """Address of the gateway."""
    drain_seconds: float
    max_message_bytes: int
    """Largest body of a request, and largest answer of the gateway."""
    url: str = ""
    """Where clients reach this front, such as "https://agents.example.com"; empty: where they say that they do."""
    authorization_servers: tuple[str, ...] = ()
    """Issuers whose tokens the gateway takes, for clients of MCP that get one by themselves."""
    trace_ratio: float = 1.0
    """Share of requests whose span is exported; refused and failed ones always are."""
    to: Metering = NOWHERE
    """Where metrics go."""
