"""What an entry of Envoy's access log says of whether the vendor has acted."""

from typing import Any

import pytest

from gateway.core.record import Acted
from gateway.envoy.fates import FROM_UPSTREAM, fate_of
from pilote.envoy.access_log_data_pb2 import HTTPAccessLogEntry


def entry(
    code: int, *flags: str, details: str = FROM_UPSTREAM, attempts: int = 1, sent: bool = True
) -> HTTPAccessLogEntry:
    found = HTTPAccessLogEntry()
    found.response.response_code.value = code
    found.response.response_code_details = details
    common: Any = found.common_properties
    common.upstream_request_attempt_count = attempts
    if sent:
        common.time_to_first_upstream_tx_byte.nanos = 1_000
    for flag in flags:
        setattr(common.response_flags, flag, True)
    return found


@pytest.mark.parametrize(
    ("told", "acted", "status"),
    [
        (entry(200), Acted.YES, "OK"),
        (entry(303), Acted.YES, "OK"),
        (entry(404), Acted.NO, "NOT_FOUND"),
        (entry(418), Acted.NO, "INVALID_ARGUMENT"),
        (entry(429), Acted.NO, "RESOURCE_EXHAUSTED"),
        (entry(503), Acted.NO, "UNAVAILABLE"),
        (entry(408), Acted.MAYBE, "INVALID_ARGUMENT"),
        (entry(500), Acted.MAYBE, "INTERNAL"),
        (entry(502), Acted.MAYBE, "INTERNAL"),
        (entry(504), Acted.MAYBE, "DEADLINE_EXCEEDED"),
        (entry(200, "downstream_connection_termination"), Acted.MAYBE, "UNKNOWN"),
        (entry(200, "downstream_remote_reset"), Acted.MAYBE, "UNKNOWN"),
        (entry(503, "upstream_connection_failure", details="upstream_reset", sent=False), Acted.NO, "UNAVAILABLE"),
        (entry(503, "no_healthy_upstream", details="no_healthy_upstream", sent=False), Acted.NO, "UNAVAILABLE"),
        (entry(404, "no_route_found", details="route_not_found", sent=False), Acted.NO, "NOT_FOUND"),
        (entry(503, "upstream_connection_termination", details="upstream_reset"), Acted.MAYBE, "UNAVAILABLE"),
        (entry(503, "upstream_remote_reset", details="upstream_reset"), Acted.MAYBE, "UNAVAILABLE"),
        (entry(504, "upstream_request_timeout", details="response_timeout"), Acted.MAYBE, "DEADLINE_EXCEEDED"),
        (entry(503, "upstream_connection_failure", details="x", attempts=2), Acted.MAYBE, "UNAVAILABLE"),
        (entry(503, attempts=2), Acted.MAYBE, "UNAVAILABLE"),
        (entry(200, attempts=2), Acted.YES, "OK"),
        (entry(0, details="", sent=False), Acted.MAYBE, "UNKNOWN"),
        (entry(500, details="pilote_reply_withheld_200"), Acted.YES, "INTERNAL"),
        (entry(500, details="pilote_reply_withheld_303", attempts=2), Acted.YES, "INTERNAL"),
        (entry(404, details="pilote_reply_withheld_404"), Acted.NO, "NOT_FOUND"),
        (entry(500, details="pilote_reply_withheld_500"), Acted.MAYBE, "INTERNAL"),
        (entry(500, details="pilote_reply_withheld_500", sent=False), Acted.NO, "INTERNAL"),
        (entry(503, "no_healthy_upstream", details="pilote_reply_withheld_503", sent=False), Acted.NO, "UNAVAILABLE"),
        (entry(504, "upstream_request_timeout", details="pilote_reply_withheld_504"), Acted.MAYBE, "DEADLINE_EXCEEDED"),
        (entry(500, details="filter_made_a_mistake"), Acted.MAYBE, "INTERNAL"),
        (entry(500, details="filter_made_a_mistake", sent=False), Acted.NO, "INTERNAL"),
    ],
)
def test_only_what_certainly_never_reached_the_vendor_gives_back(told: Any, acted: Acted, status: str) -> None:
    assert fate_of(told)[:2] == (acted, status)


@pytest.mark.parametrize(
    ("told", "unredacted"),
    [
        (entry(500, details="pilote_request_withheld", sent=False), True),
        (entry(503, details="ext_proc_error_gRPC_error_14{unavailable}", sent=False), True),
        (entry(503, "no_cluster_found", details="cluster_not_found", sent=False), True),
        (entry(503, "upstream_connection_failure", details="upstream_reset", sent=False), False),
        (entry(503, details="ext_proc_error_gRPC_error_14{unavailable}"), False),
        (entry(200), False),
    ],
)
def test_it_is_told_apart_whether_a_request_may_have_stayed_for_what_is_in_it(told: Any, *, unredacted: bool) -> None:
    assert fate_of(told).unredacted is unredacted
