"""What an entry of Envoy's access log says of the system that a request was sent to. Pure.

Whoever certainly has not acted gives back what the request has taken; whoever may have acted keeps it, in doubt.
"""

from typing import Final, NamedTuple

from gateway.core.record import Acted
from gateway.rpc.http_status import name_of
from pilote.envoy import access_log_data_pb2

FROM_UPSTREAM: Final = "via_upstream"
"""How Envoy says that an answer is the upstream's own, and none that it made itself."""

WITHHELD: Final = "pilote_reply_withheld"
"""How what we have answered in place of the upstream's reply is known from anything else; its status follows."""

REQUEST_WITHHELD: Final = "pilote_request_withheld"
"""How what we have answered in place of sending the request on is known from anything else."""

_UNREDACTED: Final = (REQUEST_WITHHELD, "ext_proc", "mutated_body")
"""In what Envoy says of requests that its filter `ext_proc` has ended: by our answer, for want of one, or since its
configuration keeps it from doing what we answered."""

_NEVER_LEFT: Final = (
    *("no_healthy_upstream", "upstream_connection_failure", "upstream_overflow", "no_route_found"),
    *("rate_limited", "invalid_envoy_request_headers", "downstream_protocol_error", "no_filter_config_found"),
    *("no_cluster_found", "overload_manager", "dns_resolution_failure", "fault_injected"),
)
"""Flags of requests that certainly have not reached the upstream, where no other flag says otherwise."""
_BROKE_OFF: Final = (
    *("upstream_request_timeout", "local_reset", "upstream_remote_reset", "upstream_connection_termination"),
    *("downstream_connection_termination", "stream_idle_timeout", "upstream_max_stream_duration_reached"),
    *("duration_timeout", "upstream_protocol_error", "downstream_remote_reset"),
)
"""Flags of requests whose caller has not had the whole answer, or that were under way when something broke."""
_MAYBE: Final = frozenset({0, 408, 499, 500, 502, 504})
"""Answers that say nothing of whether the system has acted."""


class Fate(NamedTuple):
    """How a request ended."""

    acted: Acted
    status: str
    """Canonical name of a gRPC code."""
    withheld: bool = False
    """Whether it has acted, but its reply was withheld."""
    unredacted: bool = False
    """Whether the request may not have gone on because nobody has taken out of it what had to be."""


def fate_of(entry: access_log_data_pb2.HTTPAccessLogEntry) -> Fate:
    """What became of the request of that entry."""
    common, response = entry.common_properties, entry.response
    code, flags = response.response_code.value, common.response_flags
    status = name_of(code)
    if any(getattr(flags, flag) for flag in _BROKE_OFF):
        return Fate(Acted.MAYBE, "UNKNOWN" if status == "OK" else status)
    withheld = _withheld(response.response_code_details)
    if 0 < withheld < 400:
        return Fate(Acted.YES, status, withheld=True)
    code = withheld or code
    never_sent = not common.HasField("time_to_first_upstream_tx_byte")
    own = (withheld > 0 and not never_sent) or response.response_code_details == FROM_UPSTREAM
    if own and 200 <= code < 400:
        return Fate(Acted.YES, "OK")
    if common.upstream_request_attempt_count > 1:  # an earlier try may have done it
        return Fate(Acted.MAYBE, status)
    if own:
        return Fate(Acted.MAYBE if code in _MAYBE or code >= 520 else Acted.NO, status)
    never_left = any(getattr(flags, flag) for flag in _NEVER_LEFT)
    if never_left or (never_sent and code > 0):
        unredacted = flags.no_cluster_found or any(each in response.response_code_details for each in _UNREDACTED)
        return Fate(Acted.NO, "UNAVAILABLE" if status == "OK" else status, unredacted=unredacted)
    return Fate(Acted.MAYBE, "UNKNOWN" if status == "OK" else status)


def _withheld(details: str) -> int:
    """The status of the reply that was withheld; 0 where none was."""
    found = details.partition(f"{WITHHELD}_")[2].partition("{")[0]
    return int(found) if found.isdecimal() and len(found) == 3 else 0
