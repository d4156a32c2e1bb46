"""The one way out of a connector: to the host that its file names, over TLS, and to no private address unless told."""

import ipaddress
import socket
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from gateway.rpc import addresses

SCHEMES: Final = ("https", "http", "smtp", "smtps")
CONNECT_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 4.0
"""Below the five seconds after which common servers close an idle connection: one that is closed while a request goes
out on it leaves it in doubt."""


class _PublicOnly(AbstractResolver):
    """Resolves names, and gives none of their addresses that is not public.

    The connection goes to what is given here, so a name that resolves differently the second time gains nothing.
    """

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = [each for each in await self._resolver.resolve(host, port, family) if public(each["host"])]
        if not found:
            raise OSError(None, "no public address")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def public(address: str) -> bool:
    """Whether anybody may reach the address, as IANA's registries say."""
    try:
        found = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    inner = addresses.carried(found)
    return addresses.public(found) and (inner is None or addresses.public(inner))


def refused(url: str, *, allow_private: bool) -> str:
    """Why no request may go to that URL, as a key of `services.crm.connectors.texts`; empty where one may."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "url-wrong"
    if parts.scheme not in SCHEMES or not host or parts.username or parts.query or parts.fragment:
        return "url-wrong"
    if allow_private:
        return ""
    if parts.scheme == "http":
        return "url-plain"
    literal = _literal(host)
    return "url-private" if (literal and not public(literal)) or host == "localhost" else ""


def _literal(host: str) -> str:
    """The address that a host is by itself, in any of the ways that resolvers read one; empty: it is a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


def session(*, allow_private: bool, connections: int) -> aiohttp.ClientSession:
    """What requests go out by. It keeps no cookies, follows no proxy of the environment and no redirects by itself."""
    options: dict[str, Any] = {} if allow_private else {"resolver": _PublicOnly(), "use_dns_cache": False}
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_SECONDS, **options),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        max_line_size=16_384,
    )
