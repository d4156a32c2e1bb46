"""Calls that are tried again: Envoy makes the first try, the others are made, counted and told as in any gateway."""

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import pytest

from gateway.envoy.engine.trying import AGAIN
from gateway.rpc.status import PUSHBACK_KEY
from pilote.crm.v1.contact_service_pb2 import UpdateContactRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse
from tests.e2e.by_envoy import by_envoy, reached
from tests.e2e.engine.test_ends import Ask, contact, read, shown
from tests.e2e.policy import Data, allow_all, cap
from tests.e2e.requests import get, send
from tests.e2e.test_fallback import either
from tests.e2e.test_trying import DOWN, PATIENT, routed, sure, tried
from tests.e2e.waiting import until
from tests.e2e.world import Agent, World, credential, together, told
from tests.fakes.upstream import Asked, Behaviour, FakeUpstream, answering, failing, fake_upstream, first
from tests.services.ports import free

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")
FRENCH = (*SALES, ("accept-language", "fr"))
NEVER = ((PUSHBACK_KEY, "-1"),)


def update(agent: Agent) -> object:
    """A write whose repeats do no harm."""
    return agent.contacts.UpdateContact(UpdateContactRequest(), metadata=SALES)


class Case(NamedTuple):
    """How an upstream behaves towards a call on such a route."""

    behave: Callable[[], Behaviour]
    ask: Ask
    route: Data = {"retries": PATIENT}  # noqa: RUF012 - nobody changes it


