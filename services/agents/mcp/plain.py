"""Which requests over HTTP are plain calls of a tool: without a session, whole, and asking nothing more."""

import functools
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from services.agents.asgi import Headers

_PROGRESS: Final = "progressToken"
_LONGEST_CLIENT: Final = 4096
_ROUTING: Final = (b"mcp-protocol-version", b"mcp-method", b"mcp-name")
_CLIENT: Final = (CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY)


class Params(msgspec.Struct, rename={"meta": "_meta"}, forbid_unknown_fields=True):
    """Of one call."""

    name: str
    meta: dict[str, Any]
    arguments: dict[str, Any] = {}


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """One call, as JSON-RPC has it."""

    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: Params


_READ: Final = msgspec.json.Decoder(Message)


def plain(headers: Headers, body: bytes) -> Message | None:
    """The message, where it is a plain call; `None` for all else, right or wrong."""
    named = _routing(headers)
    if named is None:
        return None
    try:
        message = _READ.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    meta = message.params.meta
    if _PROGRESS in meta or not _client_fits(msgspec.json.encode({key: meta[key] for key in _CLIENT if key in meta})):
        return None
    envelope = {"method": message.method, "params": {"name": message.params.name, "_meta": meta}}
    fits = isinstance(classify_inbound_request(envelope, headers=named), InboundModernRoute)
    return message if fits else None


@functools.lru_cache(maxsize=1024)
def _client_fits(said: bytes) -> bool:
    """Whether the SDK takes what a client says of itself, as JSON: the same with each call, so it is looked at once."""
    if len(said) > _LONGEST_CLIENT:
        return False
    version = {PROTOCOL_VERSION_META_KEY: MODERN_PROTOCOL_VERSIONS[-1]}
    params = {"name": "", "_meta": version | msgspec.json.decode(said)}
    try:
        validate_client_request("tools/call", MODERN_PROTOCOL_VERSIONS[-1], params)
    except ValueError:  # pydantic's is one
        return False
    return True


def _routing(headers: Headers) -> Mapping[str, str] | None:
    """The headers that say what the message is; `None` where they are not those of a plain call."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name.startswith(b"mcp-") and (name not in _ROUTING or name in found):
            return None
        found[name] = value
    if found.get(b"mcp-protocol-version", b"").decode("latin-1") not in MODERN_PROTOCOL_VERSIONS:
        return None
    accepted, kind = found.get(b"accept", b""), found.get(b"content-type", b"")
    if b"application/json" not in accepted or b"text/event-stream" not in accepted or b"content-encoding" in found:
        return None
    if kind.partition(b";")[0].strip() != b"application/json":
        return None
    return {name.decode(): found[name].decode("latin-1") for name in _ROUTING if name in found}
