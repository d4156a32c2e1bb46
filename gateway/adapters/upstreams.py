"""The systems behind the gateway: one channel each, called on raw bytes."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from gateway.adapters.lines import Lines
from gateway.adapters.upstream_calls import StreamCall, UnaryCall
from gateway.certificates import own
from gateway.core.errors import CallEnded, Reason
from gateway.core.policy.upstreams import Upstream
from gateway.rpc.channels import RenewedChannel
from gateway.rpc.headers import CREDENTIALS
from gateway.rpc.status import DETAILS_KEY, Fate, fate_of, pushback_ms, reason_of
from gateway.rpc.writing import send
from gateway.watching.trace_context import TRACEPARENT, TRACESTATE

# Credentials end here, and nobody but the gateway speaks in its name or in the transport's.
_OURS: Final = CREDENTIALS | {TRACEPARENT, TRACESTATE, "user-agent", "content-type", "te"}
_OUR_PREFIXES: Final = ("pilote-", "grpc-", ":")

_log = logging.getLogger(__name__)

Metadata = tuple[tuple[str, str | bytes], ...]

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # An upstream that was restarted is found again within two seconds; gRPC's default is two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # How long an attempt to connect may take, whatever the name says: TLS over an ocean needs half a second.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # An upstream that is gone without a word is noticed after both: gRPC's own 20 s for an answer to its ping do not
    # count (1.85, measured), but this, whose default is a minute.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.http2.ping_timeout_ms", 20_000),
    # Our own retries are governed and recorded; the library's would not be.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
)


TEXTS: Final = {
    Reason.UPSTREAM_UNAVAILABLE: "The system behind the gateway does not answer; retry.",
    Reason.UPSTREAM_FAILED: "The system behind the gateway failed.",
    Reason.DEADLINE_EXCEEDED: "The system behind the gateway took too long.",
    Reason.UPSTREAM_IN_DOUBT: (
        "The system behind the gateway may or may not have acted: find out before you repeat the call."
    ),
}
"""What callers are told of an upstream that failed."""


class UpstreamRefused(Exception):
    """The upstream said no in its own words, which are passed on as they are. `error` carries code, text, trailers."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__()
        self.error = error


class InDoubt(CallEnded):
    """The upstream may or may not have acted: what the call took stays taken."""


class Withheld(CallEnded):
    """The upstream has acted, but its reply could not be redacted, and so is not passed on."""

    def __init__(self) -> None:
        super().__init__(
            Reason.REPLY_WITHHELD,
            "The system behind the gateway has acted, but its reply could not be redacted and is withheld: do not "
            "repeat the call, tell the system's owner.",
        )


class Upstreams:
    """Connections to the upstreams of the active revision, and to earlier ones as long as calls may need them."""

    def __init__(self) -> None:
        self._lines = Lines(place=_place, line=_Line)
        self.use, self.close = self._lines.use, self._lines.close

    def unary(self, upstream: Upstream, method: str) -> Callable[..., UnaryCall]:
        """Starts a unary call: `(request, timeout=seconds, metadata=...)`."""
        line = self._lines.to(upstream)
        call = line.calls.get(method)
        if call is None:
            call = line.calls[method] = line.channel.unary_unary(method)
        return call

    def stream(self, upstream: Upstream, method: str) -> Callable[..., StreamCall]:
        """Starts a streaming call of any kind: on the wire all of them are bidirectional."""
        line = self._lines.to(upstream)
        begin = line.streams.get(method)
        if begin is None:
            begin = line.streams[method] = line.channel.stream_stream(method)

        def call(*, timeout: float, metadata: Metadata) -> StreamCall:
            return _Stream(begin(timeout=timeout, metadata=metadata))

        return call


class _Line:
    """The connection to one address, and the calls that go over it."""

    def __init__(self, upstream: Upstream) -> None:
        self.channel = _channel(upstream)
        self.calls: dict[str, Any] = {}
        self.streams: dict[str, Any] = {}

    async def close(self) -> None:
        await self.channel.close()


class _Stream:
    """A streaming call over gRPC."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.initial_metadata = call.initial_metadata
        self.trailing_metadata = call.trailing_metadata
        self.cancel = call.cancel
        self.done_writing = call.done_writing

    async def send(self, message: bytes) -> None:
        await send(self._call, message)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._call.__aiter__()  # type: ignore[no-any-return]


def failed(error: grpc.aio.AioRpcError, *, harmless: bool) -> Exception:
    """What a failed call to an upstream means for ours; `harmless`: a repeat of it could change nothing.

    `UpstreamRefused` where the upstream said no, `InDoubt` where it may have acted, else a plain `CallEnded`.
    """
    fate = fate_of(error)
    if fate is Fate.REFUSED:
        return UpstreamRefused(error)
    if fate is Fate.UNKNOWN and not harmless:
        return in_doubt()
    reason, asked_ms = reason_of(error), pushback_ms(error)
    waits = reason is Reason.UPSTREAM_UNAVAILABLE and asked_ms is not None and asked_ms >= 0
    return CallEnded(reason, TEXTS[reason], retry_after_ms=asked_ms if waits else None)


def in_doubt() -> InDoubt:
    """The end of a call that an upstream may have carried out."""
    reason = Reason.UPSTREAM_IN_DOUBT
    return InDoubt(reason, TEXTS[reason])


def unavailable(wait_ms: int = 0) -> CallEnded:
    """The end of a call that no upstream was asked, and when it is worth coming back."""
    reason = Reason.UPSTREAM_UNAVAILABLE
    return CallEnded(reason, TEXTS[reason], retry_after_ms=wait_ms or None)


def upstream_metadata(
    metadata: Metadata, *, decision: str, agent: str, traceparent: str, tracestate: str = ""
) -> Metadata:
    """What the upstream gets: the caller's metadata without its credential and ours, and who asks by which decision.

    A key that came with several values keeps them all, in their order.
    """
    kept = [pair for pair in metadata if not _is_ours(pair[0])]
    kept += (("pilote-decision-id", decision), ("pilote-agent", agent), (TRACEPARENT, traceparent))
    if tracestate:
        kept.append(("tracestate", tracestate))
    return tuple(kept)


def pairs_of(*parts: Any) -> Metadata:
    """The pairs of several pieces of metadata, of which any may be missing."""
    return tuple([(key, value) for part in parts for key, value in part or ()])


def passed_on(trailers: Any) -> Metadata:
    """The upstream's trailers, without what the gateway says itself; the details of a refusal are the upstream's."""
    return tuple([(key, value) for key, value in trailers or () if key == DETAILS_KEY or not _is_ours(key)])


def _is_ours(key: str) -> bool:
    return key in _OURS or key.startswith(_OUR_PREFIXES)


def _place(upstream: Upstream) -> tuple[str, bool | str]:
    return upstream.all_addresses[0], upstream.tls


def _channel(upstream: Upstream) -> grpc.aio.Channel:
    address, tls = _place(upstream)
    certificates = own() if tls == "mutual" else None
    if certificates is not None:
        return RenewedChannel(address, certificates, options=_OPTIONS)
    if tls == "mutual":  # it is asked by TLS all the same, and will not believe us
        said = "an upstream asks for this gateway's certificate: set PILOTE_TLS_DIR"
        _log.error(said, extra={"upstream": upstream.name})
    if tls:
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(), options=_OPTIONS)
    return grpc.aio.insecure_channel(address, options=_OPTIONS)