OK = answering(b"", trailers=(("x-page", "2"),))
CASES = {
    "answers": Case(lambda: OK, read()),
    "fails once": Case(lambda: first(1, failing(DOWN), then=OK), read()),
    "fails twice, each in its way": Case(
        lambda: first(1, failing(grpc.StatusCode.INTERNAL), then=first(1, failing(DOWN), then=OK)), read()
    ),
    "fails for good": Case(lambda: failing(DOWN, "secret of ours"), read()),
    "fails for good in French": Case(lambda: failing(grpc.StatusCode.UNKNOWN, "secret of ours"), read(FRENCH)),
    "refuses": Case(lambda: failing(grpc.StatusCode.ABORTED, "mine", trailers=(("x-why", "so"),)), read()),
    "fails, then refuses": Case(lambda: first(1, failing(DOWN), then=failing(grpc.StatusCode.NOT_FOUND)), read()),
    "may have sent it": Case(lambda: failing(DOWN), contact()),
    "may have sent it, in French": Case(lambda: failing(grpc.StatusCode.INTERNAL), contact(FRENCH)),
    "has not sent it": Case(lambda: first(1, failing(DOWN, trailers=sure()), then=OK), contact()),
    "has not sent it, and then may have": Case(
        lambda: first(1, failing(DOWN, trailers=sure()), then=failing(DOWN)), contact()
    ),
    "fails at a harmless write": Case(lambda: first(2, failing(DOWN), then=OK), update),
    "asks never to be asked again": Case(lambda: failing(DOWN, trailers=NEVER), read()),
    "asks to be left alone for a while": Case(
        lambda: first(1, failing(DOWN, trailers=sure(wait_ms=30)), then=OK), read()
    ),
    "asks for longer than there is": Case(
        lambda: failing(DOWN, trailers=sure(wait_ms=900)), read(), {"retries": PATIENT, "timeout": "700ms"}
    ),
    "has no try left in its budget": Case(
        lambda: failing(DOWN), read(), {"retries": PATIENT | {"budget": 1, "min_per_second": 0}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_both_engines_try_a_call_alike(empty_world: World, upstream: FakeUpstream, case: Case) -> None:
    await empty_world.gateway(engine="in-process")
    await empty_world.gateway(engine="envoy")
    await empty_world.publish(routed(upstream.address, **case.route) | {"caps": [cap(50)]})
    plain, carried = (empty_world.agent(each) for each in empty_world.gateways)
    await reached(carried, upstream)
    before = len(await empty_world.settled(len(await empty_world.kept())))
    tries = []
    ends = []
    for agent in (plain, carried):
        upstream.behave = case.behave()
        ends.append(await told(case.ask(agent)))
        tries.append([by_envoy(each) for each in upstream.asked])
        upstream.asked.clear()
    assert tries[1] == [True] + [False] * (len(tries[0]) - 1)  # Envoy itself sends nothing twice
    assert shown(ends[0]) == shown(ends[1])
    assert b"secret" not in ends[1].status.SerializeToString()
    one, other = (await empty_world.settled(before + 2))[-2:]
    assert tried(one) == tried(other)
    first_, second = one.settlement, other.settlement
    assert first_ is not None
    assert second is not None
    for field in ("status", "reason", "in_doubt", "gave_back", "messages_in", "messages_out", "response_bytes"):
        assert getattr(first_, field) == getattr(second, field), field
    assert [each.at_us for each in second.attempts] == sorted(each.at_us for each in second.attempts)
    assert all(each.at_us + each.took_us <= second.total_us + 1_000 for each in second.attempts)


async def test_a_try_that_takes_too_long_is_ended_by_envoy_and_followed_by_another_that_may_take_longer(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    """No bound on a single try ends the call while others are made elsewhere."""
    await world.publish(routed(upstream.address, retries=PATIENT | {"per_try": "150ms"}, timeout="8s"))
    await reached(agent, upstream)
    upstream.behave = first(2, upstream.hang, then=answering(b""))
    before = len(await world.kept())
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert ended.code is grpc.StatusCode.OK
    assert [by_envoy(each) for each in upstream.asked] == [True, False, False]
    kept = (await world.settled(before + 1))[-1]
    assert tried(kept) == [("", "DEADLINE_EXCEEDED"), ("retry", "DEADLINE_EXCEEDED"), ("retry", "OK")]
    assert kept.settlement is not None
    assert all(each.took_us >= 140_000 for each in kept.settlement.attempts[:2])


async def test_the_time_of_a_route_is_for_all_its_tries_also_those_that_envoy_makes(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(routed(upstream.address, retries=PATIENT | {"per_try": "900ms"}, timeout="1500ms"))
    await reached(agent, upstream)
    upstream.behave = upstream.hang
    before = len(await world.kept())
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    kept = (await world.settled(before + 1))[-1]
    assert tried(kept) == [("", "DEADLINE_EXCEEDED"), ("retry", "DEADLINE_EXCEEDED")]
    assert kept.settlement is not None
    assert 1_450_000 <= kept.settlement.total_us < 5_000_000


async def test_an_arm_takes_over_where_nobody_is_reached_and_is_told_as_ever(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(either(upstream.address, upstream.address))
    await reached(agent, upstream)
    await world.publish(either(f"127.0.0.1:{free(1)[0]}", upstream.address))
    for _ in range(5):  # whether Envoy has read of it yet or not
        before = len(await world.kept())
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert ended.code is grpc.StatusCode.OK
        kept = {each.record.id: each for each in await world.settled(before + 2)}[ended.decision]
        assert kept.settlement is not None
        assert [(each.why, each.arm, each.status) for each in kept.settlement.attempts] == [
            ("", "main", "UNAVAILABLE"),
            ("fallback", "spare", "OK"),
        ]


async def test_a_contact_that_was_not_sent_goes_to_another_address_and_arrives_once(world: World, agent: Agent) -> None:
    async with fake_upstream() as well:
        gone = f"127.0.0.1:{free(1)[0]}"
        await world.publish(routed([gone, well.address], retries=PATIENT))
        await reached(agent, well)
        for turn in range(8):
            well.asked.clear()
            ended = await told(contact()(agent))
            assert (ended.code, len(well.asked)) == (grpc.StatusCode.OK, 1), turn


async def test_no_caller_says_that_it_is_tried_again(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(routed(upstream.address))
    await reached(agent, upstream)
    upstream.behave = failing(DOWN)
    for forged in ((AGAIN, "1"), ("x-envoy-upstream-rq-per-try-timeout-ms", "1"), ("x-envoy-retry-on", "5xx")):
        ended = await told(agent.contacts.GetContact(get(), metadata=(*SALES, forged)))
        assert ended.reason == "UPSTREAM_UNAVAILABLE"
    assert [by_envoy(each) for each in upstream.asked] == [True] * 3
    assert [each.values(AGAIN) for each in upstream.asked] == [[]] * 3


async def test_a_call_that_is_redacted_and_tried_again_is_redacted_once_for_each(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    hidden = {"effect": "redact", "methods": ["/pilote.crm.v1.MessageService/SendMessage"]}
    rules = [
        allow_all(),
        {"name": "line", "of": "request", "fields": ["message.subject_line"]} | hidden,
        {"name": "body", "fields": ["message.body"]} | hidden,
    ]
    await world.publish(routed(upstream.address, retries=PATIENT) | {"rules": rules})
    await reached(agent, upstream)
    sent = Message(name="messages/1", body="Dear Ada", campaign="spring")
    raw = SendMessageResponse(message=sent).SerializeToString()
    for failures in (0, 1, 2):
        upstream.asked.clear()
        upstream.behave = first(failures, failing(DOWN, trailers=sure()), then=answering(raw))
        ended = await told(contact()(agent))
        assert ended.response.message == Message(name="messages/1", campaign="spring")
        assert [by_envoy(each) for each in upstream.asked] == [True] + [False] * failures
        assert {SendMessageRequest.FromString(each).message.subject_line for each in upstream.messages} == {""}
    upstream.behave = first(1, failing(DOWN, trailers=sure()), then=answering(b"\x0a\x05oops"))
    ended = await told(contact()(agent))
    assert (ended.code, ended.reason) == (grpc.StatusCode.INTERNAL, "REPLY_WITHHELD")


async def test_what_must_not_be_sent_twice_is_handed_over_where_envoy_may_forget_an_address(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    """Those of names come and go; what may be repeated is carried all the same."""
    await world.publish(routed(f"localhost:{upstream.port}", retries=PATIENT))
    await reached(agent, upstream)
    for ask, carried in ((read(), True), (contact(), False), (update, True)):
        await told(ask(agent))
        assert by_envoy(upstream.asked[-1]) is carried


async def test_a_call_that_is_given_up_while_it_is_tried_again_is_settled_as_one(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(routed(upstream.address, retries=PATIENT))
    await reached(agent, upstream)
    before = len(await world.kept())
    upstream.behave = first(1, failing(DOWN, trailers=sure()), then=upstream.hang)
    call = agent.messages.SendMessage(send(), metadata=SALES)
    await until(lambda: len(upstream.asked) == 2, what="a second try")
    call.cancel()
    kept = (await world.settled(before + 1))[-1]
    assert kept.settlement is not None
    assert (kept.settlement.reason, kept.settlement.in_doubt) == ("CANCELLED", True)
    assert tried(kept) == [("", "UNAVAILABLE"), ("retry", "CANCELLED")]


async def test_a_hundred_calls_at_once_that_fail_are_each_tried_again_by_what_became_of_their_own_first_try(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    """Some have surely not arrived, of the others nobody knows: only those are sent once more."""
    await world.publish(routed(upstream.address, retries=PATIENT | {"min_per_second": 1_000}))
    await reached(agent, upstream)
    before = len(await world.kept())
    sent: dict[str, int] = {}

    async def by_customer(asked: Asked, context: Any) -> bytes:
        customer = SendMessageRequest.FromString(asked.messages[-1]).message.customer
        sent[customer] = sent.get(customer, 0) + 1
        if customer.endswith("surely") and sent[customer] > 1:
            return b""
        await context.abort(DOWN, "no", sure() if customer.endswith("surely") else ())
        raise AssertionError("abort returns never")

    upstream.behave = by_customer
    kinds = ("surely", "perhaps")
    calls = [agent.messages.SendMessage(send(f"contacts/{n}-{kinds[n % 2]}"), metadata=SALES) for n in range(100)]
    ends = await together(*calls)
    assert [each.code for each in ends] == [grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN] * 50
    assert {name.rpartition("-")[2]: times for name, times in sent.items()} == {"surely": 2, "perhaps": 1}
    assert sorted(set(sent.values())) == [1, 2]
    assert sum(sent.values()) == 150
    kept = await world.settled(before + 100)
    assert sum(each.settlement.in_doubt for each in kept[before:] if each.settlement) == 50
