"""Envoy's configuration: what never changes while a gateway runs, and the routes of a revision. Pure.

Calls of methods that Envoy may carry are asked about, and go where the answer says; all others, and those that are
asked about in vain, go on to the gateway. So does whatever no revision describes.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from gateway.core.revision.compiled import Revision
from gateway.envoy.doors import KEY_HEADER
from gateway.envoy.engine.admin import SOCKET
from gateway.envoy.engine.answering import KEPT, TO_CALLER, TO_UPSTREAM
from gateway.envoy.engine.carrying import carried_methods
from gateway.envoy.engine.clusters import GATEWAY, gateway_cluster, questions_cluster
from gateway.envoy.engine.filters import ASKED, CARRIED, EXT_AUTHZ, FATE_HEADER, FILTERS, known_by, setting
from gateway.envoy.engine.questions import SOCKET as QUESTIONS_SOCKET
from gateway.envoy.engine.redaction import EXT_PROC, ext_proc, redacting_routes, unseen, unsent
from gateway.envoy.engine.resources import TYPE, Json, file_of
from gateway.envoy.engine.scripting import script
from gateway.envoy.engine.tls import downstream
from gateway.envoy.engine.trying import AGAIN, AGAIN_SOCKET, again_route, tries_log
from gateway.envoy.heads import REDACTED_HEADER, UPSTREAM_HEADER
from gateway.rpc.serving import MOST_CONNECTIONS, MOST_STREAMS

TOLD_EVERY_SECONDS: Final = 0.02
"""How often Envoy sends what its access log holds."""
_QUESTIONS: Final = "pilote-questions"
"""The cluster of whoever decides, where it is asked about calls."""
_LUA: Final = "envoy.filters.http.lua"
_BETWEEN_US: Final = [UPSTREAM_HEADER, REDACTED_HEADER, AGAIN, "x-forwarded-proto"]
"""Headers that are for Envoy alone. It routes nothing without the last, so it cannot be taken out earlier."""
_FATES: Final = {
    # No connection to any address came about.
    "untouched": ("UH", "UF", "NC", "NR", "UO", "DF"),
    "late": ("UT", "DT", "UMSDR"),
    "broken": ("UC", "UR", "LR", "UPE", "SI"),
}
"""Envoy's flags of calls that it ends by itself."""


class Places(NamedTuple):
    """Where things are."""

    home: Path
    """A folder that nobody else can read, with the files of what changes."""
    gateway: str
    """The Unix socket of the gateway behind Envoy."""
    asked: str
    """That where whoever decides about calls is told how they end, and asked about their messages."""
    listen: str
    shown: int
    """Bytes of a message that whoever decides is shown; longer calls are handed over."""
    key: str
    """By which Envoy is known to the gateway."""
    certificates: Path | None = None
    """Folder with what the port shows over TLS; `None`: it speaks without."""
    clients: Path | None = None
    """File with the authorities one of which must have signed the certificates of those who call."""


def bootstrap(places: Places) -> Json:
    """What Envoy starts with. It listens once a listener stands in `listeners.json`."""
    return {
        "node": {"id": "pilote", "cluster": "pilote"},
        "admin": {"address": {"pipe": {"path": str(places.home / SOCKET), "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": file_of(places.home, "clusters.json"),
            "lds_config": file_of(places.home, "listeners.json"),
        },
        "static_resources": {
            "clusters": [
                _untyped(gateway_cluster(places.gateway)),
                _untyped(questions_cluster(str(places.home / QUESTIONS_SOCKET), name=_QUESTIONS)),
                _untyped(gateway_cluster(places.asked, name=ASKED)),
                _untyped(gateway_cluster(str(places.home / AGAIN_SOCKET), name=AGAIN)),
            ]
        },
        "overload_manager": {"resource_monitors": [most_connections()]},
    }


def most_connections() -> Json:
    """Bounds how many connections an Envoy takes at a time; further ones are closed at once."""
    monitors = TYPE + "envoy.extensions.resource_monitors."
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {
            "@type": monitors + "downstream_connections.v3.DownstreamConnectionsConfig",
            "max_active_downstream_connections": MOST_CONNECTIONS,
        },
    }


def routes_of(revision: Revision) -> Json:
    """The routes of a revision's methods that Envoy may carry; `routes.json`."""
    return _routes(sorted(carried_methods(revision)))


def no_routes() -> Json:
    """The routes while there is no revision: everything goes on to the gateway."""
    return _routes(())


def listener(places: Places) -> Json:
    """Where agents call; `listeners.json`."""
    host, _, port = places.listen.rpartition(":")
    chain: Json = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _connection_manager(places)}
        ]
    }
    if places.certificates is not None:
        chain["transport_socket"] = downstream(places.home, clients=places.clients is not None)
    return {
        "@type": TYPE + "envoy.config.listener.v3.Listener",
        "name": "agents",
        "address": {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}},
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": max(1024 * 1024, 4 * places.shown),
        "filter_chains": [chain],
    }


