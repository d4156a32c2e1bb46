"""The load generator whose calls differ speaks to a real server of gRPC, and counts what was answered."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.echo import ANSWER
from loadtests.h2load import framed
from loadtests.http2 import block
from loadtests.message import METHOD
from loadtests.varying import Plan, sent
from pilote.crm.v1.message_service_pb2 import SendMessageRequest

Serve = Callable[[bytes, str], bytes]


@contextlib.asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[int]:
    async def answer(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        who = dict(context.invocation_metadata() or ()).get("authorization", "")
        said = serve(request, str(who))
        if not said:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")
        return said

    handlers: dict[str, Any] = {METHOD.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(answer)}
    running = grpc.aio.server()
    running.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(METHOD.rpartition("/")[0].lstrip("/"), handlers),)
    )
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    yield port
    await running.stop(0)


def plan(port: int, **other: Any) -> Plan:
    callers = tuple([("authorization", f"Bearer {'x' * 300}{n}") for n in range(3)])
    return Plan(port, callers, 10, 4, 200, 2, 5, 7)._replace(**other)


async def test_every_call_is_answered_and_callers_and_customers_are_those_of_the_plan() -> None:
    seen: Counter[tuple[str, str]] = Counter()

    def serve(request: bytes, who: str) -> bytes:
        seen[who[-1], SendMessageRequest.FromString(request).message.customer] += 1
        return ANSWER

    async with server(serve) as port:
        found = await asyncio.to_thread(sent, plan(port))

    assert (found.calls, found.failed, found.data_bytes) == (200, 0, 200 * len(framed(ANSWER)))
    assert set(seen) == {(str(who), f"contacts/{n}") for who in range(3) for n in range(10, 14)}


async def test_once_goes_through_all_customers_in_turn() -> None:
    seen: Counter[str] = Counter()

    def serve(request: bytes, who: str) -> bytes:
        seen[SendMessageRequest.FromString(request).message.customer] += 1
        return ANSWER

    async with server(serve) as port:
        await asyncio.to_thread(sent, plan(port, once=True))

    assert seen == {f"contacts/{n}": 50 for n in range(10, 14)}


async def test_a_refused_call_counts_as_failed() -> None:
    async with server(lambda _, who: ANSWER if who.endswith("0") else b"") as port:
        found = await asyncio.to_thread(sent, plan(port, once=True, calls=30))

    assert (found.calls, found.failed) == (30, 20)


async def test_more_than_the_server_has_room_for_is_held_back_until_it_has() -> None:
    async with server(lambda _, __: ANSWER * 50) as port:
        found = await asyncio.to_thread(sent, plan(port, calls=2_000, connections=1, in_flight=300))

    assert (found.calls, found.failed, found.data_bytes) == (2_000, 0, 2_000 * len(framed(ANSWER * 50)))


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=0, max_size=40_000))
def test_a_field_of_any_length_says_its_length_as_rfc_7541_has_it(text: str) -> None:
    head = block(METHOD, 1, ("a", text))
    at = head.index(b"\x00\x01a") + 3
    length, shift = head[at], 0
    at += 1
    if length == 127:
        while True:
            length += (head[at] & 127) << shift
            shift += 7
            at += 1
            if head[at - 1] < 128:
                break
    assert (length, head[at:]) == (len(text), text.encode())


async def test_a_server_that_is_gone_is_said_to_be() -> None:
    async with server(lambda _, __: ANSWER) as port:
        pass
    with pytest.raises(ConnectionError):
        await asyncio.to_thread(sent, plan(port))
