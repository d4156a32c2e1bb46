"""Streams over HTTP: JSON lines and server-sent events, refusals in the middle, callers who go away."""

import asyncio
import functools
import json

import grpc
import httpx

from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import StreamContactsResponse
from pilote.crm.v1.message_service_pb2 import SendMessagesRequest
from tests.e2e.policy import key_of, policy
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = {"x-api-key": key_of("sales-bot")}
CONTACT = StreamContactsResponse(contact=Contact(name="contacts/ada")).SerializeToString()


def _message(customer: str) -> dict[str, object]:
    return {"message": {"customer": customer, "channel": "email", "category": "marketing", "body": "Hello"}}


async def test_a_stream_comes_as_json_lines_and_its_trailers_last(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(CONTACT)

    got = await front.get("/v1/contacts:stream", headers=SALES)

    assert got.headers["content-type"] == "application/x-ndjson"
    first, last = [json.loads(line) for line in got.text.splitlines()]
    assert first == {"result": {"contact": {"name": "contacts/ada"}}}
    assert last["trailers"]["pilote-decision-id"]


async def test_a_stream_comes_as_events_to_who_asks_for_them(front: httpx.AsyncClient, upstream: FakeUpstream) -> None:
    upstream.behave = answering(CONTACT)

    got = await front.get("/v1/contacts:stream", headers=SALES | {"accept": "text/event-stream"})

    assert got.headers["content-type"] == "text/event-stream"
    events = [event.splitlines() for event in got.text.split("\n\n") if event]
    assert [event[0] for event in events] == ["event: result", "event: trailers"]
    assert json.loads(events[0][1].removeprefix("data: ")) == {"contact": {"name": "contacts/ada"}}


async def test_a_stream_that_is_refused_before_its_first_message_has_the_refusals_status(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.behave = failing(grpc.StatusCode.PERMISSION_DENIED, "not you")

    got = await front.get("/v1/contacts:stream", headers=SALES)

    assert (got.status_code, got.json()["message"]) == (403, "not you")


async def test_many_requests_go_in_as_lines_and_each_is_governed(
    front: httpx.AsyncClient, upstream: FakeUpstream, world: World
) -> None:
    await world.publish(policy(upstream.address, caps=[{"name": "pressure", "max": 1, "window": "7d"}]))
    lines = "\n".join(json.dumps(_message(f"contacts/{name}")) for name in ("ada", "bob", "ada"))

    got = await front.post(
        "/v1/messages:sendStream", content=lines, headers=SALES | {"content-type": "application/x-ndjson"}
    )

    *results, error, trailers = [json.loads(line) for line in got.text.splitlines()]
    assert len(results) == 2
    assert error["error"]["code"] == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert "trailers" in trailers
    sent = [SendMessagesRequest.FromString(message).message.customer for message in upstream.messages]
    assert sent == ["contacts/ada", "contacts/bob"]


async def test_a_caller_who_goes_away_cancels_a_stream_and_a_call(
    front: httpx.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    for count, path in enumerate(("/v1/contacts:stream", "/v1/contacts/ada"), start=1):
        upstream.arrived.clear()
        async with httpx.AsyncClient(base_url=front.base_url) as leaving:
            request = leaving.build_request("GET", path, headers=SALES)
            sending = asyncio.create_task(leaving.send(request))
            await upstream.arrived.wait()
            sending.cancel()
            await asyncio.wait((sending,))
        ended = functools.partial(_ended, upstream, count)
        await until(ended, what="the end of the call")
    assert upstream.ended == ["CancelledError", "CancelledError"]


def _ended(upstream: FakeUpstream, count: int) -> bool:
    return len(upstream.ended) == count


async def test_who_still_sends_when_a_stream_is_refused_is_told_why(front: httpx.AsyncClient) -> None:
    lines = "\n".join([json.dumps({"activity": {"contact": "\u0007"}})] * 200)
    headers = SALES | {"content-type": "application/x-ndjson"}
    for _ in range(10):
        got = await front.post("/v1/activities:import", content=lines, headers=headers)
        assert (got.status_code, got.json()["details"][0]["reason"]) == (400, "ARGUMENT_INVALID")
