"""What Envoy says of an agent's call: its method, its metadata and its one message. Pure."""

import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.adapters.upstreams import Metadata
from pilote.envoy import auth_pb2

_TIMEOUT: Final = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TRANSPORT: Final = frozenset({"content-type", "te", "x-forwarded-proto"})
"""What gRPC keeps to itself, and what Envoy puts there."""
MOST_HEADERS: Final = 16 * 1024
"""Bytes of names and values that gRPC takes; calls with more are refused."""
_FRAME: Final = 5
"""Bytes before a message: whether it is compressed, and its length."""


class Asked(NamedTuple):
    """An agent's call, as far as Envoy has it."""

    method: str
    metadata: Metadata
    """As gRPC gives it to a handler, in the caller's order."""
    message: bytes
    time_remaining: Callable[[], float | None]
    """Seconds left of the caller's deadline; `None` without one."""


def asked(http: auth_pb2.AttributeContext.HttpRequest, *, clock: Callable[[], float] = time.monotonic) -> Asked | None:
    """The call that a request is; `None` where it is none with one plain message, and all of it here.

    That is a longer one than Envoy shows, a compressed one, or something that is no call at all: whoever speaks gRPC
    must see to it.
    """
    message = _message(http.raw_body)
    pairs: list[tuple[str, str | bytes]] = []
    if message is None:
        return None
    remaining: Callable[[], float | None] = _unlimited
    for each in http.header_map.headers:
        name = each.key
        if name == "grpc-timeout":
            found = _TIMEOUT.fullmatch(each.raw_value)
            if found is None:
                return None
            remaining = _until(clock() + int(found[1]) * _UNITS[found[2]], clock)
        elif name[:1] == ":" or name in _TRANSPORT or name.startswith(("grpc-", "x-envoy-")):
            continue
        elif name.endswith("-bin"):
            value = _decoded(each.raw_value)
            if value is None:
                return None
            pairs.append((name, value))
        else:
            text = each.raw_value
            if not text.isascii():
                return None
            pairs.append((name, text.decode("ascii")))
    try:
        return Asked(http.path.decode("ascii"), tuple(pairs), message, remaining)
    except UnicodeDecodeError:
        return None


def heavy(http: auth_pb2.AttributeContext.HttpRequest) -> bool:
    """Whether a call comes with more metadata than gRPC takes."""
    return sum([len(each.key) + len(each.raw_value) for each in http.header_map.headers]) > MOST_HEADERS


def _message(body: bytes) -> bytes | None:
    if len(body) < _FRAME or body[0] != 0 or int.from_bytes(body[1:_FRAME]) != len(body) - _FRAME:
        return None
    return body[_FRAME:]


def _decoded(value: bytes) -> bytes | None:
    """What a binary value holds, which comes with or without its padding."""
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return None


def _unlimited() -> None:
    return None


def _until(deadline: float, clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: deadline - clock()
