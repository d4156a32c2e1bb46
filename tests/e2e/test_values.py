"""What a call was decided by is in its record, as ciphertext only, under a key that lies beside it."""

from typing import Any

import grpc
import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.adapters.facts import put
from gateway.adapters.sealing import Sealer
from gateway.core.call import Facts
from gateway.core.record import Record, subject_ref
from gateway.core.used import UsedValues, WrappedKey, key_bound_to, unpacked, values_bound_to
from pilote.decision.v1.decision_service_pb2 import EvaluateCallRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.holding import HOLD_CONTACTS
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import ADA, get, one_by_one, send, send_one
from tests.e2e.world import KEY, RECORD_KEY, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
SENDING = ["/pilote.crm.v1.MessageService/SendMessage", "/pilote.crm.v1.MessageService/SendMessages"]
REF = subject_ref(KEY, tenant="acme", subject=ADA)
VIP = {
    "name": "vip",
    "effect": "deny",
    "methods": SENDING,
    "when": 'facts.traits["tier"] == "gold-4711" && request.message.subject_line.startsWith("Sale-4712")',
}
PLAIN = (b"gold-4711", b"Sale-4712")


async def written(world: World) -> dict[str, tuple[Record, WrappedKey | None]]:
    """Every record in the stream, with the key that lies beside it."""
    found = {}
    for entry in await world.entries():
        if entry[b"k"] == b"admit":
            record = msgspec.json.decode(entry[b"r"], type=Record)
            key = msgspec.json.decode(entry[b"w"], type=WrappedKey) if b"w" in entry else None
            found[record.id] = record, key
    return found


def opened(record: Record, key: WrappedKey | None) -> UsedValues:
    """What the record was decided by."""
    assert record.values is not None
    assert key is not None
    assert record.values.key == key.id
    data_key = Sealer((RECORD_KEY,)).open(key.wrapped, bound_to=key_bound_to(record.tenant, key))
    sealed = record.values.sealed
    return unpacked(AESGCM(data_key).decrypt(sealed[:12], sealed[12:], values_bound_to(record.tenant, record.id)))


@pytest.fixture
async def asking(world: World, upstream: FakeUpstream) -> World:
    """A rule asks for a fact and for a field of the request."""
    await world.publish(policy(upstream.address, rules=[allow_all(), VIP], caps=[cap(1, channels=["sms"])]))
    await put(world.redis, "acme", subject_ref=REF, facts=Facts(traits={"tier": "gold-4711"}))
    return world


WANTED = [("request.message.subject_line", "Sale-4712 now"), ('facts.traits["tier"]', "gold-4711")]


async def test_refused_and_admitted_calls_say_what_they_were_decided_by_and_nobody_reads_it_without_the_key(
    asking: World,
) -> None:
    messages = asking.agent().messages
    ended = [
        await told(messages.SendMessage(send(subject_line=line, channel=channel), metadata=SALES))
        for line, channel in (("Sale-4712 now", "email"), ("News", "sms"), ("News", "sms"))
    ]
    assert [each.reason for each in ended] == ["POLICY_DENIED", "", "CAP_EXCEEDED"]
    found = await written(asking)
    values = [[tuple(pair) for pair in opened(*found[each.decision]).values] for each in ended]
    news = [("request.message.subject_line", "News"), WANTED[1]]
    assert values == [WANTED, news, news]
    keys = {key.id for _, key in found.values() if key is not None}
    assert len(keys) == 1, "a customer has one key for an hour"
    assert all(key is not None and key.subject_ref == REF for _, key in found.values())
    stream = str(await asking.entries()).encode()
    assert [text for text in PLAIN if text in stream] == []


async def test_every_message_of_a_stream_that_names_somebody_has_its_own_values(asking: World) -> None:
    several = [send_one(subject_line="News"), send_one("contacts/bob", subject_line="Sale-4712 now")]
    await told(asking.agent().messages.SendMessages(one_by_one(several), metadata=SALES))
    found = await written(asking)
    values = [dict(opened(*each).values) for each in found.values()]
    assert [each["request.message.subject_line"] for each in values] == ["News", "Sale-4712 now"]
    assert values[1]['facts.traits["tier"]'] is None
    assert len({key.id for _, key in found.values() if key is not None}) == 2


async def test_a_call_whose_conditions_read_nothing_has_no_values(asking: World) -> None:
    called = await told(asking.agent().contacts.GetContact(get(), metadata=SALES))
    record, key = (await written(asking))[called.decision]
    assert (record.values, key) == (None, None)


async def test_a_policy_can_withhold_a_name_or_record_nothing(asking: World, upstream: FakeUpstream) -> None:
    values: list[Any] = []
    for records in ({"withhold": ["request.message"]}, {"values": False}):
        await asking.publish(policy(upstream.address, rules=[allow_all(), VIP], records=records))
        called = await told(asking.agent().messages.SendMessage(send(), metadata=SALES))
        record, key = (await written(asking))[called.decision]
        values.append(None if record.values is None else [tuple(pair) for pair in opened(record, key).values])
    assert values == [[('facts.traits["tier"]', "gold-4711")], None]


async def test_a_held_call_has_values_and_so_has_what_came_of_it_each_for_its_own_decision(
    asking: World, upstream: FakeUpstream
) -> None:
    await asking.publish(policy(upstream.address, rules=[allow_all(), VIP, HOLD_CONTACTS]))
    called = await told(asking.agent().messages.SendMessage(send(), metadata=SALES))
    assert called.code is grpc.StatusCode.FAILED_PRECONDITION
    record, key = (await written(asking))[called.decision]
    assert record.hold == called.decision
    assert dict(opened(record, key).values)["request.message.subject_line"] == "News"


async def test_what_is_evaluated_only_is_recorded_nowhere(asking: World) -> None:
    stub: Any = DecisionServiceStub(asking.channel())
    asked = EvaluateCallRequest(
        method="/pilote.crm.v1.MessageService/SendMessage", request=send(subject_line="Sale-4712").SerializeToString()
    )
    await stub.EvaluateCall(asked, metadata=SALES)
    assert await written(asking) == {}
