"""A request to the REST front is one span, between the caller's and the gateway's."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import httpx

from gateway.watching.exposing import Metering
from tests.e2e.agents.conftest import fronting
from tests.e2e.policy import cap, key_of, policy
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream, echo, failing

SALES: Final = {"x-api-key": key_of("sales-bot")}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ADA: Final = "/v1/contacts/ada-lovelace"
READ: Final = "GET /v1/{name=contacts/*}"
SERVICE: Final = "pilote.crm.v1.ContactService"


@contextlib.asynccontextmanager
async def traced(
    world: World, upstream: FakeUpstream, collector: Collector, *, ratio: float = 1.0, **sections: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A front before a gateway, both of which tell the collector."""
    async with world.started(otlp_endpoint=collector.endpoint, trace_ratio=ratio):
        await world.publish(policy(upstream.address, **sections))
        to = Metering(otlp_endpoint=collector.endpoint)
        async with fronting(world, to=to, trace_ratio=ratio) as front:
            yield front


def fronts(collector: Collector) -> list[Any]:
    """The spans of the front, in the order in which they began."""
    found = [span for span in collector.spans if "http.request.method" in attributes(span)]
    return sorted(found, key=lambda span: span.start_time_unix_nano)


async def test_a_request_is_a_span_above_the_gateways(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with traced(empty_world, upstream, collector) as front:
        headers = SALES | {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}
        got = await front.get(ADA, headers=headers)
    (span,) = fronts(collector)
    (behind,) = [each for each in collector.spans if each.parent_span_id == span.span_id]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert (behind.trace_id, behind.name) == (span.trace_id, f"{SERVICE}/GetContact")
    assert (span.name, span.kind, span.status.code) == (READ, span.SPAN_KIND_SERVER, 0)
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/v1/{name=contacts/*}",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "rpc.method": f"{SERVICE}/GetContact",
        "pilote.decision": got.headers["pilote-decision-id"],
    }
    assert upstream.asked[0].values("tracestate") == ["vendor=1"]


async def test_at_ratio_nothing_only_what_went_wrong_is_exported(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with traced(empty_world, upstream, collector, ratio=0.0) as front:
        await front.get(ADA, headers=SALES)
        await front.get(ADA)
        await front.get("/v1/contacts?company=%ff", headers=SALES)
        await front.request("PROPFIND", "/v1/nothing", headers=SALES)
        upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
        failed = await front.get(ADA, headers=SALES)
        upstream.behave = failing(grpc.StatusCode.NOT_FOUND, "no such contact")
        missing = await front.get(ADA, headers=SALES)
    names = ["pilote.reason", "http.response.status_code", "error.type"]
    told = [(span.name, *(attributes(span).get(name, "") for name in names)) for span in fronts(collector)]
    assert told == [
        (READ, "AGENT_UNAUTHENTICATED", 401, ""),
        ("GET", "ARGUMENT_INVALID", 400, ""),
        ("HTTP", "NOT_FOUND", 404, ""),
        (READ, "UPSTREAM_UNAVAILABLE", 503, "503"),
        (READ, "NOT_FOUND", 404, ""),
    ]
    assert [span.status.code for span in fronts(collector)] == [0, 0, 0, 2, 0]
    decisions = [attributes(span).get("pilote.decision") for span in fronts(collector)[-2:]]
    assert decisions == [got.headers["pilote-decision-id"] for got in (failed, missing)]
    assert b"ada-lovelace" not in b"".join(collector.raw)


async def test_a_stream_that_is_refused_in_the_middle_says_so_in_its_span(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    message = {"customer": "contacts/ada", "channel": "email", "category": "marketing", "body": "Hello"}
    lines = "\n".join([json.dumps({"message": message})] * 2)
    headers = SALES | {"content-type": "application/x-ndjson"}
    async with traced(empty_world, upstream, collector, ratio=0.0, caps=[cap(1)]) as front:
        got = await front.post("/v1/messages:sendStream", content=lines, headers=headers)
    (span,) = fronts(collector)
    said = attributes(span)
    assert (got.status_code, said["http.response.status_code"], said["pilote.reason"]) == (200, 200, "CAP_EXCEEDED")
    assert said["pilote.decision"] in got.text
    assert "error.type" not in said


async def test_a_caller_who_goes_away_leaves_a_span_without_an_answer(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    upstream.behave = upstream.hang
    async with traced(empty_world, upstream, collector, ratio=0.0) as front:
        sending = asyncio.create_task(front.get(ADA, headers=SALES, timeout=60))
        await asyncio.wait_for(upstream.arrived.wait(), 30)
        sending.cancel()
        await asyncio.wait((sending,))
        await until(lambda: upstream.ended == ["CancelledError"], what="the end of the call")
        upstream.behave = echo
        await front.get("/v1/nothing", headers=SALES)
    gone, _ = fronts(collector)
    said = attributes(gone)
    assert (gone.name, said["error.type"], gone.status.code) == (READ, "cancelled", 2)
    assert "http.response.status_code" not in said


async def test_a_garbage_traceparent_begins_a_new_trace_without_the_state_of_another(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with traced(empty_world, upstream, collector) as front:
        await front.get(ADA, headers=SALES | {"traceparent": f"ff-{TRACE}-{CALLER}-01", "tracestate": "of=another"})
    (span,) = fronts(collector)
    assert span.parent_span_id == b""
    assert span.trace_id.hex() != TRACE
    assert upstream.asked[0].values("tracestate") == []
