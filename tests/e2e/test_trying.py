"""Calls that are tried more than once, and upstreams that are left alone for a while."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from gateway.rpc.status import DETAILS_KEY
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, UpdateContactRequest
from tests.e2e.by_envoy import reached
from tests.e2e.policy import Data, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, Kept, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering, echo, failing, fake_upstream, first
from tests.services.ports import free

SALES = credential("sales-bot")
DOWN = grpc.StatusCode.UNAVAILABLE
READS = ["/pilote.crm.v1.ContactService/GetContact"]
PATIENT: Data = {"attempts": 3, "backoff": "1ms", "budget": 100}


def sure(*, wait_ms: int = 0) -> tuple[tuple[str, bytes], ...]:
    """Trailers by which it is certain that the upstream has not acted, and says when to come back."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(nanos=wait_ms * 1_000_000)))
    status = status_pb2.Status(code=14, message="no", details=[detail])
    return ((DETAILS_KEY, status.SerializeToString()),)


def routed(crm: str | Sequence[str], *, upstream: Data | None = None, **route: object) -> Data:
    """A policy whose one route, and whose upstream, say this besides."""
    arms = [{"name": "crm", "upstream": "crm"}]
    where: Data = {"address": crm} if isinstance(crm, str) else {"addresses": list(crm)}
    return policy(
        "127.0.0.1:1",
        upstreams=[{"name": "crm", "timeout": "10s"} | where | (upstream or {})],
        routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms} | route],
    )


