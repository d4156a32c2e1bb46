"""MCP over streamable HTTP: who may come in."""

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

from gateway.ending import ended
from gateway.rpc.headers import API_KEY
from services.agents.asgi import App, Message, Receive, Scope, Send, answer
from services.agents.calling import Caller, Metadata
from services.agents.catalogue import Catalogue
from services.agents.failures import of_unfit
from services.agents.listening import Gone
from services.agents.mcp.asking import Asking, asking
from services.agents.mcp.calls import Calls
from services.agents.mcp.metadata import METADATA_PATH, PATH, url_of
from services.agents.mcp.offers import Offers, refused_credential
from services.agents.mcp.quick import Quick
from services.agents.mcp.resources import Resources
from services.agents.mcp.serving import Context, Serving
from services.agents.mcp.sessions import Sessions
from services.agents.mcp.tools import Tools
from services.agents.options import Options
from services.agents.requests import body_of
from services.agents.spans import Spans
from services.agents.unfit import Unfit

_ASKING: Final = "pilote.asking"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextlib.asynccontextmanager
async def mcp_door(catalogue: Catalogue, caller: Caller, options: Options, spans: Spans) -> AsyncIterator[App]:
    """What answers at /mcp until the block ends."""
    offers = Offers(caller)
    tools = Tools(catalogue)
    calls = Calls(catalogue, caller, tools, offers, spans=spans)
    server = Serving(tools, calls, offers, Resources(caller), asked=_asked).server()
    sessions = Sessions(server, asked=_asked, most_bytes=options.max_message_bytes)
    begun, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with sessions.run():
            begun.set()
            await stop.wait()

    # A task of its own: what the SDK opens must be closed by the task that opened it.
    task = asyncio.create_task(run())
    try:
        await begun.wait()
        quick = Quick(tools, calls, sessions, server=server.server_info_stamp)
        yield _Guarded(sessions, quick, offers, options)
    finally:
        stop.set()
        await ended(task)


class _Guarded:
    """Lets in who comes from no foreign page and has a credential that the gateway knows."""

    def __init__(self, sessions: Sessions, quick: Quick, offers: Offers, options: Options) -> None:
        self._sessions = sessions
        self._quick = quick
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
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = asking(named)
        if not asked.credential:
            text = "Send a bearer token, or an API key as x-api-key."
            await _refuse(send, 401, text, challenge=self._challenge(scope))
            return
        try:
            await self._offers.of(asked.credential)
        except grpc.aio.AioRpcError as error:
            if not refused_credential(error):
                await _refuse(send, 503, "The gateway does not answer; repeat a little later.", retry=True)
                return
            invalid = f'{self._challenge(scope)}, error="invalid_token"'
            await _refuse(send, 401, "This token or API key is not valid.", challenge=invalid)
            return
        if scope["method"] != "POST":
            await self._by_sdk(scope, receive, send, asked)
            return
        try:
            body = await body_of(receive, named, most=self._options.max_message_bytes)
        except Gone:
            return
        except Unfit as unfit:
            text = of_unfit(unfit, language=asked.language).status.message
            await _refuse(send, unfit.http, text, close=True)
            return
        if not await self._quick.answered(scope["headers"], body, asked=asked, receive=receive, send=send):
            await self._by_sdk(scope, _again(body, receive), send, asked)

    def _challenge(self, scope: Scope) -> str:
        return f'Bearer resource_metadata="{url_of(scope, self._options)}{METADATA_PATH}{PATH}"'

    async def _by_sdk(self, scope: Scope, receive: Receive, send: Send, asked: Asking) -> None:
        scope[_ASKING] = asked
        scope["user"] = _owner(asked.credential)
        await self._sessions.handle_request(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives the body that has been read, then goes on."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


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


async def _refuse(
    send: Send, status: int, text: str, *, challenge: str = "", retry: bool = False, close: bool = False
) -> None:
    """An error of JSON-RPC that belongs to no request yet."""
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": text}}
    headers = [(b"www-authenticate", challenge.encode("latin-1"))] if challenge else []
    headers += [(b"retry-after", b"1")] * retry + [(b"connection", b"close")] * close
    await answer(send, status, msgspec.json.encode(body), headers=headers)
