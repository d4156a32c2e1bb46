"""A stream of the gateway over HTTP: JSON lines, or server-sent events where the caller asks for them.

A line is {"result": ...} for a message, {"error": ...} for the end of a stream that has failed, and last of all
{"trailers": ...}: what an answer has as headers comes at the end of a stream. Events have these words as their types.
"""

import asyncio
from typing import Any, Final

import grpc
import msgspec

from services.agents.answering import Answering
from services.agents.asgi import Send
from services.agents.bindings import Binding
from services.agents.calling import Metadata, Stream
from services.agents.failures import headers_of, of_refusal, shown
from services.agents.transcoding import json_of

SEND_SECONDS: Final = 30.0
"""Longest time that a caller takes to read a piece; then the call is cancelled, which holds a slot upstream."""
_LINES: Final = (b"content-type", b"application/x-ndjson")
_EVENTS: Final = (b"content-type", b"text/event-stream")
_FRESH: Final = (b"cache-control", b"no-store")


async def streamed(stream: Stream, binding: Binding, *, events: bool, language: str, send: Answering) -> None:
    """Send every message as it comes.

    What is refused before the first message is raised, so that it is answered with its own status.

    Raises:
        grpc.aio.AioRpcError: refused before anything was sent.
        TimeoutError: the caller does not read.
    """
    kind = _EVENTS if events else _LINES
    messages = aiter(stream)
    first = await anext(messages, None)
    await send({"type": "http.response.start", "status": 200, "headers": [kind, _FRESH]})
    trailers: Metadata = ()
    try:
        while first is not None:
            reply = binding.method.output.FromString(first)
            await _sent(send, _piece("result", json_of(reply, response_body=binding.response_body), events=events))
            first = await anext(messages, None)
        trailers = await stream.trailers()
    except grpc.aio.AioRpcError as error:
        failure = of_refusal(error, language=language)
        send.refused(failure)
        trailers = tuple(error.trailing_metadata() or ())
        await _sent(send, _piece("error", msgspec.json.encode(shown(failure.status)), events=events))
    send.heard(trailers)
    named = {key.decode(): value.decode() for key, value in headers_of(trailers)}
    await _sent(send, _piece("trailers", msgspec.json.encode(named), events=events), last=True)


def _piece(word: str, value: bytes, *, events: bool) -> bytes:
    if events:
        return b"event: %s\ndata: %s\n\n" % (word.encode(), value)
    return b'{"%s":%s}\n' % (word.encode(), value)


async def _sent(send: Send, piece: bytes, *, last: bool = False) -> None:
    message: dict[str, Any] = {"type": "http.response.body", "body": piece, "more_body": not last}
    async with asyncio.timeout(SEND_SECONDS):
        await send(message)
