"""The systems behind the gateway: one channel each, called on raw bytes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc

from gateway.core.errors import CallEnded, Reason
from gateway.core.revision.document import Upstream, duration_ms
from gateway.rpc.status import Fate, fate_of, reason_of

# Credentials end here, and nobody but the gateway speaks in its name or in the transport's.
_OURS: Final = (
    "x-api-key",
    "authorization",
    "pilote-",
    "traceparent",
    "grpc-",
    "user-agent",
    "content-type",
    "te",
    ":",
)

Metadata = tuple[tuple[str, str | bytes], ...]

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # An upstream that was restarted is found again within two seconds; gRPC's default is two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
    # Our own retries are governed and recorded; the library's would not be.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
)


_TEXTS: Final = {
    Reason.UPSTREAM_UNAVAILABLE: "The system behind the gateway does not answer; retry.",
    Reason.UPSTREAM_FAILED: "The system behind the gateway failed.",
    Reason.DEADLINE_EXCEEDED: "The system behind the gateway took too long.",
}


class UpstreamRefused(Exception):  # noqa: N818 - an answer like any other
    """The upstream said no in its own words, which are passed on as they are. `error` carries code, text, trailers."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__()
        self.error = error


class InDoubt(CallEnded):
    """The upstream may or may not have acted: what the call took stays taken."""


class Upstreams:
    """Channels to the upstreams of the active revision."""

    def __init__(self) -> None:
        self._channels: dict[Upstream, grpc.aio.Channel] = {}
        self._calls: dict[tuple[str, str], Any] = {}
        self._streams: dict[tuple[str, str], Any] = {}
        self._by_name: dict[str, Upstream] = {}
        self._timeouts_s: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def use(self, upstreams: Mapping[str, Upstream]) -> None:
        """Call these upstreams from now on. Running calls end on the channels they began on."""
        kept = set(upstreams.values())
        for upstream in [upstream for upstream in self._channels if upstream not in kept]:
            channel = self._channels.pop(upstream)
            grace = duration_ms(upstream.timeout) / 1000
            task = asyncio.get_running_loop().create_task(channel.close(grace))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        for upstream in kept - self._channels.keys():
            self._channels[upstream] = _channel(upstream)
        self._by_name = dict(upstreams)
        self._timeouts_s = {name: duration_ms(upstream.timeout) / 1000 for name, upstream in upstreams.items()}
        self._calls.clear()
        self._streams.clear()

    def timeout_s(self, upstream: str) -> float:
        """Longest call to this upstream, in seconds."""
        return self._timeouts_s[upstream]

    def unary(self, upstream: str, method: str) -> Callable[..., grpc.aio.UnaryUnaryCall[bytes, bytes]]:
        """Starts a unary call: `(request, timeout=seconds, metadata=...)`."""
        call = self._calls.get((upstream, method))
        if call is None:
            call = self._calls[upstream, method] = self._channel_of(upstream).unary_unary(method)
        return call

    def stream(self, upstream: str, method: str) -> Callable[..., grpc.aio.StreamStreamCall[bytes, bytes]]:
        """Starts a streaming call of any kind: on the wire all of them are bidirectional."""
        call = self._streams.get((upstream, method))
        if call is None:
            call = self._streams[upstream, method] = self._channel_of(upstream).stream_stream(method)
        return call

    async def close(self) -> None:
        """Close all channels."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()), *self._closing)

    def _channel_of(self, upstream: str) -> grpc.aio.Channel:
        return self._channels[self._by_name[upstream]]


def failed(error: grpc.aio.AioRpcError, *, harmless: bool) -> Exception:
    """What a failed call to an upstream means for ours; `harmless`: a repeat of it could change nothing.

    `UpstreamRefused` where the upstream said no, `InDoubt` where it may have acted, else a plain `CallEnded`.
    """
    fate = fate_of(error)
    if fate is Fate.REFUSED:
        return UpstreamRefused(error)
    if fate is Fate.UNKNOWN and not harmless:
        return InDoubt(
            Reason.UPSTREAM_IN_DOUBT,
            "The system behind the gateway may or may not have acted: find out before you repeat the call.",
        )
    reason = reason_of(error)
    return CallEnded(reason, _TEXTS[reason])


def upstream_metadata(metadata: Mapping[str, str | bytes], *, decision: str, agent: str, traceparent: str) -> Metadata:
    """What the upstream gets: the caller's metadata without its credential and ours, and who asks by which decision."""
    kept = [(key, value) for key, value in metadata.items() if not key.startswith(_OURS)]
    kept += (("pilote-decision-id", decision), ("pilote-agent", agent), ("traceparent", traceparent))
    return tuple(kept)


def passed_on(trailers: Any) -> Metadata:
    """The upstream's trailers, without what the gateway says itself."""
    return tuple([(key, value) for key, value in trailers or () if not key.startswith(_OURS)])


def _channel(upstream: Upstream) -> grpc.aio.Channel:
    if upstream.tls:
        return grpc.aio.secure_channel(upstream.address, grpc.ssl_channel_credentials(), options=_OPTIONS)
    return grpc.aio.insecure_channel(upstream.address, options=_OPTIONS)
