"""One span a call; the trace goes on through the gateway."""

import grpc
import pytest

from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.world import World, credential, told
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = credential("sales-bot")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def _traced(sampled: str = "01", *more: tuple[str, str]) -> tuple[tuple[str, str | bytes], ...]:
    return credential("sales-bot", ("traceparent", f"00-{TRACE}-{PARENT}-{sampled}"), *more)


async def test_a_call_is_one_span_between_the_callers_and_the_upstreams(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        agent = empty_world.agent()
        traced = _traced("01", ("tracestate", "vendor=1"))
        ended = await told(agent.messages.SendMessage(send(), metadata=traced))
        streamed = await told(agent.messages.SendMessages(one_by_one([send_one()] * 3), metadata=SALES))
    assert ended.reason == streamed.reason == ""
    first, second = sorted(collector.spans, key=lambda span: span.start_time_unix_nano)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert first.name == "pilote.crm.v1.MessageService/SendMessage"
    said = attributes(first)
    assert said["pilote.decision"] == ended.decision
    assert (said["rpc.method"], said["rpc.response.status_code"]) == (first.name, "OK")
    assert (said["pilote.agent"], said["pilote.verdict"], said["pilote.revision"]) == ("sales-bot", "ALLOW", 1)
    assert {name for name in said if name.endswith("_us")} >= {
        "pilote.identify_us",
        "pilote.decide_us",
        "pilote.upstream_us",
    }
    assert first.end_time_unix_nano > first.start_time_unix_nano
    assert upstream.asked[0].values("traceparent") == [f"00-{TRACE}-{first.span_id.hex()}-01"]
    assert upstream.asked[0].values("tracestate") == ["vendor=1"]
    assert second.parent_span_id == b""
    assert attributes(second)["pilote.decision"] == streamed.decision


async def test_at_ratio_nothing_only_what_went_wrong_is_exported(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint, trace_ratio=0.0):
        rules = [allow_all(), {"name": "no", "effect": "deny", "operations": ["CONTACT"]}]
        await empty_world.publish(policy(upstream.address, rules=rules))
        agent = empty_world.agent()
        allowed = [await told(agent.contacts.GetContact(get(), metadata=each)) for each in (SALES, _traced("00"))]
        refused = [await told(agent.messages.SendMessage(send(), metadata=each)) for each in (SALES, _traced("00"), ())]
        asked_for = await told(agent.contacts.GetContact(get(), metadata=_traced("01")))
    assert {each.reason for each in allowed} == {""}
    exported = {attributes(span)["pilote.decision"]: span for span in collector.spans}
    assert set(exported) == {each.decision for each in (*refused, asked_for)}
    names = {exported[each.decision].name for each in refused}
    assert names == {"pilote.crm.v1.MessageService/SendMessage"}  # whoever asked
    reasons = [attributes(exported[each.decision])["pilote.reason"] for each in refused]
    assert reasons == ["POLICY_DENIED", "POLICY_DENIED", "AGENT_UNAUTHENTICATED"]
    assert all(exported[each.decision].status.code == 2 for each in refused)


async def test_held_and_failed_calls_are_exported_whatever_the_ratio(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint, trace_ratio=0.0):
        rules = [allow_all(), {"name": "people-look", "effect": "hold", "operations": ["CONTACT"]}]
        await empty_world.publish(policy(upstream.address, rules=rules))
        agent = empty_world.agent()
        held = await told(agent.messages.SendMessage(send(), metadata=_traced("00")))
        upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
        failed = await told(agent.contacts.GetContact(get(), metadata=SALES))
        upstream.behave = answering(b"")
        await told(agent.contacts.GetContact(get(), metadata=SALES))
    exported = {attributes(span)["pilote.decision"]: attributes(span) for span in collector.spans}
    assert exported.keys() == {held.decision, failed.decision}
    assert (exported[held.decision]["pilote.verdict"], held.reason) == ("HOLD", "APPROVAL_REQUIRED")
    assert exported[failed.decision]["error.type"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "garbage",
    ["", "garbage", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01", "00-" * 99],
)
async def test_a_garbage_traceparent_begins_a_new_trace(
    empty_world: World, upstream: FakeUpstream, collector: Collector, garbage: str
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        metadata = credential("sales-bot", ("traceparent", garbage), ("tracestate", "of=another"))
        await told(empty_world.agent().contacts.GetContact(get(), metadata=metadata))
    (span,) = collector.spans
    assert span.parent_span_id == b""
    assert span.trace_id.hex() not in (TRACE, "0" * 32)
    (passed,) = upstream.asked[0].values("traceparent")
    assert str(passed).split("-")[1:3] == [span.trace_id.hex(), span.span_id.hex()]
    assert upstream.asked[0].values("tracestate") == []


async def test_a_collector_that_is_away_costs_no_call(empty_world: World, upstream: FakeUpstream) -> None:
    async with empty_world.started(otlp_endpoint="http://127.0.0.1:1"):
        await empty_world.publish(policy(upstream.address))
        agent = empty_world.agent()
        ended = [await told(agent.contacts.GetContact(get(), metadata=SALES, timeout=20)) for _ in range(20)]
    assert {each.reason for each in ended} == {""}
