"""Idempotency keys: a change that is sent again within a day is made once, and the first answer comes again.

A key is its sender's own. Of what failed nothing is kept, so that it can be tried again with the same key. What is told
once only, such as the secret of a token, is not kept either: a repeat is told that it was done.
"""

import base64
import hashlib
import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from gateway.core.errors import Reason
from gateway.redis_clients import Client
from services.control.access.principals import Asked, Principal, right_of
from services.control.access.rights import OPEN, Right
from services.control.undone import Undone, storing

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
"""The header of an answer that was given before."""
TOLD_ONCE: Final = "told_once"
"""What a handler's `opt` has where its answer holds a secret."""
KEPT_MS: Final = 24 * 3_600_000
RUNNING_MS: Final = 120_000
"""How long a first sending is waited for whose process has ended."""
LARGEST_BYTES: Final = 256 * 1024
"""Of an answer that is kept."""
_KEY: Final = re.compile(r"[!-~]{1,128}")
_PREFIX: Final = "pilote:control:{control}:once:"
_STATE: Final = "once"
_HEADERS: Final = ("content-type", "etag", "location")
_ASKS: Final = re.compile(r".*(:(report|check|complete|compare)|/values|/v1/session(:confirm|/password)?)")
"""POSTs that only ask, or are about who asks."""

# KEYS[1] the key; ARGV: what was kept while it ran, and what is kept from now on; empty: nothing, and for how long.
_END: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a change under its key."""

    state: Literal["running", "done"]
    digest: str
    """SHA-256 of what was sent."""
    nonce: str = ""
    """Of one that runs: which sending it is."""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: Annotated[str, msgspec.Meta(description="Base64; of one that is not told again nothing.")] | None = None


class _Sending:
    """A change that is being made under a key."""

    def __init__(self, name: str, running: bytes, digest: str, *, told_once: bool) -> None:
        self.name = name
        self.running = running
        self.digest = digest
        self.told_once = told_once
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = b""


class Once:
    """Keeps what was done under which key."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def begin(self, request: Asked, principal: Principal, *, nonce: str) -> Response[bytes] | None:
        """What was answered to the same change before; `None`: it is to be made now. `nonce` names this sending.

        Raises:
            Undone: ARGUMENT_INVALID for what is no key, IDEMPOTENCY_KEY_REUSED for one of another change,
                IDEMPOTENCY_KEY_RUNNING while it is made, ALREADY_EXISTS where its answer is not told again,
                STORE_UNAVAILABLE.
        """
        key = request.headers.get(HEADER)
        handler = request.route_handler
        if key is None or not is_kept(request.method.lower(), request.url.path, right_of(handler)):
            return None
        if not _KEY.fullmatch(key):
            raise Undone(Reason.ARGUMENT_INVALID, "key-shape", field=HEADER)
        digest = _digest(request.method, str(request.url.path), request.url.query, await request.body())
        name = _PREFIX + _digest(principal.kind, principal.name, principal.id if principal.kind == "token" else "", key)
        running = msgspec.json.encode(Kept(state="running", digest=digest, nonce=nonce))
        with storing():
            before = await self._redis.set(name, running, nx=True, get=True, px=RUNNING_MS)
        if before is None:
            told_once = bool(handler.opt.get(TOLD_ONCE))
            request.state[_STATE] = _Sending(name, running, digest, told_once=told_once)
            return None
        return _again(msgspec.json.decode(before, type=Kept), digest)

    async def sent(self, message: Message, scope: Scope) -> None:
        """Keep the answer before its end is sent. For Litestar's `before_send`."""
        state: MutableMapping[str, Any] = scope["state"]
        sending: _Sending | None = state.get(_STATE)
        if sending is None:
            return
        if message["type"] == "http.response.start":
            sending.status = message["status"]
            headers = MutableScopeHeaders.from_message(message)
            sending.headers = tuple((name, headers[name]) for name in _HEADERS if name in headers)
        elif message["type"] == "http.response.body":
            sending.body += message["body"]
            if not message["more_body"]:
                del state[_STATE]
                await self._end(sending)

    async def _end(self, sending: _Sending) -> None:
        done = b""
        if HTTPStatus.OK <= sending.status < HTTPStatus.MULTIPLE_CHOICES:
            told = not sending.told_once and len(sending.body) <= LARGEST_BYTES
            kept = Kept(
                state="done",
                digest=sending.digest,
                status=sending.status,
                headers=sending.headers,
                body=base64.b64encode(sending.body).decode() if told else None,
            )
            done = msgspec.json.encode(kept)
        with storing():
            await self._redis.eval(_END, 1, sending.name, sending.running, done, KEPT_MS)


def is_kept(method: str, path: str, right: Right) -> bool:
    """Whether an operation is a change that may be sent under a key."""
    return method == "post" and right not in OPEN and not _ASKS.fullmatch(path.replace("/:", ":"))


def _again(kept: Kept, digest: str) -> Response[bytes]:
    if kept.digest != digest:
        raise Undone(Reason.IDEMPOTENCY_KEY_REUSED, "key-reused", field=HEADER)
    if kept.state == "running":
        raise Undone(Reason.IDEMPOTENCY_KEY_RUNNING, "key-running", wait_s=1)
    if kept.body is None:
        raise Undone(Reason.ALREADY_EXISTS, "told-once")
    headers = dict(kept.headers)
    kind = headers.pop("content-type", "application/json")
    return Response(
        base64.b64decode(kept.body), status_code=kept.status, media_type=kind, headers={**headers, REPLAYED: "true"}
    )


def _digest(*parts: object) -> str:
    found = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        found.update(len(raw).to_bytes(8) + raw)
    return found.hexdigest()
