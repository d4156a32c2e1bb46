"""Where webhooks may go: the public Internet by TLS, and networks that an operator has named. Nowhere else.

What a name stands for is asked when the connection is made, and that very address is connected to, so no name can
change its meaning between the question and the call. Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.rpc.addresses import Address, carried, public

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_CHARACTERS: Final = 2_000
LOOK_UPS: Final = 64
"""Names that are looked up at once."""


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
    """Finds addresses, and refuses names of which any leads where webhooks may not go.

    Who asks for a name that is looked up already waits for that: a name for which nobody answers keeps one thread, and
    delays no other. `look_up` does as `socket.getaddrinfo`.
    """

    def __init__(
        self, networks: Sequence[Network], *, encrypted: bool, look_up: Callable[..., Any] = socket.getaddrinfo
    ) -> None:
        self._networks = networks
        self._encrypted = encrypted
        self._threads = _Threads(look_up)
        self._resolver = ThreadedResolver(loop=cast("Any", self._threads))
        self._running = dict[tuple[str, int, int], asyncio.Task[list[ResolveResult]]]()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: there are none, or webhooks may not go there.
        """
        key = (host, port, int(family))
        task = self._running.get(key)
        if task is None:
            self._running[key] = task = asyncio.create_task(self._resolver.resolve(host, port, family))
            task.add_done_callback(partial(self._over, key))
        found = await asyncio.shield(task)
        for each in found:
            address = ipaddress.ip_address(each["host"].partition("%")[0])
            if not permitted(address, self._networks, encrypted=self._encrypted):
                raise OSError("webhooks may not go to this address")
        return found

    async def close(self) -> None:
        """Look nothing up any more."""
        for task in self._running.values():
            task.cancel()
        self._threads.close()

    def _over(self, key: tuple[str, int, int], task: asyncio.Task[list[ResolveResult]]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # it may be that nobody waits for it any more


class _Threads:
    """What aiohttp's resolver asks of a loop, on threads of its own: uvloop has four for all that it looks up."""

    def __init__(self, look_up: Callable[..., Any]) -> None:
        self._look_up = look_up
        self._pool = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="names")

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> Any:
        return await self._run(partial(self._look_up, host, port, **more))

    async def getnameinfo(self, address: Any, flags: int) -> Any:
        return await self._run(partial(socket.getnameinfo, address, flags))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, do: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, do)
