"""What Envoy tells of a failed try is read as gRPC would tell it, whatever an upstream has written there."""

import base64

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.upstreams import Upstream
from gateway.envoy.engine.tried import Entry, address_of, failure_of
from gateway.rpc.status import DETAILS_KEY, PUSHBACK_KEY, Fate, fate_of, pushback_ms
from tests.e2e.test_trying import sure


def entry(*, flag: str = "", http: int = 200, **headers: str) -> Entry:
    """One of the log of tries."""
    made = Entry()
    if flag:
        setattr(made.common_properties.response_flags, flag, True)
    made.response.response_code.value = http
    made.response.response_headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


DETAILS = base64.b64encode(sure(wait_ms=70)[0][1]).decode().rstrip("=")
TOLD = [
    (entry(flag="upstream_connection_failure", http=0), "UNAVAILABLE", Fate.UNTOUCHED),
    (entry(flag="upstream_request_timeout", http=0), "DEADLINE_EXCEEDED", Fate.UNKNOWN),
    (entry(flag="upstream_remote_reset", http=0), "UNAVAILABLE", Fate.UNKNOWN),
    (entry(flag="upstream_connection_termination", http=0), "UNAVAILABLE", Fate.UNKNOWN),
    (entry(grpc_status="14"), "UNAVAILABLE", Fate.UNKNOWN),
    (entry(grpc_status="14", grpc_status_details_bin=DETAILS), "UNAVAILABLE", Fate.UNTOUCHED),
    (entry(grpc_status="14", grpc_status_details_bin="no base64!"), "UNAVAILABLE", Fate.UNKNOWN),
    (entry(grpc_status="13", grpc_status_details_bin=DETAILS), "INTERNAL", Fate.UNKNOWN),
    (entry(grpc_status="1"), "CANCELLED", Fate.UNKNOWN),
    (entry(grpc_status="77"), "UNKNOWN", Fate.UNKNOWN),
    (entry(http=503), "UNAVAILABLE", Fate.UNKNOWN),
    (entry(http=400), "INTERNAL", Fate.UNKNOWN),
    (entry(http=500), "UNKNOWN", Fate.UNKNOWN),
]


@pytest.mark.parametrize(("told", "code", "fate"), TOLD)
def test_a_failure_is_what_grpc_makes_of_it(told: Entry, code: str, fate: Fate) -> None:
    failure = failure_of(told)
    assert (failure.code().name, fate_of(failure)) == (code, fate)


def test_what_an_upstream_asks_for_is_heard() -> None:
    assert pushback_ms(failure_of(entry(grpc_status="14", grpc_status_details_bin=DETAILS))) == 70
    assert pushback_ms(failure_of(entry(grpc_status="14", grpc_retry_pushback_ms="120"))) == 120
    assert pushback_ms(failure_of(entry(grpc_status="14", grpc_retry_pushback_ms="never"))) == -1
    assert pushback_ms(failure_of(entry(grpc_status="14"))) is None


@given(st.dictionaries(st.sampled_from(["grpc-status", PUSHBACK_KEY, DETAILS_KEY]), st.text()), st.integers(0, 599))
def test_nothing_that_an_upstream_writes_stops_us_or_makes_a_try_sure(headers: dict[str, str], http: int) -> None:
    told = Entry()
    told.response.response_headers.update(headers)
    told.response.response_code.value = http
    failure = failure_of(told)
    assert isinstance(failure.code(), grpc.StatusCode)
    if DETAILS_KEY not in headers and failure.code() is grpc.StatusCode.UNAVAILABLE:
        assert fate_of(failure) is Fate.UNKNOWN


def test_the_address_that_has_failed_is_known_by_its_place_in_the_list() -> None:
    upstream = Upstream(name="crm", addresses=("10.0.0.1:50061", "crm-2:50061", "unix:/run/crm"))
    told = Entry()
    told.common_properties.upstream_remote_address.socket_address.address = "10.0.0.1"
    told.common_properties.upstream_remote_address.socket_address.port_value = 50061
    assert address_of(told, upstream) == 0
    told.common_properties.upstream_remote_address.pipe.path = "/run/crm"
    assert address_of(told, upstream) == 2
    assert address_of(Entry(), upstream) == -1
