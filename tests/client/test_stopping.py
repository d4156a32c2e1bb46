"""Gateways that stop while others serve on the same port: no call of the kit fails that may be made again."""

import asyncio
import contextlib
from typing import Any

import grpc
import pytest

import pilote.client
import pilote.client.aio
from gateway.rpc.serving import serving
from pilote.client.refusals import dropped, ended
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import GetContactRequest, GetContactResponse
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from tests.e2e.waiting import until

CALLERS = 100


class Answering(grpc.GenericRpcHandler):
    """Answers everything with a contact, a turn of the loop later."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        async def answer(_request: bytes, _context: Any) -> bytes:
            await asyncio.sleep(0)
            return GetContactResponse(contact=Contact(name="contacts/c-1")).SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)


def _serving(listen: str) -> Any:
    return serving(lambda _: None, listen=listen, names=(), drain_seconds=5, otherwise=Answering())


async def test_what_waits_in_a_server_that_stops_is_tried_again_at_the_next_one() -> None:
    dropped_calls = count = 0

    async def pause(seconds: float) -> None:
        nonlocal dropped_calls
        dropped_calls += 1
        await asyncio.sleep(seconds / 10)

    async def calling(stub: Any, stop: asyncio.Event) -> None:
        nonlocal count
        while not stop.is_set():
            answer = await stub.GetContact(GetContactRequest(name="contacts/c-1"), timeout=30)
            assert answer.contact.name == "contacts/c-1"
            count += 1

    stop, old = asyncio.Event(), contextlib.AsyncExitStack()
    address = f"127.0.0.1:{await old.enter_async_context(_serving('127.0.0.1:0'))}"
    async with pilote.client.aio.Pilote(address, key="k", pause=pause, attempts=20) as client:
        stub = client.stub(ContactServiceStub)
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(calling(stub, stop))
            for _ in range(3):
                answered = count
                await until(lambda answered=answered: count > answered + CALLERS, what="calls")  # type: ignore[misc]
                new = contextlib.AsyncExitStack()
                await new.enter_async_context(_serving(address))
                await old.aclose()
                old = new
            stop.set()
    await old.aclose()
    assert dropped_calls


async def test_what_is_cancelled_here_is_not_taken_for_that() -> None:
    async with _serving("127.0.0.1:0") as port:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        call = ContactServiceStub(channel).GetContact(GetContactRequest(name="contacts/c-1"))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await call.code(), await call.details() == "CANCELLED") == (grpc.StatusCode.CANCELLED, False)
        await channel.close()


def test_a_cancellation_in_words_of_others_is_none_of_a_server_that_stops() -> None:
    for text in ("Channel closed!", "Locally cancelled by application!", ""):
        error = grpc.aio.AioRpcError(grpc.StatusCode.CANCELLED, grpc.aio.Metadata(), grpc.aio.Metadata(), text)
        assert not dropped(ended(error))
