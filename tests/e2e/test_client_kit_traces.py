"""The program's own span is the parent of the gateway's, for each call and each of its tries."""

import asyncio
from typing import Any, Final

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import Span, Tracer

from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.e2e.kits import KINDS, Kit
from tests.e2e.policy import policy
from tests.e2e.requests import get, one_by_one, send_one
from tests.e2e.world import World
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream, answering, failing, first

BUSY: Final = failing(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-status-details-bin", b""),))


def tracer(sampler: Sampler = ALWAYS_ON) -> Tracer:
    return TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("an agent")


def place(span: Span) -> tuple[str, str]:
    """Trace and span, in hexadecimal."""
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def reading(client: Any) -> Any:
    return lambda: client.stub(ContactServiceStub).GetContact(get())


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_programs_span_is_the_parent_of_the_gateways(
    empty_world: World, upstream: FakeUpstream, collector: Collector, kind: str
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        kit = Kit(kind, empty_world)
        client, requests = kit.client(pause=_no_pause if kind == "sync" else _no_pause_async), [send_one()]

        def streaming() -> Any:
            asked = iter(requests) if kind == "sync" else one_by_one(requests)
            return client.stub(MessageServiceStub).SendMessages(asked)

        with tracer().start_as_current_span("a step") as step:
            await kit.ask(reading(client))
            await kit.read(streaming)
            upstream.behave = first(1, BUSY, then=answering(b""))
            await kit.ask(reading(client))
        await kit.ask(reading(client))
    behind = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    places = [(span.trace_id.hex(), span.parent_span_id.hex()) for span in behind]
    assert places[:4] == [place(step)] * 4
    assert len(places) == 5
    assert places[4][1] == ""
    assert places[4][0] != place(step)[0]


async def test_what_the_program_does_not_sample_is_not_sampled_by_the_gateway(
    empty_world: World, upstream: FakeUpstream, collector: Collector, kind: str
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        kit = Kit(kind, empty_world)
        with tracer(ALWAYS_OFF).start_as_current_span("a step") as step:
            await kit.ask(reading(kit.client()))
    assert collector.spans == []
    (passed,) = upstream.asked[0].values("traceparent")
    assert str(passed).startswith(f"00-{place(step)[0]}-")


async def test_a_call_in_the_background_has_the_span_of_who_began_it(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        upstream.behave = first(1, BUSY, then=answering(b""))
        client = Kit("sync", empty_world).client(pause=_no_pause)
        with tracer().start_as_current_span("a step") as step:
            call = client.stub(ContactServiceStub).GetContact.future(get())
        await asyncio.to_thread(call.result, 30)
    assert [(span.trace_id.hex(), span.parent_span_id.hex()) for span in collector.spans] == [place(step)] * 2


async def test_a_traceparent_of_the_callers_own_goes_before(world: World, upstream: FakeUpstream) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    client = Kit("aio", world).client()
    with tracer().start_as_current_span("a step"):
        metadata = (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)
        await client.stub(ContactServiceStub).GetContact(get(), metadata=metadata)
    (passed,) = upstream.asked[0].values("traceparent")
    assert trace in str(passed)


def _no_pause(_seconds: float) -> None:
    return


async def _no_pause_async(_seconds: float) -> None:
    return
