"""A stream of answers that fails before its first one is tried again, where that does nothing twice."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import pytest

from pilote import client as pilote
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import StreamContactsRequest, StreamContactsResponse
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.e2e.kits import KINDS, Kit
from tests.e2e.policy import policy
from tests.e2e.requests import one_by_one, send_one
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import Asked, FakeUpstream, answering, failing, first

ADA: Final = StreamContactsResponse(contact=Contact(name="contacts/ada"))
ANSWER: Final = answering(ADA.SerializeToString())
BUSY: Final = failing(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-status-details-bin", b""),))


@pytest.fixture(params=KINDS)
def kit(request: pytest.FixtureRequest, world: World) -> Kit:
    return Kit(request.param, world)


def listing(client: Any) -> Any:
    return lambda: client.stub(ContactServiceStub).StreamContacts(StreamContactsRequest())


async def one_then_busy(asked: Asked, context: Any) -> bytes:
    """Answer once, then fail."""
    await context.write(ADA.SerializeToString())
    return await BUSY(asked, context)


async def test_it_is_tried_again_before_the_first_answer(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = first(2, BUSY, then=ANSWER)
    client = kit.client()
    with pilote.noting() as noted:
        assert await kit.read(listing(client)) == [ADA]
    assert len(kit.paused) == 2
    assert len(upstream.asked) == len(set(noted.decisions)) == 3
    assert client.last_decision_id == noted.last


async def test_once_an_answer_has_come_it_is_not_tried_again(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = one_then_busy
    with pytest.raises(pilote.CallEnded):
        await kit.read(listing(kit.client()))
    assert len(upstream.asked) == 1
    assert kit.paused == []


async def test_a_refusal_for_good_is_raised_at_once_and_its_status_is_the_calls(
    kit: Kit, upstream: FakeUpstream
) -> None:
    await kit.world.publish(policy(upstream.address, rules=[]))
    begun: list[Any] = []

    def begin() -> Any:
        begun.append(listing(kit.client())())
        return begun[0]

    with pytest.raises(pilote.Denied):
        await kit.read(begin)
    code = begun[0].code()
    assert (code if kit.kind == "sync" else await code) is grpc.StatusCode.PERMISSION_DENIED
    assert kit.paused == []


async def test_the_last_try_ends_as_it_ended(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = BUSY
    with pytest.raises(pilote.Unavailable):
        await kit.read(listing(kit.client(attempts=2)))
    assert len(kit.paused) == 1
    assert len(upstream.asked) == 2


async def test_a_stream_of_requests_is_not_tried_again(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = BUSY
    requests = [send_one("contacts/a")]

    def begin() -> Any:
        asked = iter(requests) if kit.kind == "sync" else one_by_one(requests)
        return kit.client().stub(MessageServiceStub).SendMessages(asked)

    with pytest.raises(pilote.CallEnded):
        await kit.read(begin)
    assert len(upstream.asked) == 1


async def test_who_cancels_a_stream_ends_the_try_that_runs(kit: Kit, upstream: FakeUpstream) -> None:
    upstream.behave = first(1, BUSY, then=upstream.hang)
    call = listing(kit.client())()

    async def read() -> None:
        await kit.read(lambda: call)

    reading = asyncio.ensure_future(read())
    await until(lambda: len(upstream.messages) == 2, what="the second try")
    assert await asyncio.to_thread(call.cancel) if kit.kind == "sync" else call.cancel()
    with pytest.raises((grpc.RpcError, asyncio.CancelledError)):
        await asyncio.wait_for(reading, 30)
    await until(lambda: "CancelledError" in upstream.ended, what="the end of the call")


async def test_who_cancels_a_stream_between_two_tries_has_no_further_one(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = BUSY
    begun, let_go = threading.Event(), threading.Event()

    def pause(_seconds: float) -> None:
        begun.set()
        assert let_go.wait(30)

    call = listing(Kit("sync", world).client(pause=pause))()
    reading = asyncio.ensure_future(asyncio.to_thread(lambda: list(call)))
    assert await asyncio.to_thread(begun.wait, 30)
    call.cancel()
    let_go.set()
    with pytest.raises(grpc.RpcError):
        await asyncio.wait_for(reading, 30)
    assert len(upstream.asked) == 1


async def test_a_stream_without_any_answer_is_no_failure(kit: Kit) -> None:
    async def nothing(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        answers: tuple[bytes, ...] = ()
        for answer in answers:
            yield answer

    server = grpc.aio.server()
    handlers: dict[str, Any] = {"StreamContacts": grpc.unary_stream_rpc_method_handler(nothing)}
    service = grpc.method_handlers_generic_handler("pilote.crm.v1.ContactService", handlers)
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        assert await kit.read(listing(kit.client(port=port))) == []
    finally:
        await server.stop(0)