def _connection_manager(places: Places) -> Json:
    return {
        "@type": TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "agents",
        "codec_type": "HTTP2",
        # Nobody who calls is one of Envoy's own: what they say to Envoy in its headers is left out.
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "skip_xff_append": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "stream_idle_timeout": "0s",
        "request_timeout": "0s",
        "request_headers_timeout": "10s",
        "max_request_headers_kb": 60,
        "common_http_protocol_options": {"idle_timeout": "900s"},
        "http2_protocol_options": {
            "max_concurrent_streams": MOST_STREAMS,
            "connection_keepalive": {"interval": "60s", "timeout": "20s"},
        },
        "early_header_mutation_extensions": [_early()],
        "rds": {"route_config_name": "agents", "config_source": file_of(places.home, "routes.json")},
        "http_filters": [
            {
                "name": _LUA,
                "typed_config": {
                    "@type": FILTERS + "lua.v3.Lua",
                    "default_source_code": {"inline_string": script(places.key)},
                },
            },
            {"name": EXT_AUTHZ, "typed_config": _ext_authz(places)},
            {"name": EXT_PROC, "typed_config": ext_proc(places.key)},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": FILTERS + "router.v3.Router",
                    "suppress_envoy_headers": True,
                    "upstream_log": [tries_log(places.key)],
                },
            },
        ],
        "local_reply_config": {
            "mappers": [*[_mapper(fate, flags) for fate, flags in _FATES.items()], _unasked(), unsent(), unseen()]
        },
        "access_log": [_access_log(places.key)],
    }


def _early() -> Json:
    """What a caller says that would choose a route is out before one is chosen, and what stands for Envoy's key."""
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [{"remove": name} for name in (REDACTED_HEADER, AGAIN, KEY_HEADER)],
        },
    }


def _ext_authz(places: Places) -> Json:
    return {
        "@type": FILTERS + "ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "failure_mode_allow": False,
        "status_on_error": {"code": 503},
        "clear_route_cache": True,
        "with_request_body": {"max_request_bytes": places.shown, "allow_partial_message": True},
        "allowed_headers": {"patterns": [{"safe_regex": {"regex": ".*"}}]},  # all
        "http_service": {
            # Every request keeps its own authority and path.
            "server_uri": {"uri": "http://questions", "cluster": _QUESTIONS, "timeout": "60s"},
            "authorization_request": {"headers_to_add": [{"key": KEY_HEADER, "value": places.key}]},
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"exact": name} for name in TO_UPSTREAM]},
                "allowed_client_headers": {"patterns": [{"prefix": name} for name in TO_CALLER]},
                "dynamic_metadata_from_headers": {"patterns": [{"exact": name} for name in KEPT]},
            },
        },
    }


def _access_log(key: str) -> Json:
    """Tells of the calls that Envoy has carried; of others the gateway knows."""
    return {
        "name": "envoy.access_loggers.http_grpc",
        "filter": CARRIED,
        "typed_config": {
            "@type": TYPE + "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
            "common_config": {
                "log_name": "pilote",
                "transport_api_version": "V3",
                "buffer_flush_interval": f"{TOLD_EVERY_SECONDS}s",
                "grpc_service": {"envoy_grpc": {"cluster_name": ASKED}, "initial_metadata": known_by(key)},
            },
        },
    }


def _mapper(fate: str, flags: Iterable[str]) -> Json:
    return {"filter": {"response_flag_filter": {"flags": list(flags)}}, "headers_to_add": [setting(FATE_HEADER, fate)]}


def _unasked() -> Json:
    """Nobody who could decide has answered."""
    return {
        "filter": {
            "and_filter": {
                "filters": [
                    {"response_flag_filter": {"flags": ["UAEX"]}},
                    {
                        "status_code_filter": {
                            "comparison": {"op": "EQ", "value": {"default_value": 503, "runtime_key": "pilote.unasked"}}
                        }
                    },
                ]
            }
        },
        "headers_to_add": [setting(FATE_HEADER, "unasked")],
    }


def _routes(carried: Iterable[str]) -> Json:
    asked: Json = {"route": {"cluster_header": UPSTREAM_HEADER, "timeout": "0s"}}
    asked["request_headers_to_remove"] = _BETWEEN_US
    chosen = redacting_routes(asked)
    chosen = [*map(again_route, chosen), *chosen, again_route(asked | {"match": {"prefix": "/"}})]
    listed = [*chosen, *[asked | {"match": {"path": name}} for name in carried]]
    listed.append(
        {
            "match": {"prefix": "/"},
            "route": {"cluster": GATEWAY, "timeout": "0s"},
            "request_headers_to_remove": _BETWEEN_US,
            "typed_per_filter_config": {
                EXT_AUTHZ: {"@type": FILTERS + "ext_authz.v3.ExtAuthzPerRoute", "disabled": True}
            },
        }
    )
    return {
        "@type": TYPE + "envoy.config.route.v3.RouteConfiguration",
        "name": "agents",
        "virtual_hosts": [{"name": "agents", "domains": ["*"], "routes": listed}],
    }


def _untyped(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "@type"}
