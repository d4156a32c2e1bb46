"""A body that trickles in is ended after a bound, and holds up nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redis_clients import Client
from services.intake.bodies import Patience
from services.intake.server import Options, running
from tests.services.intake.conftest import PSEUDONYM_KEY, SOURCE, WRITE_KEY, Door, basic


@pytest.fixture
async def hurried(redis: Client, redis_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    """An intake that waits for half a second."""
    options = Options(
        listen="127.0.0.1:0",
        grpc_listen="127.0.0.1:0",
        redis_url=redis_url,
        pseudonym_key=PSEUDONYM_KEY,
        drain_seconds=1,
        audit="127.0.0.1:1",
        home=tmp_path,
        patience=Patience(seconds=0.5),
    )
    async with running(options) as ports, aiohttp.ClientSession() as http:
        door = Door(redis, http, f"http://127.0.0.1:{ports.http}")
        await door.publish(SOURCE)
        yield door


async def trickled(door: Door, head: str) -> bytes:
    """What is answered to a request whose body comes byte by byte; the connection ends with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.rpartition(":")[2]))
    lines = (head, "host: x", f"authorization: {basic(WRITE_KEY)}", "content-length: 100000", "", "")
    writer.write("\r\n".join(lines).encode())
    answer = asyncio.ensure_future(reader.readuntil(b"}"))
    while not answer.done():
        writer.write(b" ")
        await asyncio.wait([answer], timeout=0.05)
    with contextlib.suppress(ConnectionError):  # what was on its way when it was closed
        assert await reader.read() == b""
    writer.close()
    return answer.result()


@pytest.mark.parametrize(
    "head",
    ["POST /v1/identify HTTP/1.1", "PUT /v1/audiences/vip HTTP/1.1\r\ncontent-type: application/x-ndjson"],
)
async def test_a_body_that_trickles_is_ended_and_its_sender_told(hurried: Door, head: str) -> None:
    answer = await trickled(hurried, head)
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b"BODY_SLOW" in answer
    assert (await hurried.send("/v1/identify", {"userId": "ada", "traits": {"plan": "pro"}}))[0] == 200


async def test_an_audience_whose_body_was_ended_can_be_sent_again(hurried: Door) -> None:
    await trickled(hurried, "PUT /v1/audiences/vip HTTP/1.1\r\ncontent-type: application/x-ndjson")
    headers = {"authorization": basic(WRITE_KEY), "content-type": "application/x-ndjson"}
    async with hurried.http.put(f"{hurried.url}/v1/audiences/vip", data=b'{"userId": "ada"}', headers=headers) as got:
        assert (got.status, (await got.json())["joined"]) == (200, 1)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 20), st.floats(0, 1e6))
def test_patience_grows_with_what_has_come_and_ends_for_whoever_is_slower_than_allowed(
    size: int, more: int, waited: float
) -> None:
    patience = Patience()
    assert patience.left(0, waited=0) == patience.seconds
    assert patience.left(size + more, waited=waited) >= patience.left(size, waited=waited)
    slowest = size / patience.bytes_per_second
    assert patience.left(size, waited=slowest + patience.seconds + 1) <= 0
    assert patience.left(size, waited=slowest) > 0
