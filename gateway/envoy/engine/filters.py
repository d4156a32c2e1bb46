"""What several parts of Envoy's configuration say alike: its filters, whom they ask, and which calls are carried."""

from typing import Final

from gateway.envoy.doors import CARRIES_HEADER, KEY_HEADER
from gateway.envoy.engine.resources import TYPE, Json

CALL: Final = "pilote-call"
"""Key of Envoy's dynamic metadata: the decision by which Envoy carries a call."""
ASKED: Final = "pilote-asked"
"""The cluster of whoever decides about calls, where it is told how they end and asked about their messages."""
FILTERS: Final = TYPE + "envoy.extensions.filters.http."
"""Before the types of Envoy's filters."""
EXT_AUTHZ: Final = "envoy.filters.http.ext_authz"
FATE_HEADER: Final = "pilote-fate"
"""By which what Envoy answers by itself tells `ending.lua` why."""
CARRIED: Final[Json] = {
    "metadata_filter": {
        "matcher": {"filter": EXT_AUTHZ, "path": [{"key": CALL}], "value": {"present_match": True}},
        "match_if_key_not_found": False,
    }
}
"""Of all calls those that were let through, for Envoy to carry."""


def known_by(key: str) -> list[Json]:
    """What Envoy says of itself where it asks."""
    return [{"key": KEY_HEADER, "value": key}, {"key": CARRIES_HEADER, "value": "grpc"}]


def setting(name: str, value: str, *, only_absent: bool = False) -> Json:
    """Sets a header, whatever there may be; or only where there is none."""
    action = "ADD_IF_ABSENT" if only_absent else "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": name, "value": value}, "append_action": action}
