"""Rules across calls: what may not follow on what."""

import grpc
from google.rpc import error_details_pb2 as details

from pilote.crm.v1.deal_pb2 import Deal
from pilote.crm.v1.deal_service_pb2 import UpdateDealRequest
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from tests.e2e.policy import Data, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.world import Agent, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, failing

SALES = credential("sales-bot")
MARKETING = credential("marketing-bot")

READ_THEN_CONTACT: Data = {
    "name": "no-contact-after-reading",
    "by": "subject",
    "first": {"methods": ["/pilote.crm.v1.ContactService/GetContact"]},
    "then": {"operations": ["CONTACT"]},
    "within": "1h",
}
ONE_EDITOR: Data = {
    "name": "one-editor",
    "key": "request.deal.name",
    "first": {"methods": ["/pilote.crm.v1.DealService/UpdateDeal"]},
    "then": {"methods": ["/pilote.crm.v1.DealService/UpdateDeal"]},
    "within": "10m",
    "agents": "other",
}


async def test_who_was_read_may_not_be_contacted_within_the_hour_and_the_refusal_names_the_reading(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, sequences=[READ_THEN_CONTACT]))
    reading = await told(agent.contacts.GetContact(get(ADA), metadata=MARKETING))
    refused = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "POLICY_DENIED")
    assert f"decisions/{reading.decision}" in refused.text
    assert "no-contact-after-reading" in refused.text
    info = refused.detail(details.ErrorInfo)
    assert info.metadata["other"] == f"decisions/{reading.decision}"
    wait_ms = refused.detail(details.RetryInfo).retry_delay.ToMilliseconds()
    assert 3_540_000 < wait_ms <= 3_600_000
    assert (await told(agent.messages.SendMessage(send("contacts/bob"), metadata=SALES))).code is grpc.StatusCode.OK


async def test_two_agents_do_not_edit_one_deal_within_ten_minutes(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, sequences=[ONE_EDITOR]))
    deals = DealServiceStub(agent.channel)

    async def edited(name: str, by: str) -> str:
        request = UpdateDealRequest(deal=Deal(name=f"deals/{name}" if name else ""))
        return (await told(deals.UpdateDeal(request, metadata=credential(by)))).reason

    assert await edited("one", "sales-bot") == ""
    assert await edited("one", "sales-bot") == ""
    assert await edited("one", "marketing-bot") == "POLICY_DENIED"
    assert await edited("two", "marketing-bot") == ""
    assert await edited("two", "sales-bot") == "POLICY_DENIED"
    assert await edited("", "sales-bot") == "POLICY_DENIED"  # a sequence over nothing cannot be kept
    kept = await world.settled(6)
    assert all("deals/" not in ask.by for each in kept for ask in each.record.buckets)


async def test_of_two_agents_at_once_only_one_edits(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, sequences=[ONE_EDITOR]))
    deals = DealServiceStub(agent.channel)
    request = UpdateDealRequest(deal=Deal(name="deals/one"))
    ended = await together(*(deals.UpdateDeal(request, metadata=(SALES, MARKETING)[n % 2]) for n in range(100)))
    admitted = {each.record.agent for each in await world.settled(100) if each.outcome.granted}
    assert len(admitted) == 1
    assert [each.reason for each in ended].count("") == 50
    assert len(upstream.messages) == 50


async def test_a_sequence_refuses_in_its_own_words_and_cites_what_it_rests_on(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    said = {"en": "Not within {window} of {other}.", "fr": "Pas dans les {window} après {other}."}
    own = READ_THEN_CONTACT | {"message": said, "citation": "House rule 7"}
    await world.publish(policy(upstream.address, sequences=[own]))
    reading = await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    refused = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
    assert refused.text == f"Not within 1 h of decisions/{reading.decision}. (House rule 7)"


async def test_a_sequence_that_only_watches_is_recorded_and_lets_through(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, sequences=[READ_THEN_CONTACT | {"mode": "monitor"}]))
    await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    assert (await told(agent.messages.SendMessage(send(ADA), metadata=SALES))).code is grpc.StatusCode.OK
    kept = await world.settled(2)
    looks = {ask.kind: look for ask, look in zip(kept[1].record.buckets, kept[1].outcome.looks, strict=True)}
    assert looks["sequence"].wait_ms > 0
    assert looks["sequence"].other == kept[0].record.id


async def test_a_step_that_was_refused_leaves_no_mark(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    deny: Data = {"name": "no", "effect": "deny", "when": 'agent.name == "marketing-bot"'}
    rules = [{"name": "all", "effect": "allow"}, deny]
    await world.publish(policy(upstream.address, sequences=[READ_THEN_CONTACT], rules=rules))
    assert (await told(agent.contacts.GetContact(get(ADA), metadata=MARKETING))).reason == "POLICY_DENIED"
    assert (await told(agent.messages.SendMessage(send(ADA), metadata=SALES))).code is grpc.StatusCode.OK


async def test_a_step_that_failed_leaves_its_mark_all_the_same(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, sequences=[READ_THEN_CONTACT]))
    upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
    await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
    assert (await told(agent.messages.SendMessage(send(ADA), metadata=SALES))).reason == "POLICY_DENIED"
