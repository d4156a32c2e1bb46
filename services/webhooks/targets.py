"""Where webhooks may go: the public Internet by TLS, and networks that an operator has named. Nowhere else.

What a name stands for is asked when the connection is made, and that very address is connected to, so no name can
change its meaning between the question and the call. Redirects are not followed.
"""

import ipaddress
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.rpc.addresses import Address, carried, public

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_CHARACTERS: Final = 2_000


class TargetRefused(ValueError):
    """Webhooks do not go there; it says why by the key of a text."""


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks that a setting names, parted by commas.

    Raises:
        ValueError: one is no network.
    """
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def permitted(address: Address, networks: Sequence[Network], *, encrypted: bool) -> bool:
    """Whether webhooks may go to that address."""
    if any(address.version == each.version and address in each for each in networks):
        return True
    inner = carried(address)
    if inner is not None:
        return permitted(inner, networks, encrypted=encrypted)
    return encrypted and public(address) and not address.is_reserved


def check(url: str, networks: Sequence[Network]) -> None:
    """See that a URL may be one of a webhook; what its name stands for is found out later.

    Raises:
        TargetRefused: it may not.
    """
    if len(url) > MOST_CHARACTERS or not url.isascii() or any(each.isspace() or each < "!" for each in url):
        raise TargetRefused("target-characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise TargetRefused("target-shape") from error
    if parts.scheme not in {"https", "http"} or not host:
        raise TargetRefused("target-shape")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetRefused("target-user")
    if parts.scheme == "http" and not networks:
        raise TargetRefused("target-plain")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return
    if not permitted(literal, networks, encrypted=parts.scheme == "https"):
        raise TargetRefused("target-inside")


class Resolver(AbstractResolver):
    """Finds addresses, and refuses names of which any leads where webhooks may not go."""

    def __init__(self, networks: Sequence[Network], *, encrypted: bool) -> None:
        self._networks = networks
        self._encrypted = encrypted
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: there are none, or webhooks may not go there.
        """
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            if not permitted(address, self._networks, encrypted=self._encrypted):
                raise OSError("webhooks may not go to this address")
        return found

    async def close(self) -> None:
        """Nothing is kept open."""
