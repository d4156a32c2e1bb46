"""What Envoy says of an agent's call: its method, its metadata and its one message. Pure."""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from gateway.adapters.upstreams import Metadata
from gateway.envoy.doors import KEY_HEADER
from gateway.rpc.framing import Frames, Misframed, only_message, seconds_of, unpacked

_TRANSPORT: Final = frozenset(
    {b"content-type", b"content-length", b"host", b"te", b"x-forwarded-proto", KEY_HEADER.encode()}
)
"""What gRPC keeps to itself, and what Envoy puts there."""
_NEVER_METADATA: Final = (b"grpc-", b"x-envoy-")
_ENVOYS: Final = (b"x-envoy-", KEY_HEADER.encode())
"""What no caller says, but Envoy."""
MOST_HEADERS: Final = 16 * 1024
"""Bytes of names and values that gRPC takes; calls with more are refused."""


class Question(NamedTuple):
    """What Envoy asks about: a request, as it came."""

    path: bytes
    headers: Sequence[tuple[bytes, bytes]]
    """In no order. Of one that came more than once the values stand in theirs, with commas between."""
    body: bytes
    """All of it, or its beginning."""


class Asked(NamedTuple):
    """An agent's call, as far as Envoy has it."""

    method: str
    metadata: Metadata
    """As gRPC gives it to a handler, but for the order of keys, and plain values of one key stand in one text."""
    message: bytes
    time_remaining: Callable[[], float | None]
    """Seconds left of the caller's deadline; `None` without one."""


def asked(question: Question, *, clock: Callable[[], float] = time.monotonic) -> Asked | None:
    """The call that a request is; `None` where it is none with one plain message, and all of it here.

    That is a longer one than Envoy shows, a compressed one, or something that is no call at all: whoever speaks gRPC
    must see to it.
    """
    try:
        return _asked(question, clock)
    except (Misframed, UnicodeDecodeError):
        return None


def _asked(question: Question, clock: Callable[[], float]) -> Asked:
    message = only_message(question.body, Frames(max_bytes=len(question.body)))
    pairs: list[tuple[str, str | bytes]] = []
    remaining: Callable[[], float | None] = _unlimited
    for name, value in question.headers:
        if name == b"grpc-timeout":
            remaining = _until(clock() + seconds_of(value), clock)
        elif name in _TRANSPORT or name.startswith(_NEVER_METADATA):
            continue
        elif name.endswith(b"-bin"):
            key = name.decode("ascii")
            pairs += [(key, unpacked(key, part)) for part in value.split(b",")]
        else:
            pairs.append((name.decode("ascii"), value.decode("ascii")))
    return Asked(question.path.decode("ascii"), tuple(pairs), message, remaining)


def heavy(question: Question) -> bool:
    """Whether a call comes with more metadata than gRPC takes."""
    if sum([len(name) + len(value) for name, value in question.headers]) <= MOST_HEADERS:  # as nearly all are
        return False
    sizes = [len(name) + len(value) for name, value in question.headers if not name.startswith(_ENVOYS)]
    return sum(sizes) > MOST_HEADERS


def _unlimited() -> None:
    return None


def _until(deadline: float, clock: Callable[[], float]) -> Callable[[], float]:
    return lambda: deadline - clock()
