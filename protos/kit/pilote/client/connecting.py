"""How a client reaches the gateway: where, encrypted or not, and as whom."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Final

import grpc

from pilote.client.calling import Metadata

_VISIBLE: Final = re.compile(r"[!-~]+")
OPTIONS: Final = (("grpc.max_receive_message_length", 64 << 20),)
"""Contracts allow messages of up to 64 MiB."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What a client identifies itself by: an API key, a token, or what returns a fresh token for each try."""

    key: str = ""
    token: Any = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: both are given, or one has characters that no header carries.
        """
        if self.key and self.token:
            raise ValueError("give a key or a token, not both")
        for name, value in (("key", self.key), ("token", self.token)):
            if isinstance(value, str) and value and not _VISIBLE.fullmatch(value):
                raise ValueError(f"the {name} has spaces, line breaks or other characters that no header carries")

    def metadata(self, token: str = "") -> Metadata:
        """The header that carries it; `token` is the one that was just fetched."""
        if self.key:
            return (("x-api-key", self.key),)
        said = token or (self.token if isinstance(self.token, str) else "")
        return (("authorization", f"Bearer {said}"),) if said else ()


def channel_credentials(address: str, tls: bool | grpc.ChannelCredentials | None) -> grpc.ChannelCredentials | None:  # noqa: FBT001 - as urllib3 and requests have it
    """How to encrypt; `None` for not at all, which only this very machine gets unless `tls` is False.

    Raises:
        ValueError: there is no address.
    """
    if not address:
        raise ValueError('give the address of a gateway, such as "127.0.0.1:50051"')
    if isinstance(tls, grpc.ChannelCredentials):
        return tls
    encrypted = not _is_here(address) if tls is None else tls
    return grpc.ssl_channel_credentials() if encrypted else None


def _is_here(address: str) -> bool:
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.removeprefix("ipv4:").removeprefix("ipv6:").rpartition(":")[0].strip("[]") or address
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
