"""How a first try has failed that Envoy has made, as its log of tries tells it. Pure."""

from typing import Final

import grpc

from gateway.core.policy.upstreams import Upstream
from gateway.rpc.framing import Misframed, unpacked
from gateway.rpc.status import DETAILS_KEY, NEVER_LEFT, PUSHBACK_KEY
from pilote.envoy import access_log_data_pb2

Entry = access_log_data_pb2.HTTPAccessLogEntry
_CODES: Final = {str(code.value[0]): code for code in grpc.StatusCode}
_BY_HTTP: Final = {
    400: grpc.StatusCode.INTERNAL,
    **dict.fromkeys((429, 502, 503, 504), grpc.StatusCode.UNAVAILABLE),
}
"""Of answers that are not gRPC's, those that fail; all others are UNKNOWN. See `rpc.framing`."""
_KEPT: Final = (PUSHBACK_KEY, DETAILS_KEY)


def failure_of(entry: Entry) -> grpc.aio.AioRpcError:
    """The failure, as gRPC itself would tell it of an upstream that is called directly."""
    flags, headers = entry.common_properties.response_flags, entry.response.response_headers
    trailers = grpc.aio.Metadata()
    if flags.upstream_connection_failure or flags.upstream_overflow or flags.no_healthy_upstream:
        return _error(grpc.StatusCode.UNAVAILABLE, trailers, NEVER_LEFT)
    if flags.upstream_request_timeout:
        return _error(grpc.StatusCode.DEADLINE_EXCEEDED, trailers)
    if "grpc-status" not in headers:
        status = entry.response.response_code.value
        broken = status in (0, 200)
        code = grpc.StatusCode.UNAVAILABLE if broken else _BY_HTTP.get(status, grpc.StatusCode.UNKNOWN)
        return _error(code, trailers)
    for key in _KEPT:
        if key in headers:
            try:
                trailers.add(key, unpacked(key, headers[key].encode()) if key.endswith("-bin") else headers[key])
            except Misframed:  # gRPC drops what is no base64
                continue
    return _error(_CODES.get(headers["grpc-status"], grpc.StatusCode.UNKNOWN), trailers)


def address_of(entry: Entry, upstream: Upstream) -> int:
    """The place of the address in the upstream's list; -1 where it is there by a name, or none was tried."""
    remote = entry.common_properties.upstream_remote_address
    socket = remote.socket_address
    text = f"unix:{remote.pipe.path}" if remote.pipe.path else f"{socket.address}:{socket.port_value}"
    return upstream.all_addresses.index(text) if text in upstream.all_addresses else -1


def _error(code: grpc.StatusCode, trailers: grpc.aio.Metadata, text: str = "") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details=text)
