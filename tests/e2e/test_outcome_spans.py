"""An outcome is a span that leads back to the contact it is about, and so to the inference before that."""

from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.watching.exposing import Metering
from pilote.decision.v1.decision_service_pb2 import Outcome, ReportOutcomesRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Told, World, auditing, credential, told
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def _report(agent: Agent, decision: str, *, who: str = "marketing-bot", traceparent: str = "") -> Told:
    outcome = Outcome(decision=f"decisions/{decision}", type="clicked", event_id="e-1", occur_time=Timestamp(seconds=9))
    more = (("traceparent", traceparent),) if traceparent else ()
    request = ReportOutcomesRequest(outcomes=[outcome])
    return await told(DecisionServiceStub(agent.channel).ReportOutcomes(request, metadata=credential(who, *more)))


def _outcomes(collector: Collector) -> list[Span]:
    return [span for span in collector.spans if span.name.startswith("outcome ")]


async def _reported(
    world: World, collector: Collector, home: Path, *, ratio: float = 1.0, who: str = "marketing-bot", parent: str = ""
) -> tuple[str, list[Span]]:
    """A contact and its outcome, and the spans that came of the outcome."""
    async with world.started(otlp_endpoint=collector.endpoint, trace_ratio=ratio):
        agent = world.agent(world.gateways[-1])
        sent = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
        to = Metering(otlp_endpoint=collector.endpoint)
        async with auditing(world.redis_url, home, to=to, trace_ratio=ratio) as auditor:
            await auditor.decision(sent.decision)
            assert (await _report(agent, sent.decision, who=who, traceparent=parent)).reason == ""
            await eventually(lambda: _stored(world), what="the outcome is stored")
    return sent.decision, _outcomes(collector)


async def _stored(world: World) -> bool | None:
    found = await world.redis.xinfo_groups("pilote:{acme/0}:outcomes")
    return (found != [] and all(group["lag"] == 0 and group["pending"] == 0 for group in found)) or None


@pytest.fixture
async def before(empty_world: World, upstream: FakeUpstream) -> World:
    await empty_world.gateway()
    await empty_world.publish(policy(upstream.address))
    return empty_world


async def test_an_outcome_is_linked_to_its_contact_and_stands_below_its_reporter(
    before: World, collector: Collector, tmp_path: Path
) -> None:
    parent = f"00-{TRACE}-{PARENT}-01"
    decision, (span,) = await _reported(before, collector, tmp_path / "audit", parent=parent)
    (action,) = [each for each in collector.spans if attributes(each).get("pilote.verdict") == "ALLOW"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    (link,) = span.links
    assert (link.trace_id, link.span_id) == (action.trace_id, action.span_id)
    assert attributes(link) == {"pilote.link": "action"}
    assert attributes(span) == {
        "pilote.decision": decision,
        "pilote.tenant": "acme",
        "pilote.agent": "marketing-bot",
        "pilote.outcome": "clicked",
    }
    assert span.name == "outcome clicked"


async def test_without_a_reporters_trace_it_begins_one_and_the_ratio_decides(
    before: World, collector: Collector, tmp_path: Path
) -> None:
    _, (span,) = await _reported(before, collector, tmp_path / "one", ratio=1.0)
    assert (span.parent_span_id, len(span.links)) == (b"", 1)
    collector.spans.clear()
    _, none = await _reported(before, collector, tmp_path / "two", ratio=0.0)
    assert none == []


async def test_a_reporter_decides_for_its_own_trace(before: World, collector: Collector, tmp_path: Path) -> None:
    _, none = await _reported(before, collector, tmp_path / "one", parent=f"00-{TRACE}-{PARENT}-00")
    assert none == []
    _, some = await _reported(before, collector, tmp_path / "two", ratio=0.0, parent=f"00-{TRACE}-{PARENT}-01")
    assert len(some) == 1


async def test_what_another_tenant_reports_leads_to_no_contact(
    before: World, collector: Collector, tmp_path: Path
) -> None:
    async with before.started(otlp_endpoint=collector.endpoint):
        agent = before.agent(before.gateways[-1])
        sent = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
        async with auditing(before.redis_url, tmp_path, to=Metering(otlp_endpoint=collector.endpoint)) as auditor:
            await auditor.decision(sent.decision)
            await _report(agent, sent.decision, who="globex-bot")

            async def stored() -> bool | None:
                found = await before.redis.xinfo_groups("pilote:{globex/0}:outcomes")
                return (found != [] and all(group["lag"] == 0 and group["pending"] == 0 for group in found)) or None

            await eventually(stored, what="the outcome is stored")
    (span,) = _outcomes(collector)
    assert (list(span.links), attributes(span)["pilote.tenant"]) == ([], "globex")
