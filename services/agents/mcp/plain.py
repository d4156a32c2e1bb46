"""Which requests over HTTP are plain calls of a tool: whole, and asking nothing more; with a session or without."""

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pydantic_core
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.methods import validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from services.agents.mcp.messages import METHOD, NAME, SESSION, VERSION, Message

_PROGRESS: Final = "progressToken"
_NOT_PROGRESS: Final = "progress_token"
"""The SDK's own name of it, which says nothing on the wire."""
_RESERVED: Final = "io.modelcontextprotocol/"
_LONGEST_CLIENT: Final = 4096
_ROUTING: Final = (VERSION, METHOD, NAME)
_CLIENT: Final = (CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY)
_READ: Final = msgspec.json.Decoder(Message)


def plain(named: Mapping[bytes, bytes], body: bytes) -> Message | None:
    """The message, where it is a plain call without a session; `None` for all else, right or wrong."""
    if SESSION in named or named.get(VERSION, b"").decode("latin-1") not in MODERN_PROTOCOL_VERSIONS:
        return None
    try:
        message = _READ.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    meta = message.params.meta
    if not _progress_fits(meta) or not _client_fits(
        msgspec.json.encode({key: meta[key] for key in _CLIENT if key in meta})
    ):
        return None
    envelope = {"method": message.method, "params": {"name": message.params.name, "_meta": meta}}
    routing = {name.decode(): named[name].decode("latin-1") for name in _ROUTING if name in named}
    fits = isinstance(classify_inbound_request(envelope, headers=routing), InboundModernRoute)
    return message if fits else None


def plain_in_session(named: Mapping[bytes, bytes], body: bytes) -> Message | None:
    """The message, where it is a plain call in some session; `None` for all else, right or wrong."""
    if SESSION not in named or METHOD in named or NAME in named:
        return None
    if VERSION in named and named[VERSION].decode("latin-1") not in HANDSHAKE_PROTOCOL_VERSIONS:
        return None
    try:
        # The SDK's own parser: it reads less deep than ours, and other numbers.
        message = msgspec.convert(pydantic_core.from_json(body), Message)
    except ValueError:
        return None
    meta = message.params.meta
    return message if _progress_fits(meta) and not any(key.startswith(_RESERVED) for key in meta) else None


def _progress_fits(meta: Mapping[str, Any]) -> bool:
    """Whether the SDK takes how the caller asks to hear of progress. Many always ask; of one answer there is none."""
    token = meta.get(_PROGRESS, "")
    return isinstance(token, int | str) and not isinstance(token, bool) and _NOT_PROGRESS not in meta


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
