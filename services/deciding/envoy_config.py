"""How the Envoy of a decision worker is configured: it takes gRPC on a Unix socket, and has Python answer."""

from pathlib import Path
from typing import Any, Final

from pyvoy import PyvoyServer

from gateway.envoy.engine.configuration import most_connections
from gateway.rpc.serving import MOST_STREAMS

APP: Final = "services.deciding.hosted:app"
_TYPES: Final = "type.googleapis.com/envoy.extensions."
_RESETS: Final = {
    "overload.premature_reset_min_stream_lifetime_seconds": 0,
    "overload.premature_reset_total_stream_count": 100_000_000,
    "envoy.reloadable_features.http2_use_oghttp2": True,
}
"""An Envoy resets each stream of its filter `ext_proc` once it has what it wants, and that is no attack: by default
nghttp2 ends a connection with more than 33 resets a second (measured: after 1,000), and with it all calls on it. Nobody
but an Envoy of this user comes here."""
LONGEST_PATH: Final = 107
"""Bytes of a Unix socket's path, by Linux."""


def admin_socket(socket: Path) -> Path:
    """Where the worker's Envoy is told to drain."""
    return socket.with_name(f"{socket.name}.admin")


def worker_config(socket: Path) -> dict[str, Any]:
    """The configuration of an Envoy that listens there. Both of its sockets are for this user only.

    Raises:
        ValueError: the path is too long for a socket.
    """
    admin = admin_socket(socket)
    if len(str(admin).encode()) > LONGEST_PATH:
        raise ValueError(f"{socket} is too long for a socket: at most {LONGEST_PATH - len('.admin')} bytes fit.")
    return {
        "admin": {"address": _pipe(admin)},
        "overload_manager": {"resource_monitors": [most_connections()]},
        "layered_runtime": {"layers": [{"name": "resets", "static_layer": _RESETS}]},
        "static_resources": {
            "listeners": [{"name": "check", "address": _pipe(socket), "filter_chains": [{"filters": [_http()]}]}]
        },
    }


def _http() -> dict[str, Any]:
    pyvoy: Any = PyvoyServer(APP, lifespan=True).get_envoy_config()
    chain = pyvoy["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{_TYPES}filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "check",
            "codec_type": "HTTP2",
            "http2_protocol_options": {"max_concurrent_streams": MOST_STREAMS},
            "stream_idle_timeout": "0s",  # an access log is silent where there are no calls
            "route_config": chain["route_config"],
            "http_filters": chain["http_filters"],
            "generate_request_id": False,
            "skip_xff_append": True,
            "server_header_transformation": "PASS_THROUGH",
        },
    }


def _pipe(path: Path) -> dict[str, Any]:
    return {"pipe": {"path": str(path), "mode": 0o600}}
