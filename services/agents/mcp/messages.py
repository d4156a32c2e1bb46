"""What the quick ways read of a request by MCP: the headers that say what it is, and one call as JSON-RPC has it."""

import functools
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from mcp.server.streamable_http import check_accept_headers
from starlette.requests import Request

from services.agents.asgi import Headers

VERSION: Final = b"mcp-protocol-version"
METHOD: Final = b"mcp-method"
NAME: Final = b"mcp-name"
SESSION: Final = b"mcp-session-id"
_ACCEPT: Final = b"accept"
_KIND: Final = b"content-type"
_READ: Final = frozenset({VERSION, METHOD, NAME, SESSION, _ACCEPT, _KIND})
_LONGEST_ACCEPT: Final = 512


class Params(msgspec.Struct, rename={"meta": "_meta"}, forbid_unknown_fields=True):
    """Of one call."""

    name: str
    meta: dict[str, Any] = {}
    arguments: dict[str, Any] = {}


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """One call, as JSON-RPC has it."""

    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: Params


def heads(headers: Headers) -> Mapping[bytes, bytes] | None:
    """The headers that the quick ways look at; `None` for a request that neither of them answers.

    That is one which says something twice or more than this knows, brings no plain JSON, or does not take both kinds
    of answers.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            if name in found:
                return None
            found[name] = value
        elif name == b"content-encoding" or name.startswith(b"mcp-"):
            return None
    if found.get(_KIND, b"").partition(b";")[0].strip() != b"application/json":
        return None
    return found if _accepts_both(found.get(_ACCEPT, b"")) else None


@functools.lru_cache(maxsize=256)
def _accepts_both(accepted: bytes) -> bool:
    """Whether the SDK reads that as taking JSON and events: each client says the same each time."""
    if len(accepted) > _LONGEST_ACCEPT:
        return False
    return all(check_accept_headers(Request({"type": "http", "headers": [(_ACCEPT, accepted)]})))
