"""How Envoy hands over calls that it has tried once, in vain, where the policy has another try for them. Pure.

Only the answer about a call leads to the route for them. Envoy's own retry sends such a call on once, to whoever has
decided about it and never to an upstream: there it goes on as in any gateway (`resuming.py`). By itself Envoy counts no
budget of a route, heeds nothing that an upstream asks for, and has no other arms.
"""

from collections.abc import Iterable
from typing import Final

import grpc

from gateway.envoy.engine.filters import ASKED, known_by
from gateway.envoy.engine.resources import TYPE, Json
from gateway.rpc.status import DETAILS_KEY, PUSHBACK_KEY, SAID_NO

AGAIN: Final = "pilote-again"
"""The cluster of whoever goes on with a call; and the header by which the answer about a call leads to the route."""
AGAIN_SOCKET: Final = "again"
"""The name of its socket, in the folder with all that Envoy reads."""
DECISION_HEADER: Final = "pilote-decision-id"
TRIES: Final = "tries"
"""The name of the log of tries that have failed."""
FAILING: Final = tuple(code for code in grpc.StatusCode if code not in SAID_NO and code is not grpc.StatusCode.OK)
"""Statuses by which a try has failed: with the others an upstream refuses in its own words, or has answered."""
_UNSEEN: Final = [400, 429]
"""Statuses of HTTP, beside 5xx, which gRPC takes for one of those."""
_EXTENSIONS: Final = TYPE + "envoy.extensions."


def again_name(cluster: str) -> str:
    """The name of what sends calls to that cluster first, and then to whoever goes on with them."""
    return f"{cluster}+again"


def again_cluster(cluster: Json) -> Json:
    """What is called so: that cluster, and behind it, for the second try, the one of whoever goes on."""
    kind = {"@type": _EXTENSIONS + "clusters.aggregate.v3.ClusterConfig", "clusters": [cluster["name"], AGAIN]}
    kept = ("@type", "connect_timeout", "typed_extension_protocol_options", "circuit_breakers")
    return {
        **{name: cluster[name] for name in kept},
        "name": again_name(cluster["name"]),
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {"name": "envoy.clusters.aggregate", "typed_config": kind},
    }


def again_route(route: Json) -> Json:
    """A route like that one, for calls that go on elsewhere where their first try fails."""
    told = {"name": AGAIN, "string_match": {"exact": "1"}}
    match = route["match"] | {"headers": [*route["match"].get("headers", ()), told]}
    return route | {"match": match, "route": route["route"] | {"retry_policy": _policy()}}


def _policy() -> Json:
    numbers = "|".join(str(code.value[0]) for code in FAILING)
    other = _EXTENSIONS + "retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
    return {
        "retry_on": "connect-failure,refused-stream,reset,5xx,retriable-status-codes,retriable-headers",
        "retriable_status_codes": _UNSEEN,
        "retriable_headers": [{"name": "grpc-status", "string_match": {"safe_regex": {"regex": numbers}}}],
        "num_retries": 1,
        "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.001s"},
        "retry_priority": {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {"@type": other, "update_frequency": 1},
        },
    }


def tries_log(key: str) -> Json:
    """Tells at once of tries that have failed, by their decision; whoever goes on must know how."""
    said = ["grpc-status", PUSHBACK_KEY, DETAILS_KEY]
    statuses = [code.name.replace("CANCELLED", "CANCELED") for code in FAILING]
    failed: Iterable[Json] = ({"grpc_status_filter": {"statuses": statuses}}, {"response_flag_filter": {}})
    return {
        "name": "envoy.access_loggers.http_grpc",
        "filter": {"or_filter": {"filters": list(failed)}},
        "typed_config": {
            "@type": _EXTENSIONS + "access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
            "common_config": {
                "log_name": TRIES,
                "transport_api_version": "V3",
                "buffer_size_bytes": 0,
                "grpc_service": {"envoy_grpc": {"cluster_name": ASKED}, "initial_metadata": known_by(key)},
            },
            "additional_request_headers_to_log": [DECISION_HEADER],
            "additional_response_headers_to_log": said,
        },
    }
