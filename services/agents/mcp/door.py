"""MCP over streamable HTTP: who may come in, and where clients learn how to get a token (RFC 9728)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import jwt
import msgspec
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from gateway.ending import ended
from gateway.instance import instance
from gateway.rpc.headers import API_KEY
from gateway.watching.tracing import Tracing, otlp
from services.agents.asgi import App, Receive, Scope, Send, answer
from services.agents.calling import Caller, Metadata
from services.agents.catalogue import Catalogue
from services.agents.mcp.asking import Asking, asking
from services.agents.mcp.offers import Offers, refused_credential
from services.agents.mcp.serving import Context, Serving
from services.agents.mcp.spans import Spans
from services.agents.options import Options

PATH: Final = "/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
_ASKING: Final = "pilote.asking"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextlib.asynccontextmanager
async def mcp_door(catalogue: Catalogue, caller: Caller, options: Options) -> AsyncIterator[App]:
    """What answers at /mcp until the block ends."""
    offers = Offers(caller)
    tracing = None
    if options.to.otlp_endpoint is not None:
        tracing = Tracing(instance("agents"), exporter=otlp(options.to.otlp_endpoint))
    spans = Spans(tracing, ratio=options.trace_ratio)
    server = Serving(catalogue, caller, offers, asked=_asked, spans=spans).server()
    manager = StreamableHTTPSessionManager(server, max_request_body_size=options.max_message_bytes)
    begun, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with manager.run():
            begun.set()
            await stop.wait()

    # A task of its own: what the SDK opens must be closed by the task that opened it.
    task = asyncio.create_task(run())
    try:
        await begun.wait()
        yield _Guarded(manager, offers, options)
    finally:
        stop.set()
        await ended(task)
        if tracing is not None:
            await asyncio.to_thread(tracing.close)


@contextlib.asynccontextmanager
async def metadata_door(_catalogue: Catalogue, _caller: Caller, options: Options) -> AsyncIterator[App]:
    """What answers below /.well-known: which servers give tokens for this resource."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] not in (METADATA_PATH, METADATA_PATH + PATH):
            await answer(send, 404, b'{"code":5,"message":"There is nothing here."}')
            return
        told: dict[str, Any] = {
            "resource": _base(scope, options) + PATH,
            "bearer_methods_supported": ["header"],
            "resource_name": "Pilote",
        }
        if options.authorization_servers:
            told["authorization_servers"] = options.authorization_servers
        headers = ((b"access-control-allow-origin", b"*"), (b"cache-control", b"max-age=300"))
        await answer(send, 200, msgspec.json.encode(told), headers=headers)

    yield app


class _Guarded:
    """Lets in who comes from no foreign page and has a credential that the gateway knows."""

    def __init__(self, manager: StreamableHTTPSessionManager, offers: Offers, options: Options) -> None:
        self._manager = manager
        self._offers = offers
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] not in (PATH, PATH + "/"):
            await _refuse(send, 404, "There is nothing here but /mcp.")
        elif not _origin_fits(scope, self._options):
            await _refuse(send, 403, "Pages of this origin may not call this server.")
        else:
            await self._let_in(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = asking(scope["headers"])
        challenge = f'Bearer resource_metadata="{_base(scope, self._options)}{METADATA_PATH}{PATH}"'
        if not asked.credential:
            await _refuse(send, 401, "Send a bearer token, or an API key as x-api-key.", challenge=challenge)
            return
        try:
            await self._offers.of(asked.credential)
        except grpc.aio.AioRpcError as error:
            if not refused_credential(error):
                await _refuse(send, 503, "The gateway does not answer; repeat a little later.", retry=True)
                return
            invalid = f'{challenge}, error="invalid_token"'
            await _refuse(send, 401, "This token or API key is not valid.", challenge=invalid)
            return
        scope[_ASKING] = asked
        scope["user"] = _owner(asked.credential)
        await self._manager.handle_request(scope, receive, send)


def _asked(context: Context) -> Asking:
    request: Any = context.request
    found: Asking = request.scope[_ASKING]
    return found


def _owner(credential: Metadata) -> AuthenticatedUser:
    """Whose session it is: it is of no use to others. A token may be renewed meanwhile; its issuer and subject stay.

    The gateway has just proved the credential, so that what it says is true.
    """
    name, value = credential[-1]
    subject = str(value)
    if name != API_KEY:
        with contextlib.suppress(jwt.PyJWTError):
            claims = jwt.decode(subject.partition(" ")[2], options={"verify_signature": False})
            subject = f"{claims.get('iss', '')}\n{claims.get('sub', '')}"
    return AuthenticatedUser(AccessToken(token="", client_id=f"{name}\n{subject}", scopes=[]))


def _base(scope: Scope, options: Options) -> str:
    """Where clients reach us: as the setting says, else as this one did."""
    if options.url:
        return options.url.rstrip("/")
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    plain = host if host.isascii() and all(letter.isalnum() or letter in ".-:[]" for letter in host) else ""
    return f"{scope.get('scheme', 'http')}://{plain}"


def _origin_fits(scope: Scope, options: Options) -> bool:
    """Whether a browser's page may call: one of this machine, or of our own address. Programs send no origin."""
    origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)
    if origin is None:
        return True
    try:
        said = urlsplit(origin)
        ours = urlsplit(options.url)
    except ValueError:
        return False
    if options.url and (said.scheme, said.netloc) == (ours.scheme, ours.netloc):
        return True
    return said.scheme in ("http", "https") and said.hostname in _LOOPBACK


async def _refuse(send: Send, status: int, text: str, *, challenge: str = "", retry: bool = False) -> None:
    """An error of JSON-RPC that belongs to no request yet."""
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": text}}
    headers = [(b"www-authenticate", challenge.encode("latin-1"))] if challenge else []
    await answer(send, status, msgspec.json.encode(body), headers=[*headers, *([(b"retry-after", b"1")] * retry)])
