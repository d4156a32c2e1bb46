"""W3C trace context: the trace that a call belongs to, as its headers say, and which one is being handled now."""

import random
import re
from contextvars import ContextVar
from typing import Final

import msgspec

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_TRACEPARENT: Final = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_random: Final = random.Random()  # noqa: S311 - ids must be distinct, not secret; a system call each costs more


class CallTrace(msgspec.Struct, frozen=True):
    """Where a call stands in its trace. Ids are hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    """The caller's span; empty where the trace begins here."""
    sampled: bool = False
    """Whether the caller has decided that this trace is exported, or our own draw has."""
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The W3C header for the upstream, which becomes our child."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def begin(traceparent: str | bytes | None, tracestate: str | bytes | None, *, ratio: float) -> CallTrace:
    """Join the caller's trace, or begin one where it sent none or sent garbage."""
    match = _TRACEPARENT.match(traceparent) if isinstance(traceparent, str) else None
    span_id = f"{_random.getrandbits(64) or 1:016x}"
    if match is None or match[1] == "ff" or match[2] == _NO_TRACE or match[3] == _NO_SPAN or _too_long(match):
        trace_id = f"{_random.getrandbits(128) or 1:032x}"
        return CallTrace(trace_id, span_id, sampled=drawn(trace_id, ratio=ratio))
    state = tracestate if isinstance(tracestate, str) and len(tracestate) <= 512 else ""
    return CallTrace(match[2], span_id, parent_id=match[3], sampled=bool(int(match[4], 16) & 1), state=state)


def drawn(trace_id: str, *, ratio: float) -> bool:
    """Whether a trace is exported where a share of them is; every process with the same ratio says the same.

    It depends on the trace's last 56 bits, which are random by W3C trace context, level 2.
    """
    return int(trace_id[18:], 16) < ratio * (1 << 56)


def parsed(traceparent: str | bytes | None) -> CallTrace | None:
    """Where another span stands, by its W3C header; `None` where that is none."""
    match = _TRACEPARENT.match(traceparent) if isinstance(traceparent, str) else None
    return None if match is None else CallTrace(match[2], match[3], sampled=bool(int(match[4], 16) & 1))


def _too_long(match: re.Match[str]) -> bool:
    """Whether more follows than version 00 knows; later versions may add parts."""
    return match[1] == "00" and match[5] is not None


class Handled:
    """The call that is being handled, for the lines that are logged meanwhile; `trace` is `None` once it has ended.

    Tasks that a call begins, and that outlive it, would otherwise log under its name for ever.
    """

    __slots__ = ("trace",)

    def __init__(self, trace: CallTrace | None) -> None:
        self.trace = trace


_handled: Final[ContextVar[Handled | None]] = ContextVar("handled", default=None)


def handling(trace: CallTrace | None) -> Handled:
    """Lines that this task logs from now on belong to that call, until its `trace` is taken away."""
    now = Handled(trace)
    _handled.set(now)
    return now


def handled() -> CallTrace | None:
    """The call that is being handled here; `None` for none."""
    found = _handled.get()
    return None if found is None else found.trace
