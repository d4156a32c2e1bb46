"""What a gateway says of its calls where Prometheus reads it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.redis_clients import connected
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import World, credential, told
from tests.fakes.collector import Collector, attributes
from tests.fakes.upstream import FakeUpstream
from tests.scraping import Page, scraped
from tests.services.ports import free
from tests.stores import Store

SALES = credential("sales-bot")
GET = "pilote.crm.v1.ContactService/GetContact"
SEND = "pilote.crm.v1.MessageService/SendMessage"
NO_CONTACTS = [allow_all(), {"name": "no", "effect": "deny", "operations": ["CONTACT"]}]


class Shown:
    """A gateway's metrics at a port of their own."""

    def __init__(self, home: Path) -> None:
        (self.port,) = free(1)
        self.settings: dict[str, Any] = {"metrics_listen": f"127.0.0.1:{self.port}", "home": home}

    async def once(self, name: str, value: float, **labels: str) -> Page:
        """The page, as soon as it says so: calls are counted ten times a second."""

        async def look() -> Page | None:
            page = await scraped(self.port)
            return page if sum(each.value for each in page.of(name, **labels)) == value else None

        return await eventually(look, what=f"{name} {labels} is {value}")


async def test_calls_are_counted_with_their_time_and_one_of_them_as_an_example(
    empty_world: World, upstream: FakeUpstream, collector: Collector, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    async with empty_world.started(otlp_endpoint=collector.endpoint, **shown.settings):
        await empty_world.publish(policy(upstream.address, rules=NO_CONTACTS))
        agent = empty_world.agent()
        for _ in range(3):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        await told(agent.messages.SendMessage(send(), metadata=SALES))
        unknown: Any = empty_world.channel().unary_unary("/no.such/Method")
        await told(unknown(b"", metadata=SALES))
        page = await shown.once("rpc_server_call_duration_seconds_count", 5)
    name = "rpc_server_call_duration_seconds_count"
    assert page.value(name, rpc_method=GET, rpc_response_status_code="OK", rpc_system_name="grpc") == 3
    assert page.value(name, rpc_method=SEND, rpc_response_status_code="PERMISSION_DENIED") == 1
    assert page.value(name, rpc_method="_OTHER", error_type="PERMISSION_DENIED") == 1
    assert page.value("pilote_decisions_total", pilote_verdict="DENY", pilote_reason="POLICY_DENIED") == 1
    assert page.value("pilote_decisions_total", pilote_verdict="ALLOW", pilote_route="crm") == 3
    assert page.value("pilote_overhead_milliseconds_count", pilote_route="crm") == 4
    assert page.value("pilote_store_duration_seconds_count", pilote_store_end="answered") == 3
    assert page.value("pilote_revision_active", process="gateway", worker="1") == 1
    assert page.value("pilote_spool_waiting") == page.value("pilote_spool_size_bytes") == 0
    (example,) = [
        each.exemplar for each in page.of("rpc_server_call_duration_seconds_bucket", rpc_method=SEND) if each.exemplar
    ]
    (span,) = [span for span in collector.spans if attributes(span)["rpc.method"] == SEND]
    assert example.labels == {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
    assert example.value * 1e9 == pytest.approx(span.end_time_unix_nano - span.start_time_unix_nano, abs=1_000)


async def test_the_collector_gets_the_same_with_the_same_example(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address))
        await told(empty_world.agent().contacts.GetContact(get(), metadata=SALES))
    assert collector.metrics.named("rpc.server.call.duration") == [
        ({"rpc.system.name": "grpc", "rpc.method": GET, "rpc.response.status_code": "OK"}, 1)
    ]
    (metric,) = collector.metrics.metrics("rpc.server.call.duration")
    (example,) = metric.histogram.data_points[0].exemplars
    assert (metric.unit, example.trace_id) == ("s", collector.spans[0].trace_id)


async def test_a_call_whose_span_nobody_exports_is_nobodys_example(
    empty_world: World, upstream: FakeUpstream, collector: Collector, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    async with empty_world.started(otlp_endpoint=collector.endpoint, trace_ratio=0.0, **shown.settings):
        await empty_world.publish(policy(upstream.address, rules=NO_CONTACTS))
        agent = empty_world.agent()
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        await told(agent.messages.SendMessage(send(), metadata=SALES))
        page = await shown.once("rpc_server_call_duration_seconds_count", 2)
    buckets = page.of("rpc_server_call_duration_seconds_bucket")
    assert {each.labels["rpc_method"] for each in buckets if each.exemplar} == {SEND}


async def test_without_a_collector_calls_are_counted_all_the_same_and_have_no_examples(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    async with empty_world.started(**shown.settings):
        await empty_world.publish(policy(upstream.address))
        await told(empty_world.agent().contacts.GetContact(get(), metadata=SALES))
        page = await shown.once("rpc_server_call_duration_seconds_count", 1)
    assert [each for each in page.samples if each.exemplar] == []


async def test_workers_of_one_gateway_are_counted_each_for_itself_and_read_at_one_address(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    shown = Shown(tmp_path / "one")
    for home in ("one", "two"):  # here both are one process, which has one file of what waits in a home
        (tmp_path / home).mkdir()
    (tmp_path / "two" / "metrics").symlink_to(tmp_path / "one" / "metrics")
    (tmp_path / "one" / "metrics").mkdir()
    other = shown.settings | {"home": tmp_path / "two"}
    async with empty_world.started(**shown.settings) as one, empty_world.started(**other) as two:
        await empty_world.publish(policy(upstream.address))
        await asyncio.gather(
            told(empty_world.agent(one).contacts.GetContact(get(), metadata=SALES)),
            *(told(empty_world.agent(two).contacts.GetContact(get(), metadata=SALES)) for _ in range(2)),
        )
        page = await shown.once("pilote_decisions_total", 3)
    assert {each.labels["worker"]: each.value for each in page.of("pilote_decisions_total")} == {"1": 1, "2": 2}
    assert {each.labels["worker"]: each.value for each in page.of("pilote_revision_active")} == {"1": 1, "2": 1}


async def test_calls_under_way_are_counted_until_they_end_however_they_do(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    async with empty_world.started(**shown.settings):
        await empty_world.publish(policy(upstream.address))
        upstream.behave = upstream.hang
        contacts = empty_world.agent().contacts
        given_up, *calls = [contacts.GetContact(get(f"contacts/c{number}"), metadata=SALES) for number in range(3)]
        await shown.once("pilote_calls_in_flight", 3)
        given_up.cancel()
        await shown.once("pilote_calls_in_flight", 2)
        upstream.let_go.set()
        await asyncio.gather(*calls)
        page = await shown.once("rpc_server_call_duration_seconds_count", 3)
    assert page.value("pilote_calls_in_flight", process="gateway", worker="1") == 0


async def test_a_limit_that_is_nearly_used_up_shows_and_no_customers_cap_does(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    limits = [{"name": "reads", "by": ["agent"], "max": 10, "window": "1h", "operations": ["READ"]}]
    caps = [{"name": "pressure", "max": 1, "window": "7d"}]
    async with empty_world.started(**shown.settings):
        await empty_world.publish(policy(upstream.address, limits=limits, caps=caps))
        agent = empty_world.agent()
        for _ in range(8):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        await told(agent.messages.SendMessage(send(), metadata=SALES))
        before = await shown.once("pilote_decisions_total", 9)
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        await told(agent.contacts.GetContact(get(), metadata=credential("marketing-bot")))
        after = await shown.once("pilote_buckets_near_limit", 1)
    assert before.of("pilote_buckets_near_limit") == []
    assert [each.labels["pilote_limit"] for each in after.of("pilote_buckets_near_limit")] == ["reads"]


async def test_a_store_that_is_silent_shows_as_such_and_what_waits_on_disk_too(
    empty_world: World, upstream: FakeUpstream, own_redis: Store, tmp_path: Path
) -> None:
    shown = Shown(tmp_path)
    empty_world.redis_url = own_redis.url
    limits = [{"name": "reads", "by": ["agent"], "max": 10, "window": "1h", "on_store_error": "local"}]
    async with empty_world.started(store_timeout_ms=100, **shown.settings) as gateway:
        await _publish(own_redis, empty_world, policy(upstream.address, limits=limits))
        own_redis.kill()
        ended = await told(empty_world.agent(gateway).contacts.GetContact(get(), metadata=SALES))
        page = await shown.once("rpc_server_call_duration_seconds_count", 1)
        own_redis.start()
        await shown.once("pilote_spool_waiting", 0)
    assert ended.reason == ""
    assert page.value("pilote_store_duration_seconds_count", pilote_store_end="answered") == 0
    assert page.value("pilote_store_duration_seconds_count", pilote_store_end="silent") == 1
    assert page.value("pilote_spool_waiting") > 0
    assert page.value("pilote_spool_size_bytes") > 0


async def _publish(store: Store, world: World, data: Any) -> None:
    world.redis = await connected(store.url)
    world.stack.push_async_callback(world.redis.aclose)
    await world.publish(data)
