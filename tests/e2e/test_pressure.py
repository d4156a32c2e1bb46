"""Contact pressure through a real gateway: gaps, topics, brands, calendar weeks, the score, what was really sent."""

import datetime as dt
from collections.abc import Sequence

import grpc
import pytest
from google.rpc import error_details_pb2 as details

from gateway.adapters import facts as fact_store
from gateway.callrun import CallRun, Incoming
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import ADA, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Agent, Told, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, failing

SALES = credential("sales-bot")
FRENCH = credential("sales-bot", ("accept-language", "fr"))
DAY_MS = 86_400_000
SEND = "/pilote.crm.v1.MessageService/SendMessage"


def contact(*, topics: Sequence[str] = (), **fields: str) -> SendMessageRequest:
    request = send(ADA, **fields)
    request.message.topics.extend(topics)
    return request


async def ends(agent: Agent, *requests: SendMessageRequest) -> list[str]:
    """How they end, one after the other."""
    return [(await told(agent.messages.SendMessage(each, metadata=SALES))).reason for each in requests]


def wait_ms(refused: Told) -> int:
    return int(refused.detail(details.RetryInfo).retry_delay.ToMilliseconds())


async def test_between_two_contacts_lies_the_gap_and_the_refusal_says_how_long(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[{"name": "rest", "max": None, "min_gap": "4h"}]))
    assert await ends(agent, contact()) == [""]
    refused = await told(agent.messages.SendMessage(contact(), metadata=FRENCH))
    assert refused.reason == "CAP_EXCEEDED"
    assert refused.text.startswith("The customer was contacted less than 4 h ago (rest).")
    assert "il y a moins de 4 h (rest)" in refused.detail(details.LocalizedMessage).message
    assert 4 * 3_600_000 - 60_000 < wait_ms(refused) <= 4 * 3_600_000


async def test_of_two_hundred_at_once_one_gets_through_a_gap(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(100, min_gap="1h")]))
    ended = await together(*(agent.messages.SendMessage(contact(), metadata=SALES) for _ in range(200)))
    assert [each.reason for each in ended].count("") == 1
    assert len(upstream.messages) == 1


async def test_topics_are_counted_each_for_itself_and_brands_apart(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    caps = [
        {"name": "per-topic", "max": 1, "window": "1d", "by": ["topic"], "topics": ["loans", "cards"]},
        {"name": "per-brand", "max": 2, "window": "1d", "by": ["brand"], "brands": ["acme-bank"]},
    ]
    await world.publish(policy(upstream.address, caps=caps))
    assert await ends(
        agent,
        contact(topics=["loans"]),
        contact(topics=["Cards", "news"]),
        contact(topics=["news"]),
        contact(topics=["news", "cards"]),
        contact(brand="acme-bank"),
        contact(brand="acme-bank"),
        contact(brand="acme-bank"),
        contact(brand="acme-home"),
    ) == ["", "", "", "CAP_EXCEEDED", "", "", "CAP_EXCEEDED", ""]


async def test_a_cap_of_a_segment_counts_its_customers_alone(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, segments=["vip"])]))
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await fact_store.put(world.redis, "acme", subject_ref=ref, facts=Facts(segments=("new", "vip")))
    other = send("contacts/grace")
    assert await ends(agent, contact(), contact(), other, other) == ["", "CAP_EXCEEDED", "", ""]


async def test_a_calendar_week_ends_on_the_customers_own_monday(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    weekly = {"name": "weekly", "max": 1, "calendar": {"unit": "week"}}
    await world.publish(policy(upstream.address, caps=[weekly]))
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await fact_store.put(world.redis, "acme", subject_ref=ref, facts=Facts(time_zone="Pacific/Kiritimati"))
    assert await ends(agent, contact()) == [""]
    refused = await told(agent.messages.SendMessage(contact(), metadata=SALES))
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=14)))
    monday = dt.datetime.combine(now.date() + dt.timedelta(days=7 - now.weekday()), dt.time(), now.tzinfo)
    assert abs(wait_ms(refused) - (monday - now).total_seconds() * 1000) < 60_000
    assert "1 of 1 within 7 d (weekly)" in refused.text


