"""The agent keeps its stub and changes the address: what it sends arrives, and what the system says comes back."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from pilote.crm.v1.activity_pb2 import ACTIVITY_TYPE_NOTE, Activity
from pilote.crm.v1.activity_service_pb2 import ImportActivitiesRequest, ListActivitiesRequest
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest, GetContactRequest, StreamContactsRequest
from services.crm.server import running as crm_running
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, get, one_by_one, send, send_one
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering, echo, failing

UNARY = "/pilote.crm.v1.ContactService/GetContact"
SERVER_STREAMING = "/pilote.crm.v1.ContactService/StreamContacts"
CLIENT_STREAMING = "/pilote.crm.v1.ActivityService/ImportActivities"
BOTH_STREAMING = "/pilote.crm.v1.MessageService/SendMessages"
UNKNOWN_FIELD = b"\xf2\x3f\x05extra"
"""Field 1022 with five bytes: something of a newer contract."""
SALES = credential("sales-bot")


async def test_every_kind_of_call_carries_bytes_as_they_are(world: World, upstream: FakeUpstream) -> None:
    channel, upstream.behave = world.raw(), echo
    read, sent = get().SerializeToString() + UNKNOWN_FIELD, send_one().SerializeToString() + UNKNOWN_FIELD
    note = ImportActivitiesRequest(activity=Activity(contact=ADA)).SerializeToString() + UNKNOWN_FIELD

    assert await channel.unary_unary(UNARY)(read, metadata=SALES) == read
    answered = [each async for each in channel.unary_stream(SERVER_STREAMING)(UNKNOWN_FIELD, metadata=SALES)]
    assert answered == [UNKNOWN_FIELD]
    assert await channel.stream_unary(CLIENT_STREAMING)(one_by_one([note]), metadata=SALES) == note
    both = channel.stream_stream(BOTH_STREAMING)(one_by_one([sent, sent]), metadata=SALES)
    assert [each async for each in both] == [sent, sent]
    assert upstream.messages == [read, UNKNOWN_FIELD, note, sent, sent]


async def test_the_real_crm_serves_all_four_kinds_through_its_stubs(empty_world: World, tmp_path: Path) -> None:
    await empty_world.gateway()
    async with crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as port:
        await empty_world.publish(policy(f"127.0.0.1:{port}"))
        agent = empty_world.agent()
        wanted = Contact(display_name="Ada Lovelace", email="ada@example.org")
        made = await agent.contacts.CreateContact(
            CreateContactRequest(contact=wanted, contact_id="ada-lovelace"), metadata=SALES
        )
        streamed = [
            each.contact async for each in agent.contacts.StreamContacts(StreamContactsRequest(), metadata=SALES)
        ]
        notes = [
            ImportActivitiesRequest(activity=Activity(contact=ADA, type=ACTIVITY_TYPE_NOTE, title=f"Note {n}"))
            for n in range(3)
        ]
        imported = await agent.activities.ImportActivities(one_by_one(notes), metadata=SALES)
        sent = [
            each
            async for each in agent.messages.SendMessages(
                one_by_one([send_one(request_id="a"), send_one(request_id="b")]), metadata=SALES
            )
        ]
        listed = await agent.activities.ListActivities(ListActivitiesRequest(contact=ADA), metadata=SALES)

        assert streamed == [made.contact]
        assert (imported.imported_count, imported.failed_count) == (3, 0)
        assert [each.request_id for each in sent] == ["a", "b"]
        assert all(each.message.customer == ADA for each in sent)
        assert len(listed.activities) == 5
        missing = await told(agent.contacts.GetContact(GetContactRequest(name="contacts/nobody"), metadata=SALES))
        assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_metadata_passes_but_for_credentials_and_what_is_ours(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    metadata = credential(
        "sales-bot",
        ("x-team", "emea"),
        ("x-team", "apac"),
        ("tenant-hint", "kept although it begins like the header te"),
        ("x-trace-bin", b"\x00\xff"),
        ("authorization", "Bearer nothing"),
        ("pilote-agent", "somebody-else"),
        ("pilote-decision-id", "made up"),
    )
    answer = await told(agent.contacts.GetContact(get(), metadata=metadata))

    asked = upstream.asked[0]
    assert asked.values("x-team") == ["emea", "apac"]
    assert asked.values("tenant-hint") == ["kept although it begins like the header te"]
    assert asked.values("x-trace-bin") == [b"\x00\xff"]
    assert asked.values("x-api-key") == asked.values("authorization") == []
    assert asked.values("pilote-agent") == ["sales-bot"]
    assert asked.values("pilote-decision-id") == [answer.decision]
    assert len(asked.values("traceparent")) == 1


async def test_the_deadline_passes_with_what_is_left_of_it(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await agent.contacts.GetContact(get(), metadata=SALES, timeout=4)
    await agent.contacts.GetContact(get(), metadata=SALES)
    short, longest = (asked.remaining_s for asked in upstream.asked)
    assert short is not None
    assert longest is not None
    assert 3 < short < 4.5
    assert 9 < longest < 10.5  # the upstream's own limit


async def test_what_the_upstream_says_beside_its_answer_comes_back(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    trailers = (("x-served-by", "node-7"), ("tenant-cost", "3"), ("x-cost-bin", b"\x01\xfe"), ("pilote-revision", "99"))
    upstream.behave = answering(b"", trailers=trailers)
    said = (await told(agent.contacts.GetContact(get(), metadata=SALES))).trailers
    assert (said["x-served-by"], said["tenant-cost"], said["x-cost-bin"]) == ("node-7", "3", b"\x01\xfe")
    assert said["pilote-revision"] == "1"
    assert float(str(said["pilote-overhead-ms"])) > 0


def _own_words() -> tuple[str, bytes]:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="MAILBOX_FULL", domain="crm.example", metadata={"size": "9"}))
    status = status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message="The mailbox is full.", details=[detail])
    return "grpc-status-details-bin", status.SerializeToString()


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_upstreams_own_refusal_passes_unchanged(
    world: World, agent: Agent, upstream: FakeUpstream, *, streaming: bool
) -> None:
    spoofed = ("pilote-decision-id", "made up")
    trailers = (_own_words(), ("x-served-by", "node-7"), spoofed)
    upstream.behave = failing(grpc.StatusCode.FAILED_PRECONDITION, "The mailbox is full.", trailers=trailers)
    call: Any = (
        agent.messages.SendMessages(one_by_one([send_one()]), metadata=SALES)
        if streaming
        else agent.messages.SendMessage(send(), metadata=SALES)
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await (call.read() if streaming else call)
    said = tuple(refused.value.trailing_metadata() or ())
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details() == "The mailbox is full."
    assert _own_words() in said
    assert ("x-served-by", "node-7") in said
    assert spoofed not in said
    assert [key for key, _ in said].count("pilote-decision-id") == 1
