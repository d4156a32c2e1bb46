"""An upstream that does as it is told, and keeps what it really received. Speaks raw bytes, so it is any contract."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

Behaviour = Callable[["Asked", Any], Awaitable[bytes]]


@dataclass(slots=True)
class Asked:
    """One call that arrived."""

    method: str
    metadata: tuple[tuple[str, str | bytes], ...]
    remaining_s: float | None
    messages: list[bytes] = field(default_factory=list)

    def values(self, key: str) -> list[str | bytes]:
        """All values of one key of the metadata."""
        return [value for name, value in self.metadata if name == key]


async def echo(asked: Asked, _context: Any) -> bytes:
    """Answer each message with its own bytes."""
    return asked.messages[-1]


def answering(response: bytes, *, trailers: tuple[tuple[str, str | bytes], ...] = ()) -> Behaviour:
    """Answer with these bytes and trailers."""

    async def behave(_asked: Asked, context: Any) -> bytes:
        context.set_trailing_metadata(trailers)
        return response

    return behave


def failing(
    code: grpc.StatusCode, text: str = "no", *, trailers: tuple[tuple[str, str | bytes], ...] = (), after: int = 1
) -> Behaviour:
    """Fail at message number `after`; those before it are echoed."""

    async def behave(asked: Asked, context: Any) -> bytes:
        if len(asked.messages) >= after:
            await context.abort(code, text, trailers)
        return asked.messages[-1]

    return behave


def first(count: int, behave: Behaviour, *, then: Behaviour = echo) -> Behaviour:
    """Behave in one way for so many calls, and in another one from then on."""
    left = count

    async def behaving(asked: Asked, context: Any) -> bytes:
        nonlocal left
        left -= 1
        return await (behave if left >= 0 else then)(asked, context)

    return behaving


class FakeUpstream(grpc.GenericRpcHandler):
    """Serves every method of every kind. `behave` may be changed at any time."""

    def __init__(self) -> None:
        self.behave: Behaviour = answering(b"")
        self.asked: list[Asked] = []
        self.ended: list[str] = []
        """How calls ended that did not end well, by the exception's name."""
        self.arrived = asyncio.Event()
        self.let_go = asyncio.Event()
        self.port = 0
        self.answers_at_end = False
        """Answer once, as client-streaming methods do; else each message is answered."""
        self.half_closed = 0
        """Calls whose caller has said that it has no more to send."""

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[bytes]:
        """Every message that arrived, in order."""
        return [message for asked in self.asked for message in asked.messages]

    async def hang(self, asked: Asked, _context: Any) -> bytes:
        """Answer only once `let_go` is set."""
        await self.let_go.wait()
        return asked.messages[-1]

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Every method, as if it were bidirectional: on the wire all kinds look alike."""
        method = handler_call_details.method

        async def serve(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            asked = Asked(method, tuple(context.invocation_metadata()), context.time_remaining())
            self.asked.append(asked)
            try:
                async for request in requests:
                    asked.messages.append(request)
                    self.arrived.set()
                    if not self.answers_at_end:
                        yield await self.behave(asked, context)
                await asyncio.sleep(0.002)  # a cancelled stream ends like a complete one; grpc cancels us a turn later
                self.half_closed += 1
                if self.answers_at_end:
                    yield await self.behave(asked, context)
            except BaseException as error:
                self.ended.append(type(error).__name__)
                raise

        return grpc.stream_stream_rpc_method_handler(serve)


@contextlib.asynccontextmanager
async def fake_upstream(
    *, listen: str = "127.0.0.1:0", tls: grpc.ServerCredentials | None = None
) -> AsyncIterator[FakeUpstream]:
    """A fake that serves until the block ends; encrypted where it has credentials."""
    fake = FakeUpstream()
    server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1),))
    server.add_generic_rpc_handlers((fake,))
    fake.port = server.add_insecure_port(listen) if tls is None else server.add_secure_port(listen, tls)
    await server.start()
    try:
        yield fake
    finally:
        fake.let_go.set()
        await server.stop(0)