async def test_the_score_refuses_what_would_raise_it_too_high_and_rules_see_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    pressure: Data = {"half_life": "7d", "channels": {"phone": 3, "email": 1}, "max": 4.5}
    tired = {
        "name": "tired",
        "effect": "deny",
        "operations": ["CONTACT"],
        "when": "facts.pressure > 3.5",
        "message": {"en": "Enough for now.", "fr": "Assez pour le moment."},
    }
    await world.publish(policy(upstream.address, pressure=pressure, rules=[allow_all(), tired]))
    assert await ends(agent, contact(channel="phone", category="transactional"), contact(channel="phone")) == ["", ""]
    refused = await told(agent.messages.SendMessage(contact(channel="phone"), metadata=FRENCH))
    assert refused.reason == "CAP_EXCEEDED"
    assert "pressure 3 of 4.5, this would add 3" in refused.text
    assert "pressure 3 sur 4,5, ce contact ajouterait 3" in refused.detail(details.LocalizedMessage).message
    assert 6 * DAY_MS < wait_ms(refused) < 8 * DAY_MS
    assert await ends(agent, contact()) == [""]
    assert (await told(agent.messages.SendMessage(contact(), metadata=SALES))).text == "Enough for now."


async def test_a_hundred_at_once_never_raise_the_score_beyond_its_maximum(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, pressure={"half_life": "7d", "max": 5}))
    ended = await together(*(agent.messages.SendMessage(contact(), metadata=SALES) for _ in range(100)))
    assert [each.reason for each in ended].count("") == 5


@pytest.mark.parametrize("counts_on", ["reserved", "sent", "delivered"])
async def test_a_send_that_failed_frees_its_slot_within_a_second(
    world: World, agent: Agent, upstream: FakeUpstream, counts_on: str
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, counts_on=counts_on)]))
    upstream.behave = failing(grpc.StatusCode.FAILED_PRECONDITION)
    assert (await told(agent.messages.SendMessage(contact(), metadata=SALES))).code is not grpc.StatusCode.OK
    upstream.behave = upstream.hang
    upstream.let_go.set()

    async def sent() -> bool | None:
        return (await told(agent.messages.SendMessage(contact(), metadata=SALES))).code is grpc.StatusCode.OK or None

    await eventually(sent, what="a free slot", within=1.0)


@pytest.mark.parametrize("counts_on", ["reserved", "sent"])
async def test_what_is_in_doubt_keeps_its_slot(
    world: World, agent: Agent, upstream: FakeUpstream, counts_on: str
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1, counts_on=counts_on)]))
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    assert (await told(agent.messages.SendMessage(contact(), metadata=SALES))).reason == "UPSTREAM_IN_DOUBT"
    await world.settled(1)
    assert await ends(agent, contact()) == ["CAP_EXCEEDED"]


@pytest.mark.parametrize("counts_on", ["sent", "delivered"])
async def test_two_hundred_at_once_from_five_agents_under_a_cap_of_three_give_exactly_three(
    world: World, agent: Agent, upstream: FakeUpstream, counts_on: str
) -> None:
    other = world.agent(await world.gateway())
    await world.publish(policy(upstream.address, caps=[cap(3, counts_on=counts_on)]))
    calls = [
        (agent, other)[n % 2].messages.SendMessage(contact(), metadata=(SALES, credential("marketing-bot"))[n % 2])
        for n in range(200)
    ]
    ended = await together(*calls)
    assert [each.reason for each in ended].count("") == 3
    assert len(upstream.messages) == 3
    await world.settled(200)
    assert await ends(agent, contact()) == ["CAP_EXCEEDED"]


async def test_the_score_is_kept_by_the_policy_that_decides_though_another_becomes_active_meanwhile(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    looking = {"name": "looking", "effect": "deny", "operations": ["CONTACT"], "when": "facts.pressure > 9.0"}
    await world.publish(policy(upstream.address, pressure={"half_life": "7d"}, rules=[allow_all(), looking]))
    assert await ends(agent, contact()) == [""]
    pipeline = world.gateways[0].pipeline
    run = CallRun(Incoming.of(SEND, SALES, time_remaining=lambda: None, trace_ratio=0))
    run.revision = pipeline.revision
    assert run.revision is not None
    run.policy, run.agent = run.revision.methods[SEND], run.revision.agent("sales-bot")
    await world.publish(policy(upstream.address))  # which keeps no score at all
    facts = await pipeline._facts_of(run, subject_ref(KEY, tenant="acme", subject=ADA))
    assert facts.pressure == pytest.approx(1, abs=0.01)
