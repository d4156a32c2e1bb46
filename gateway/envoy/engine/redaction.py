"""How Envoy has the messages of calls redacted that it carries: by its filter `ext_proc`, on routes of their own. Pure.

Only the answer about a call leads there, by a header that says which sides are redacted. A request comes whole, a reply
piece by piece, so that no buffer of Envoy's bounds it; nothing of either passes before it has been answered.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from gateway.core.errors import Reason
from gateway.core.revision.redacting import SIDES
from gateway.envoy.engine.filters import ASKED, CARRIED, EXT_AUTHZ, FATE_HEADER, FILTERS, known_by, setting
from gateway.envoy.engine.resources import Json
from gateway.envoy.engine.scripting import words
from gateway.envoy.heads import REDACTED_HEADER, UPSTREAM_HEADER

EXT_PROC: Final = "envoy.filters.http.ext_proc"
_NOTHING: Final[Json] = {
    "request_header_mode": "SKIP",
    "request_body_mode": "NONE",
    "request_trailer_mode": "SKIP",
    "response_header_mode": "SKIP",
    "response_body_mode": "NONE",
    "response_trailer_mode": "SKIP",
}
_OF_SIDE: Final[dict[str, Json]] = {
    "request": {"request_header_mode": "SEND", "request_body_mode": "BUFFERED"},  # else its head goes before it
    "reply": {
        "response_header_mode": "SEND",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "response_trailer_mode": "SEND",
    },
}


def ext_proc(key: str) -> Json:
    """The filter, which asks nothing but on those routes; `key` is by which Envoy is known."""
    return {
        "@type": FILTERS + "ext_proc.v3.ExternalProcessor",
        "grpc_service": {"envoy_grpc": {"cluster_name": ASKED}, "initial_metadata": known_by(key)},
        "failure_mode_allow": False,
        "processing_mode": _NOTHING,
        "message_timeout": "10s",
        "metadata_options": {"forwarding_namespaces": {"untyped": [EXT_AUTHZ]}},
    }


def redacting_routes(asked: Json) -> list[Json]:
    """Routes like the one for calls that Envoy carries, for those of which one side or both are redacted.

    They are the same under every revision, and stand first: a call that was decided about by one of which Envoy does
    not know yet, or that is over, must not go on as it is.
    """
    every = [each for count in range(1, len(SIDES) + 1) for each in combinations(SIDES, count)]
    return [asked | _redacting(each) for each in every]


def _redacting(sides: Iterable[str]) -> Json:
    mode = _NOTHING | {name: value for side in sides for name, value in _OF_SIDE[side].items()}
    of_route = {"@type": FILTERS + "ext_proc.v3.ExtProcPerRoute", "overrides": {"processing_mode": mode}}
    told = {"name": REDACTED_HEADER, "string_match": {"exact": "+".join(sides)}}
    return {"match": {"prefix": "/", "headers": [told]}, "typed_per_filter_config": {EXT_PROC: of_route}}


def unsent() -> Json:
    """Nobody who could redact has answered, and the request has not gone on: what is for Envoy alone is still there."""
    still = {"header_filter": {"header": {"name": UPSTREAM_HEADER, "present_match": True}}}
    return {"filter": {"and_filter": {"filters": [CARRIED, still]}}, "headers_to_add": [setting(FATE_HEADER, "unsent")]}


def unseen() -> Json:
    """The reply has come to nobody who could redact it, whatever it says; what we say ourselves in its place stands."""
    said = words(Reason.UPSTREAM_IN_DOUBT)
    told = [("grpc-status", said["status"]), ("grpc-message", said["message"])]
    told.append(("grpc-status-details-bin", said["english"]))
    return {"filter": CARRIED, "headers_to_add": [setting(name, value, only_absent=True) for name, value in told]}
