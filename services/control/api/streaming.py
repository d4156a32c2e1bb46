"""One JSON document of a stream of messages: what they list goes out as it comes, and one cut off is no JSON."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import msgspec
from google.protobuf.message import Message
from litestar import MediaType, Request, Response
from litestar.response import Stream

from gateway.core.errors import CallEnded, Reason
from services.control.audit_client import as_json, asking_as

STREAM_SECONDS = 600.0
"""Longest time that a stream may take: of a million inputs it is minutes."""


async def answer_stream(
    request: Request[Any, Any, Any], method: Callable[..., Any], asked: Message, *, listed: str
) -> Response[Any]:
    """Ask the audit service, and answer one message, as ProtoJSON, made of all that come.

    Their field `listed` is put together, of any other the last one counts that has a value.

    Raises:
        CallEnded: STORE_UNAVAILABLE when nothing comes.
        grpc.aio.AioRpcError: the audit service refuses.
    """
    call: Any = method(asked, timeout=STREAM_SECONDS, metadata=asking_as(request))
    first = await call.read()  # raises why nothing comes
    if first is grpc.aio.EOF:
        raise CallEnded(Reason.STORE_UNAVAILABLE, "The answer was cut off; retry.")
    return Stream(document(call, first, listed=listed), media_type=MediaType.JSON, status_code=200)


async def document(call: Any, first: Message, *, listed: str) -> AsyncIterator[bytes]:
    """The bytes of the document; `call` gives the messages that follow on the first, and is cancelled in the end.

    Raises:
        grpc.aio.AioRpcError: the stream is cut off; what has come by then is no JSON.
    """
    rest: dict[str, Any] = {}
    comma: bytes = b""
    message: Any = first
    try:
        yield msgspec.json.encode(listed).join((b"{", b":["))
        while message is not grpc.aio.EOF:
            told = as_json(message)
            elements = told.pop(listed, ())
            rest |= told
            if elements:
                yield comma + b",".join(msgspec.json.encode(each) for each in elements)
                comma = b","
            message = await call.read()
        more = msgspec.json.encode(rest)
        yield b"]}" if more == b"{}" else b"]," + more[1:]
    finally:
        call.cancel()
