"""What Envoy says of an agent's call: its method, its metadata and its one message. Pure."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.adapters.upstreams import Metadata
from gateway.rpc.framing import Frames, Misframed, only_message, seconds_of, unpacked
from pilote.envoy import auth_pb2

_TRANSPORT: Final = frozenset({"content-type", "te", "x-forwarded-proto"})
"""What gRPC keeps to itself, and what Envoy puts there."""
MOST_HEADERS: Final = 16 * 1024
"""Bytes of names and values that gRPC takes; calls with more are refused."""


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
    try:
        return _asked(http, clock)
    except (Misframed, UnicodeDecodeError):
        return None


def _asked(http: auth_pb2.AttributeContext.HttpRequest, clock: Callable[[], float]) -> Asked:
    body = http.raw_body
    message = only_message(body, Frames(max_bytes=len(body)))
    pairs: list[tuple[str, str | bytes]] = []
    remaining: Callable[[], float | None] = _unlimited
    for each in http.header_map.headers:
        name = each.key
        if name == "grpc-timeout":
            remaining = _until(clock() + seconds_of(each.raw_value), clock)
        elif name[:1] == ":" or name in _TRANSPORT or name.startswith(("grpc-", "x-envoy-")):
            continue
        elif name.endswith("-bin"):
            pairs.append((name, unpacked(name, each.raw_value)))
        else:
            pairs.append((name, each.raw_value.decode("ascii")))
    return Asked(http.path.decode("ascii"), tuple(pairs), message, remaining)


def heavy(http: auth_pb2.AttributeContext.HttpRequest) -> bool:
    """Whether a call comes with more metadata than gRPC takes."""
    if http.header_map.ByteSize() <= MOST_HEADERS:  # as nearly all are; the message is larger than what it holds
        return False
    return sum([len(each.key) + len(each.raw_value) for each in http.header_map.headers]) > MOST_HEADERS


def _unlimited() -> None:
    return None


def _until(deadline: float, clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: deadline - clock()
