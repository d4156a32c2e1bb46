"""Heads of requests over HTTP: bounded in size and time, however they are cut into pieces."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rpc.http_heads import MOST_HEAD_BYTES
from gateway.rpc.http_serving import http_serving
from tests.examples import thoroughly

GET = b"GET /one HTTP/1.1\r\nhost: here\r\n\r\n"
POST = b"POST /two HTTP/1.1\r\nhost: here\r\ncontent-length: 5\r\n\r\nhello"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path and the body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    answer = scope["path"].encode() + b" " + body
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


@contextlib.asynccontextmanager
async def connected(*, head_seconds: float = 30.0) -> AsyncIterator[Connection]:
    """A connection to a server of these heads."""
    serving = http_serving(echo, listen="127.0.0.1:0", drain_seconds=1, head_seconds=head_seconds)
    async with serving as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


async def exchanged(pieces: Sequence[bytes], answers: int) -> list[tuple[int, bytes]]:
    """What comes back for these pieces, each sent as one."""
    async with connected() as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return [await answered(reader) for _ in range(answers)]


UPGRADES: Final = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
"""What Java's own client and `curl --http2` say with each request."""
REQUESTS: Final = st.sampled_from(
    [
        (GET, b"/one "),
        (POST, b"/two hello"),
        (
            b"POST /three HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            b"/three hello",
        ),
        (GET.replace(b"host", UPGRADES + b"host"), b"/one "),
        (POST.replace(b"host", UPGRADES + b"host"), b"/two hello"),
        (
            b"POST /four HTTP/1.1\r\n" + UPGRADES + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"/four hello",
        ),
    ]
)


@thoroughly(60)
@given(
    requests=st.lists(REQUESTS, min_size=1, max_size=4),
    cuts=st.sets(st.integers(1, 800), max_size=12),
)
def test_requests_are_read_however_they_are_cut(requests: list[tuple[bytes, bytes]], cuts: set[int]) -> None:
    sent = b"".join(request for request, _ in requests)
    ends = [*sorted(cut for cut in cuts if cut < len(sent)), len(sent)]
    pieces = [sent[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert asyncio.run(exchanged(pieces, len(requests))) == [(200, answer) for _, answer in requests]


async def test_many_requests_for_another_protocol_in_one_piece_are_all_answered() -> None:
    request = GET.replace(b"host", UPGRADES + b"host")
    assert await exchanged([request * 400], 400) == [(200, b"/one ")] * 400


async def test_a_header_without_end_is_refused_once_it_is_too_long() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"a" * MOST_HEAD_BYTES)
        assert (await answered(reader))[0] == 431
        assert await reader.read() == b""


async def test_headers_without_end_are_refused_too() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * (MOST_HEAD_BYTES // 6 - 10))
        await writer.drain()
        writer.write(b"x: y\r\n" * 100)
        assert (await answered(reader))[0] == 431
        assert await reader.read() == b""


async def test_a_long_head_and_a_long_body_are_not_mixed_up() -> None:
    body = b"b" * (3 * MOST_HEAD_BYTES)
    head = b"POST /two HTTP/1.1\r\ncontent-length: %d\r\nx: %s\r\n\r\n" % (len(body), b"a" * (MOST_HEAD_BYTES - 200))
    assert await exchanged([head + body, head, body, GET], 3) == [(200, b"/two " + body)] * 2 + [(200, b"/one ")]


async def test_requests_that_come_whole_in_one_piece_are_not_taken_for_a_head() -> None:
    body = b"b" * (MOST_HEAD_BYTES + 1000)  # smaller than what is read at once
    request = b"POST /two HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(request)
            assert await answered(reader) == (200, b"/two " + body)


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nx: y", GET + b"POST /"])
async def test_a_head_that_does_not_come_ends_the_connection(begin: bytes) -> None:
    async with connected(head_seconds=0.05) as (reader, writer):
        writer.write(begin)
        if begin.startswith(GET):
            assert await answered(reader) == (200, b"/one ")
        status, text = await answered(reader)
        assert (status, text) == (408, b"Send the head of a request within 0.05 seconds.")
        assert await reader.read() == b""


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with connected(head_seconds=0.05) as (reader, writer):
        writer.write(POST[:-1])
        idle, other = await asyncio.open_connection("127.0.0.1", writer.get_extra_info("peername")[1])
        assert (await answered(idle))[0] == 408  # so a head's time is over
        other.close()
        writer.write(POST[-1:])
        assert await answered(reader) == (200, b"/two hello")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header: x\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_connection_is_served(sent: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(sent)
        assert (await answered(reader))[0] == 400
        port = writer.get_extra_info("peername")[1]
        again, other = await asyncio.open_connection("127.0.0.1", port)
        other.write(GET)
        assert await answered(again) == (200, b"/one ")
        other.close()
