"""Connections from one of our processes to another: with the certificate of the process, where it has one.

A channel of gRPC keeps the certificate that it was made with. So there is a new channel once the files have changed,
for calls that begin from then on; those that run end on the old one.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import grpc

from gateway.certificates import CERTIFICATE, KEY, Certificates, own

Options = Sequence[tuple[str, Any]]

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nobody listens here
"""No certificate is made out to where a process listens that listens everywhere; here it is at hand."""


def channel_to(address: str, *, options: Options = ()) -> grpc.aio.Channel:
    """A channel to another process of ours, encrypted where this process has a certificate of its own.

    Not by a Unix socket ("unix:PATH"): those are in folders that nobody else can enter, and no certificate names them.
    """
    certificates = own()
    if certificates is None or address.startswith("unix:"):
        return grpc.aio.insecure_channel(address, options=options)
    return RenewedChannel(address, certificates, options=options)


def client_context() -> ssl.SSLContext | None:
    """What another process of ours is asked with over HTTPS; `None`: it is asked over HTTP."""
    certificates = own()
    if certificates is None:
        return None
    made = ssl.create_default_context(cadata=certificates.now().authority.decode())
    made.load_cert_chain(certificates.folder / CERTIFICATE, certificates.folder / KEY)
    return made


class RenewedChannel(grpc.aio.Channel):
    """A channel that shows the process's certificate, and the new one where that was renewed."""

    def __init__(self, address: str, certificates: Certificates, *, options: Options = ()) -> None:
        host, _, port = address.rpartition(":")
        self._address = f"{_EVERYWHERE.get(host, host)}:{port}"
        self._certificates, self._options = certificates, options
        self._pem = certificates.now()
        self._running: dict[grpc.aio.Channel, int] = {}
        """Calls on each channel that has not been closed."""
        self._closing: set[asyncio.Task[None]] = set()
        self._now = self._made()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """End all calls, after `grace` seconds at most."""
        await asyncio.gather(*(each.close(grace) for each in tuple(self._running)), *self._closing)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's
        """How the connection is."""
        return self._current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until it is otherwise."""
        await self._now.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until it is connected."""
        await self._current().channel_ready()

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._calling(lambda channel: channel.unary_unary(*arguments, **named))

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._calling(lambda channel: channel.unary_stream(*arguments, **named))

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._calling(lambda channel: channel.stream_unary(*arguments, **named))

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """See `grpc.aio.Channel`."""
        return self._calling(lambda channel: channel.stream_stream(*arguments, **named))

    def _calling(self, make: Callable[[grpc.aio.Channel], Any]) -> Callable[..., Any]:
        """What makes calls of one method; a stub keeps it as long as it lives, whatever becomes of the channel."""
        over = self._now
        calls = make(over)

        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal over, calls
            if (current := self._current()) is not over:
                over, calls = current, make(current)
            begun = calls(*arguments, **named)
            self._running[current] += 1
            begun.add_done_callback(lambda _: self._ended(current))
            return begun

        return call

    def _ended(self, channel: grpc.aio.Channel) -> None:
        """A call on this channel is over, with which an old one may be."""
        self._running[channel] -= 1
        self._close_if_over(channel)

    def _close_if_over(self, channel: grpc.aio.Channel) -> None:
        # Not by the grace of its own `close`: whoever stops waiting for that can end its calls no more (grpc 1.85.3).
        if channel is not self._now and not self._running.get(channel, 1):
            del self._running[channel]
            task = asyncio.get_running_loop().create_task(channel.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _current(self) -> grpc.aio.Channel:
        pem = self._certificates.now()
        if pem is not self._pem:
            before, self._pem = self._now, pem
            self._now = self._made()
            self._close_if_over(before)
        return self._now

    def _made(self) -> grpc.aio.Channel:
        pem = self._pem
        credentials = grpc.ssl_channel_credentials(pem.authority, pem.key, pem.certificate)
        made = grpc.aio.secure_channel(self._address, credentials, options=self._options)
        self._running[made] = 0
        return made
