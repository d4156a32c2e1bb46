"""What `.future()` of the synchronous kit returns: a call in the background with all its tries."""

import asyncio
import threading
from typing import Any, Final

import grpc
import pytest

from pilote import client as pilote
from pilote.crm.v1.activity_pb2 import Activity
from pilote.crm.v1.activity_service_pb2 import ImportActivitiesRequest, ImportActivitiesResponse
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest, SendMessageResponse
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.e2e.kits import Kit
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.link import link_to
from tests.fakes.upstream import FakeUpstream, answering, failing, first

SENT: Final = SendMessageResponse(message=Message(name="messages/m-1"))
BUSY: Final = failing(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-status-details-bin", b""),))
PATIENCE: Final = 30


class Pause:
    """Waits between two tries until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, _seconds: float) -> None:
        self.begun.set()
        assert self.let_go.wait(PATIENCE)


@pytest.fixture
def kit(world: World) -> Kit:
    return Kit("sync", world)


def begun(client: Any, **more: Any) -> Any:
    return client.stub(MessageServiceStub).SendMessage.future(send(), **more)


async def test_it_returns_at_once_and_tells_when_the_answer_is_there(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    client = kit.client()
    with pilote.noting() as noted:
        call = begun(client)  # in the loop that the gateway runs in: it would wait for itself here
    assert isinstance(call, grpc.Future)
    assert isinstance(call, grpc.Call)
    assert (call.done(), call.running(), call.is_active(), call.cancelled()) == (False, True, True, False)
    assert 0 < call.time_remaining() <= 30
    told = threading.Event()
    call.add_done_callback(lambda ended: told.set() if ended is call else None)
    assert call.add_callback(told.set)
    with pytest.raises(grpc.FutureTimeoutError):
        call.result(timeout=0.01)
    upstream.let_go.set()
    assert await asyncio.to_thread(call.result, PATIENCE) == SendMessageResponse.FromString(upstream.messages[0])
    assert await asyncio.to_thread(told.wait, PATIENCE)
    assert (call.done(), call.running(), call.exception(), call.traceback()) == (True, False, None, None)
    assert (call.code(), call.details()) == (grpc.StatusCode.OK, "")
    trailers = dict(call.trailing_metadata())
    assert noted.decisions == [trailers["pilote-decision-id"]] == [client.last_decision_id]
    assert not call.add_callback(told.set)
    assert not call.cancel()


async def test_it_is_tried_again_in_the_background_with_the_same_key(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = first(2, BUSY, then=answering(SENT.SerializeToString()))
    pause = Pause()
    call = begun(kit.client(pause=pause))
    assert await asyncio.to_thread(pause.begun.wait, PATIENCE)
    assert not call.done()
    pause.let_go.set()
    assert await asyncio.to_thread(call.result, PATIENCE) == SENT
    assert len({SendMessageRequest.FromString(each).request_id for each in upstream.messages}) == 1
    assert len(upstream.messages) == 3


async def test_a_refusal_is_its_exception_and_raised_where_one_asks_for_the_result(
    kit: Kit, upstream: FakeUpstream
) -> None:
    await kit.world.publish(policy(upstream.address, rules=[]))
    call = begun(kit.client(language="fr"))
    refusal = await asyncio.to_thread(call.exception, PATIENCE)
    assert (type(refusal), refusal.language) == (pilote.Denied, "fr")
    with pytest.raises(pilote.Denied) as raised:
        call.result()
    assert raised.value is refusal
    assert call.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (call.done(), call.cancelled()) == (True, False)


async def test_who_cancels_it_ends_the_call_that_runs_and_the_tries_to_come(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    call = begun(kit.client())
    await asyncio.wait_for(upstream.arrived.wait(), PATIENCE)
    assert call.cancel()
    assert call.cancelled()
    with pytest.raises(grpc.FutureCancelledError):
        call.result()
    assert call.code() is grpc.StatusCode.CANCELLED
    await until(lambda: upstream.ended == ["CancelledError"], what="the end of the call")
    upstream.behave, pause = BUSY, Pause()
    waiting = begun(kit.client(pause=pause))
    assert await asyncio.to_thread(pause.begun.wait, PATIENCE)
    threads = [each for each in threading.enumerate() if each.name == "pilote-retry"]
    assert waiting.cancel()
    pause.let_go.set()
    for each in threads:
        await asyncio.to_thread(each.join, PATIENCE)
    assert waiting.code() is grpc.StatusCode.CANCELLED
    assert len(upstream.asked) == 2


async def test_many_at_once_each_have_their_own_answer(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = first(3, BUSY)
    stub = kit.client(pause=lambda _: None, attempts=10).stub(MessageServiceStub)
    bodies = [f"Dear number {number}" for number in range(20)]
    calls = [stub.SendMessage.future(send(body=body)) for body in bodies]
    answers = [await asyncio.to_thread(call.result, PATIENCE) for call in calls]
    assert [answer.message.body for answer in answers] == bodies


async def test_a_token_that_cannot_be_fetched_for_another_try_is_the_calls_exception(kit: Kit) -> None:
    fetched: list[str] = []

    def token() -> str:
        fetched.append("first")
        if len(fetched) > 1:
            raise OSError("the issuer does not answer")
        return "first"

    async with link_to(1) as link:
        client = kit.client(port=link.port, key="", token=token, pause=lambda _: None)
    assert isinstance(await asyncio.to_thread(begun(client).exception, PATIENCE), OSError)


async def test_a_stream_of_requests_goes_on_in_the_background_too(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.answers_at_end = True
    stub, rules = kit.client().stub(ActivityServiceStub), policy(upstream.address, rules=[])
    upstream.behave = answering(ImportActivitiesResponse(imported_count=1).SerializeToString())
    requests = [ImportActivitiesRequest(activity=Activity(contact="contacts/ada"))]
    going = stub.ImportActivities.future(iter(requests))
    assert not going.done()
    assert (await asyncio.to_thread(going.result, PATIENCE)).imported_count == 1
    await kit.world.publish(rules)
    refused = stub.ImportActivities.future(iter(requests))
    assert type(await asyncio.to_thread(refused.exception, PATIENCE)) is pilote.Denied
