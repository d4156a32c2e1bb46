"""Where MCP is reached, and where its clients learn how to get a token for it (RFC 9728)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from services.agents.asgi import App, Receive, Scope, Send, answer
from services.agents.calling import Caller
from services.agents.catalogue import Catalogue
from services.agents.options import Options
from services.agents.spans import Spans

PATH: Final = "/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"


@contextlib.asynccontextmanager
async def metadata_door(_catalogue: Catalogue, _caller: Caller, options: Options, _spans: Spans) -> AsyncIterator[App]:
    """What answers below /.well-known: which servers give tokens for this resource."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] not in (METADATA_PATH, METADATA_PATH + PATH):
            await answer(send, 404, b'{"code":5,"message":"There is nothing here."}')
            return
        told: dict[str, Any] = {
            "resource": url_of(scope, options) + PATH,
            "bearer_methods_supported": ["header"],
            "resource_name": "Pilote",
        }
        if options.authorization_servers:
            told["authorization_servers"] = options.authorization_servers
        headers = ((b"access-control-allow-origin", b"*"), (b"cache-control", b"max-age=300"))
        await answer(send, 200, msgspec.json.encode(told), headers=headers)

    yield app


def url_of(scope: Scope, options: Options) -> str:
    """Where clients reach us: as the setting says, else as this one did."""
    if options.url:
        return options.url.rstrip("/")
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    plain = host if host.isascii() and all(letter.isalnum() or letter in ".-:[]" for letter in host) else ""
    return f"{scope.get('scheme', 'http')}://{plain}"
