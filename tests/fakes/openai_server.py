"""A server of the OpenAI-compatible API that does as it is told, and keeps what it really received.

That it answers as the API does is checked with the official client: see `tests/adapters/openai/test_api.py`.
"""

import asyncio
import contextlib
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Behaviour = Callable[["Asked", web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Asked:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: Any
    peer: object = None
    """The connection that it came over."""


@dataclass
class FakeOpenAI:
    """Answers chats with what was said last, and embeddings with lengths. `behave` may be changed at any time."""

    served: str = ""
    """The version that it says has answered; empty: the one that was asked for."""
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    encrypted: bool = False
    behave: Behaviour | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    gone: int = 0
    """Requests whose client has gone away before the answer was whole."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.encrypted else 'http'}://127.0.0.1:{self.port}/v1"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Every request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.path.removeprefix("/v1"), headers, await request.json(), peer=_peer(request))
        self.asked.append(asked)
        self.arrived.set()
        try:
            return await (self.behave or self.answer)(asked, request)
        except (asyncio.CancelledError, ConnectionError):
            self.gone += 1
            raise

    async def hang(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        """Answer only once `let_go` is set."""
        await self.let_go.wait()
        return await self.answer(asked, request)

    async def answer(self, asked: Asked, request: web.Request) -> web.StreamResponse:
        """Answer as the API does."""
        if asked.path == "/embeddings":
            return web.json_response(self.embedded(asked.body))
        if not asked.body.get("stream"):
            return web.json_response(self.completed(asked))
        return await streamed(request, [*self.chunks(asked.body), "[DONE]"])

    def completed(self, asked: Asked) -> Any:
        """The answer of `chat/completions` and `completions`."""
        chat = asked.path == "/chat/completions"
        text = said_last(asked.body) if chat else asked.body["prompt"] + "!"
        message = {"role": "assistant", "content": text, "refusal": None}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None}
        return {
            "id": "cmpl-1",
            "object": "chat.completion" if chat else "text_completion",
            "created": 1,
            "model": self.served or asked.body["model"],
            "choices": [choice | ({"message": message} if chat else {"text": text})],
            "usage": usage(text),
        }

    def chunks(self, body: Any) -> Iterable[Any]:
        """The pieces of a streamed chat, the usage where it is asked for."""
        text = said_last(body)
        head = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": self.served or body["model"]}
        for word in text.split():
            yield head | {"choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]}
        yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        if body.get("stream_options", {}).get("include_usage"):
            yield head | {"choices": [], "usage": usage(text)}

    def embedded(self, body: Any) -> Any:
        """The answer of `embeddings`, in an order of its own."""
        vectors = [
            {"object": "embedding", "index": place, "embedding": [float(len(text)), 0.5, -1.0]}
            for place, text in enumerate(body["input"])
        ]
        counted = {"prompt_tokens": 4, "total_tokens": 4}
        return {"object": "list", "data": vectors[::-1], "model": self.served or body["model"], "usage": counted}


def _peer(request: web.Request) -> object:
    return None if request.transport is None else request.transport.get_extra_info("peername")


def said_last(body: Any) -> str:
    """Text of a chat's last message."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "(image)") for part in content)


def usage(text: str) -> Any:
    """Ten tokens for the request, one for each word of the answer."""
    words = len(text.split())
    return {
        "prompt_tokens": 10,
        "completion_tokens": words,
        "total_tokens": 10 + words,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }


async def streamed(
    request: web.Request, events: Iterable[Any], *, cut_when: asyncio.Event | None = None
) -> web.StreamResponse:
    """Send these events, and then end the answer well, or cut the connection once that is set."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        await response.write(f"data: {data}\n\n".encode())
    if cut_when is not None and request.transport is not None:
        await cut_when.wait()
        request.transport.close()  # what was sent before still arrives
    return response


def answering(raw: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> Behaviour:
    """Answer with these bytes."""

    async def behave(_asked: Asked, _request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=raw, status=status, content_type=kind, headers=named)

    return behave


def refusing(status: int, text: str = "no", **headers: str) -> Behaviour:
    """Refuse as the API does."""
    error = {"error": {"message": text, "type": "invalid_request", "param": None, "code": None}}
    return answering(json.dumps(error).encode(), status=status, **headers)


def self_signed(folder: Path) -> ssl.SSLContext:
    """What a server needs that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "stranger.pem"
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(encoded + certificate.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@contextlib.asynccontextmanager
async def fake_openai(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeOpenAI]:
    """A fake that serves until the block ends."""
    fake = FakeOpenAI(encrypted=tls is not None)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", fake.serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
    finally:
        fake.let_go.set()
        await runner.cleanup()
