"""The upstreams of a revision as Envoy's clusters: where they are, by TLS or not, and which address is left out. Pure.

A cluster is named after all that it says, so that of two revisions each finds its own, and a call that was admitted
under the one goes where that one says while the other is active already.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from gateway.core.policy.upstreams import Outliers, Upstream
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.revision.compiled import Revision
from gateway.envoy.engine.carrying import is_ip, named, reachable, tried_again
from gateway.envoy.engine.resources import TYPE, Json
from gateway.envoy.engine.tls import AUTHORITY, OWN, secret
from gateway.envoy.engine.trying import again_cluster, again_name

GATEWAY: Final = "pilote"
"""The cluster of the gateway itself; no upstream's is called so, since theirs have an "@"."""
_MOST: Final = 1_000_000
"""Calls and connections at a time: as many as come. What may run at a time is for the policy's limits to say."""
_FEWEST_RUNNING: Final[Json] = {
    "name": "envoy.load_balancing_policies.least_request",
    "typed_config": {
        "@type": TYPE + "envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
        "selection_method": "FULL_SCAN",
    },
}
MOST_QUESTIONS: Final = 4_096
"""How many questions are asked at a time; others wait in Envoy, where callers have no turns."""
_HTTP1: Final[Json] = {
    "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "common_http_protocol_options": {"idle_timeout": "60s"},
    "explicit_http_config": {"http_protocol_options": {}},
}
_HTTP2: Final[Json] = {
    "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "explicit_http_config": {
        "http2_protocol_options": {"connection_keepalive": {"interval": "60s", "timeout": "20s"}},
    },
}


def cluster_name(upstream: Upstream) -> str:
    """The name of an upstream's cluster: its own, and 16 hexadecimal digits for all that Envoy has to know of it."""
    found = _names.get(upstream)
    if found is None:
        if len(_names) >= 10_000:
            _names.clear()
        said = msgspec.json.encode((upstream.all_addresses, upstream.tls, upstream.outliers))
        found = _names[upstream] = f"{upstream.name}@{hashlib.sha256(said).hexdigest()[:16]}"
    return found


_names: dict[Upstream, str] = {}


def is_upstreams(cluster: str) -> bool:
    """Whether a cluster of that name is an upstream's."""
    return "@" in cluster


def names_of(revision: Revision, *, certified: bool) -> frozenset[str]:
    """Names of the clusters of all upstreams that Envoy can reach; `certified`: it has a certificate to show."""
    found = [cluster_name(each) for each in _reachable(revision, certified=certified)]
    return frozenset([*found, *map(again_name, found)] if tried_again(revision) else found)


def clusters_of(revision: Revision, *, roots: Path, secrets: Path | None) -> dict[str, Json]:
    """The clusters of all upstreams that Envoy can reach, by their names.

    `roots` is a file with the authorities whom the system believes, `secrets` the folder with the files that say
    where this process's own certificate is; `None` where it has none.
    """
    found = _reachable(revision, certified=secrets is not None)
    made = [_cluster(each, roots=roots, secrets=secrets) for each in found]
    made += [again_cluster(each) for each in made] if tried_again(revision) else []
    return {each["name"]: each for each in made}


def asking(revision: Revision) -> frozenset[str]:
    """Names of the upstreams that Envoy reaches only by a certificate of this process."""
    return frozenset(each.name for each in revision.upstreams.values() if reachable(each) and each.tls == "mutual")


def _reachable(revision: Revision, *, certified: bool) -> list[Upstream]:
    return [each for each in revision.upstreams.values() if reachable(each) and (each.tls != "mutual" or certified)]


def gateway_cluster(socket: str, *, name: str = GATEWAY) -> Json:
    """The gateway behind Envoy, at a Unix socket."""
    return _grpc(name, "STATIC", [{"pipe": {"path": socket}}])


def questions_cluster(socket: str, *, name: str) -> Json:
    """Whoever decides about calls, at a Unix socket, over HTTP/1.1: a question each on connections that stay."""
    cluster = gateway_cluster(socket, name=name)
    bounds: Json = cluster["circuit_breakers"]["thresholds"][0]
    bounds["max_connections"] = MOST_QUESTIONS
    options = cluster["typed_extension_protocol_options"]
    options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"] = _HTTP1
    return cluster


def _cluster(upstream: Upstream, *, roots: Path, secrets: Path | None) -> Json:
    addresses = [_address(each) for each in upstream.all_addresses]
    cluster = _grpc(cluster_name(upstream), "STRICT_DNS" if named(upstream) else "STATIC", addresses)
    if named(upstream):  # "localhost" has an address that nobody listens at
        cluster["dns_lookup_family"] = "V4_PREFERRED"
    if len(addresses) > 1:
        cluster["load_balancing_policy"] = {"policies": [{"typed_extension_config": _FEWEST_RUNNING}]}
        cluster["outlier_detection"] = _outliers(upstream.outliers)
    if upstream.tls:
        host = next((each["socket_address"]["address"] for each in addresses if "socket_address" in each), "")
        cluster["transport_socket"] = _tls(host, roots, secrets if upstream.tls == "mutual" else None)
    return cluster


def _grpc(name: str, kind: str, addresses: Sequence[Json]) -> Json:
    return {
        "@type": TYPE + "envoy.config.cluster.v3.Cluster",
        "name": name,
        "type": kind,
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _HTTP2},
        "circuit_breakers": {
            "thresholds": [
                {f"max_{what}": _MOST for what in ("connections", "pending_requests", "requests", "retries")}
            ]
        },
        "load_assignment": {
            "cluster_name": name,
            # Else calls would go on to the next in line already where most addresses, and not all, are left out.
            "policy": {"overprovisioning_factor": 100_000},
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}} for address in addresses]}],
        },
    }


def _address(text: str) -> Json:
    if text.startswith("unix:"):
        return {"pipe": {"path": text.removeprefix("unix:")}}
    host, _, port = text.rpartition(":")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}


def _outliers(outliers: Outliers | None) -> Json:
    """Envoy counts gRPC's UNAVAILABLE and the like, and connections that fail, as the gateway does."""
    rule = outliers or Outliers()
    eject_ms = duration_ms(rule.eject)
    return {
        "consecutive_5xx": rule.failures,
        "consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "base_ejection_time": f"{eject_ms / 1000}s",
        "max_ejection_time": f"{eject_ms / 100}s",
        "max_ejection_percent": rule.max_ejected,
        "always_eject_one_host": True,
    }


def _tls(host: str, roots: Path, secrets: Path | None) -> Json:
    kind = "IP_ADDRESS" if is_ip(host) else "DNS"
    validating: Json = {"match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}]}
    common: Json = {"alpn_protocols": ["h2"]}
    if secrets is None:
        common["validation_context"] = {**validating, "trusted_ca": {"filename": str(roots)}}
    else:
        common["tls_certificate_sds_secret_configs"] = [secret(OWN, secrets)]
        common["combined_validation_context"] = {
            "default_validation_context": validating,
            "validation_context_sds_secret_config": secret(AUTHORITY, secrets),
        }
    context = {"@type": TYPE + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}
    sni = {} if is_ip(host) else {"sni": host}
    return {"name": "envoy.transport_sockets.tls", "typed_config": {**context, **sni, "common_tls_context": common}}