@contextlib.asynccontextmanager
async def fakes(count: int) -> AsyncIterator[list[FakeUpstream]]:
    """Several upstreams until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(fake_upstream()) for _ in range(count)]


def tried(kept: Kept) -> list[tuple[str, str]]:
    """Why and how each try of a call ended."""
    assert kept.settlement is not None
    return [(each.why, each.status) for each in kept.settlement.attempts]


async def test_a_read_that_fails_is_tried_again_and_every_try_is_recorded(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = first(2, failing(DOWN), then=answering(b""))
    await world.publish(routed(upstream.address, retries=PATIENT))
    ended = await told(agent.contacts.GetContact(get(), metadata=(*SALES, ("idempotency-key", "same"))))
    assert ended.code is grpc.StatusCode.OK
    assert [asked.values("idempotency-key") for asked in upstream.asked] == [["same"]] * 3
    assert len({asked.values("pilote-decision-id")[0] for asked in upstream.asked}) == 1
    (kept,) = await world.settled(1)
    assert tried(kept) == [("", "UNAVAILABLE"), ("retry", "UNAVAILABLE"), ("retry", "OK")]
    assert kept.settlement is not None
    attempts = kept.settlement.attempts
    assert [each.at_us for each in attempts] == sorted(each.at_us for each in attempts)
    assert attempts[-1].at_us + attempts[-1].took_us <= kept.settlement.total_us


async def test_a_call_that_is_answered_at_once_has_no_attempts_to_tell_of(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    (kept,) = await world.settled(1)
    assert tried(kept) == []


async def test_a_write_that_may_have_been_carried_out_is_never_sent_again(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN)
    await world.publish(routed(upstream.address, retries=PATIENT))
    ended = await told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.UNKNOWN, "UPSTREAM_IN_DOUBT")
    assert len(upstream.asked) == 1
    (kept,) = await world.settled(1)
    assert kept.settlement is not None
    assert (kept.settlement.in_doubt, tried(kept)) == (True, [("", "UNAVAILABLE")])


async def test_a_write_that_certainly_was_not_carried_out_is_sent_again(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = first(1, failing(DOWN, trailers=sure()), then=answering(b""))
    await world.publish(routed(upstream.address, retries=PATIENT))
    ended = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert (ended.code, len(upstream.asked)) == (grpc.StatusCode.OK, 2)


async def test_a_write_that_could_not_be_sent_is_tried_until_the_upstream_is_there(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    (port,) = free(1)
    patient = {"attempts": 10, "backoff": "200ms", "budget": 100}
    await world.publish(routed(f"127.0.0.1:{port}", retries=patient))
    call = asyncio.ensure_future(told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES)))
    await until(lambda: bool(world.gateways), what="a gateway")
    async with fake_upstream(listen=f"127.0.0.1:{port}") as late:
        ended = await call
        assert (ended.code, len(late.asked)) == (grpc.StatusCode.OK, 1)


async def test_a_write_whose_repeats_do_no_harm_is_tried_again_even_in_doubt(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = first(1, failing(DOWN), then=answering(b""))
    await world.publish(routed(upstream.address, retries=PATIENT))
    ended = await told(agent.contacts.UpdateContact(UpdateContactRequest(), metadata=SALES))
    assert (ended.code, len(upstream.asked)) == (grpc.StatusCode.OK, 2)


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_what_an_upstream_refuses_in_its_own_words_is_an_answer_and_no_failure(
    world: World, agent: Agent, upstream: FakeUpstream, code: grpc.StatusCode
) -> None:
    upstream.behave = failing(code, "not here")
    breaker = {"min_calls": 1, "percent": 1}
    await world.publish(routed(upstream.address, retries=PATIENT, upstream={"breaker": breaker}))
    for _ in range(3):
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert (ended.code, ended.text) == (code, "not here")
    assert len(upstream.asked) == 3


async def test_further_tries_have_a_budget(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = failing(DOWN)
    scarce = {"attempts": 3, "backoff": "1ms", "budget": 20, "min_per_second": 0}
    await world.publish(routed(upstream.address, retries=scarce))
    for _ in range(20):
        assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "UPSTREAM_UNAVAILABLE"
    assert len(upstream.asked) == 24


async def test_no_try_begins_beyond_the_deadline(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = failing(DOWN, trailers=sure(wait_ms=900))
    await world.publish(routed(upstream.address, retries=PATIENT, timeout="500ms"))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (ended.reason, len(upstream.asked)) == ("UPSTREAM_UNAVAILABLE", 1)


async def test_an_upstream_that_asks_to_be_left_alone_is_left_alone(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN, trailers=(("grpc-retry-pushback-ms", "-1"),))
    await world.publish(routed(upstream.address, retries=PATIENT))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert len(upstream.asked) == 1
    upstream.behave = first(1, failing(DOWN, trailers=(("grpc-retry-pushback-ms", "60"),)), then=answering(b""))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    last = (await world.settled(2))[-1].settlement
    assert last is not None
    assert last.attempts[1].at_us - last.attempts[0].at_us >= 60_000


async def test_a_try_that_takes_too_long_makes_room_for_another_within_the_routes_time(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = first(1, upstream.hang, then=answering(b""))
    await world.publish(routed(upstream.address, retries=PATIENT | {"per_try": "100ms"}, timeout="8s"))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert ended.code is grpc.StatusCode.OK
    (kept,) = await world.settled(1)
    assert tried(kept) == [("", "DEADLINE_EXCEEDED"), ("retry", "OK")]
    assert kept.record.expires_ms - kept.record.decided_ms <= 68_000


async def test_an_upstream_that_fails_is_left_alone_and_tried_by_one_call_after_a_while(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN)
    breaker = {"percent": 50, "min_calls": 4, "window": "60s", "open": "30s"}
    await world.publish(routed(upstream.address, upstream={"breaker": breaker}))
    for _ in range(4):
        await told(agent.contacts.GetContact(get(), metadata=SALES))
    refused = await told(agent.contacts.CreateContact(CreateContactRequest(), metadata=SALES))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert 20 < refused.detail(error_details_pb2.RetryInfo).retry_delay.seconds <= 30
    assert len(upstream.asked) == 4
    kept = (await world.settled(5))[-1]
    assert kept.settlement is not None
    assert (tried(kept), kept.settlement.gave_back) == ([("", "OPEN")], True)

    world.ahead_ms += 31_000
    await told(agent.contacts.GetContact(get(), metadata=SALES))  # tries, and fails
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert len(upstream.asked) == 5
    world.ahead_ms += 31_000
    upstream.behave = upstream.hang
    probe = asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES)))
    await until(lambda: len(upstream.asked) == 6, what="a try")
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "UPSTREAM_UNAVAILABLE"
    upstream.behave = echo
    upstream.let_go.set()
    assert (await probe).code is grpc.StatusCode.OK
    ended = await together(*(agent.contacts.GetContact(get(), metadata=SALES) for _ in range(10)))
    assert {each.code for each in ended} == {grpc.StatusCode.OK}


async def test_what_was_counted_survives_a_revision_that_changes_nothing_of_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN)
    breaker = {"min_calls": 2, "open": "60s"}
    document = routed(upstream.address, upstream={"breaker": breaker})
    await world.publish(document)
    for _ in range(3):
        await told(agent.contacts.GetContact(get(), metadata=SALES))
    await world.publish(document | {"description": "anew"})
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert len(upstream.asked) == 2
    await world.publish(routed(upstream.address, upstream={"breaker": breaker | {"min_calls": 3}}))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert len(upstream.asked) == 3


async def test_a_caller_in_a_hurry_does_not_open_the_breaker(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    await world.publish(routed(upstream.address, upstream={"breaker": {"min_calls": 1, "percent": 1}}))
    for _ in range(2):
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES, timeout=1))
        assert ended.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(upstream.asked) == 2


async def test_no_more_calls_run_at_a_time_than_an_upstream_can_take(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    await world.publish(routed(upstream.address, upstream={"breaker": {"max_concurrent": 3}}))
    calls = [asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES))) for _ in range(100)]
    await until(lambda: sum(call.done() for call in calls) == 97, what="97 refusals")
    assert len(upstream.asked) == 3
    upstream.let_go.set()
    codes = [(await call).code for call in calls]
    assert codes.count(grpc.StatusCode.OK) == 3
    assert codes.count(grpc.StatusCode.UNAVAILABLE) == 97


async def test_calls_are_spread_over_the_addresses_of_an_upstream(world: World, agent: Agent) -> None:
    async with fakes(3) as several:
        await world.publish(routed([each.address for each in several]))
        if world.engine == "envoy":  # until it has them calls are spread elsewhere
            await reached(agent, *several)
        for each in several:
            each.behave = each.hang
        calls = [asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES))) for _ in range(9)]
        await until(lambda: sum(len(each.asked) for each in several) == 9, what="nine calls")
        assert [len(each.asked) for each in several] == [3, 3, 3]
        for each in several:
            each.let_go.set()
        assert {(await call).code for call in calls} == {grpc.StatusCode.OK}


async def test_a_further_try_goes_to_another_address(world: World, agent: Agent) -> None:
    async with fakes(2) as (sick, well):
        sick.behave, well.behave = failing(DOWN), answering(b"")
        await world.publish(routed([sick.address, well.address], retries=PATIENT))
        calls = [agent.contacts.GetContact(get(), metadata=SALES) for _ in range(40)]
        assert {each.code for each in await together(*calls)} == {grpc.StatusCode.OK}
        kept = await world.settled(40)
        assert {len(tried(each)) for each in kept} <= {0, 2}


async def test_an_address_that_fails_in_a_row_gets_no_calls_for_a_while(world: World, agent: Agent) -> None:
    async with fakes(2) as (sick, well):
        outliers = {"failures": 3, "eject": "30s"}
        await world.publish(routed([sick.address, well.address], upstream={"outliers": outliers}, retries=PATIENT))
        if world.engine == "envoy":  # until it has them failures are counted elsewhere
            await reached(agent, sick, well)
        sick.behave, well.behave = failing(DOWN), answering(b"")
        for _ in range(20):
            assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK
        assert len(sick.asked) == 3
        if world.engine == "envoy":  # by a clock of its own
            return
        sick.behave = answering(b"")
        world.ahead_ms += 31_000
        for _ in range(4):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert len(sick.asked) == 5


async def test_a_second_try_begins_where_a_read_takes_long_and_the_first_answer_ends_the_other(
    world: World, agent: Agent
) -> None:
    async with fakes(2) as several:
        slow, quick = several
        slow.behave, quick.behave = slow.hang, answering(b"")
        await world.publish(routed([slow.address, quick.address], methods=READS, hedge={"after": "50ms"}))
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert ended.code is grpc.StatusCode.OK
        await until(lambda: bool(slow.ended), what="the end of the slow one")
        assert slow.ended == ["CancelledError"]
        (kept,) = await world.settled(1)
        assert tried(kept) == [("", "CANCELLED"), ("hedge", "OK")]
        assert kept.settlement is not None
        assert [each.address for each in kept.settlement.attempts] == [0, 1]
        assert kept.settlement.attempts[1].at_us >= 50_000


async def test_a_second_try_counts_against_the_budget(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    none: Data = {"attempts": 2, "budget": 1, "min_per_second": 0}
    await world.publish(routed(upstream.address, methods=READS, hedge={"after": "20ms"}, retries=none, timeout="300ms"))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert len(upstream.asked) == 1


async def test_a_caller_who_gives_up_ends_both_tries(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    await world.publish(routed(upstream.address, methods=READS, hedge={"after": "20ms"}))
    call = agent.contacts.GetContact(get(), metadata=SALES)
    await until(lambda: len(upstream.asked) == 2, what="two tries")
    call.cancel()
    await until(lambda: upstream.ended == ["CancelledError"] * 2, what="the end of both")
    (kept,) = await world.settled(1)
    assert tried(kept) == [("", "CANCELLED"), ("hedge", "CANCELLED")]


async def test_a_stream_that_fails_counts_and_none_is_begun_where_too_many_have_failed(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(DOWN)
    breaker = {"min_calls": 2, "percent": 100, "open": "30s", "max_concurrent": 1}
    await world.publish(routed(upstream.address, upstream={"breaker": breaker}))
    for _ in range(2):
        await told(agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES))
    refused = await told(agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES))
    assert (refused.reason, len(upstream.asked)) == ("UPSTREAM_UNAVAILABLE", 2)
    assert await world.taken() == 0
    world.ahead_ms += 31_000
    upstream.behave = echo
    ended = await told(agent.messages.SendMessages(one_by_one([send_one(), send_one()]), metadata=SALES))
    assert (ended.code, len(ended.response)) == (grpc.StatusCode.OK, 2)
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).code is grpc.StatusCode.OK


async def test_a_stream_counts_as_running_until_it_is_over(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    await world.publish(routed(upstream.address, upstream={"breaker": {"max_concurrent": 1}}))
    stream = agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES)
    reading = asyncio.ensure_future(told(stream))
    await until(lambda: len(upstream.messages) == 1, what="its message")
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == "UPSTREAM_UNAVAILABLE"
    stream.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    upstream.behave = answering(b"")

    async def free_again() -> bool | None:
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        return True if ended.code is grpc.StatusCode.OK else None

    await eventually(free_again, what="room for another call")
