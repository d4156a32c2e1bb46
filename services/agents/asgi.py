"""The few things that our doors say over ASGI."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


def mounted(mounts: Mapping[str, App], *, otherwise: App) -> App:
    """An application that hands what begins with a path of `mounts` to its own application, all else to `otherwise`.

    Each mount sees the whole path; "/mcp" takes "/mcp" and what lies below it, not "/mcpx".
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        first = "/" + path[1:].partition("/")[0]
        await mounts.get(first, otherwise)(scope, receive, send)

    return app


async def answer(send: Send, status: int, body: bytes, *, headers: Headers = ()) -> None:
    """Send one whole answer of JSON."""
    length = (b"content-length", str(len(body)).encode())
    named = [(b"content-type", b"application/json"), length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})
