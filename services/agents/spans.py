"""Spans of our doors, one a request that becomes a call; the gateway's span becomes its child.

As of the gateway, whether one is exported is known in the end: refused and failed requests always are, others at a
ratio.
"""

import time
from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.watching.trace_context import TRACEPARENT, TRACESTATE, CallTrace, begin
from gateway.watching.tracing import Attributes, Tracing
from services.agents.calling import Metadata

PILOTE_DECISION: Final = "pilote.decision"
PILOTE_REASON: Final = "pilote.reason"


class Spans:
    """Makes spans where somebody looks at them: `tracing` is `None` for nobody. `ratio` as of the gateway."""

    def __init__(self, tracing: Tracing | None, *, ratio: float = 1.0) -> None:
        self._tracing = tracing
        self._ratio = ratio

    def begun(self, headers: Iterable[tuple[str, str | bytes]]) -> "Span | None":
        """A span that begins now, in the trace that the headers name; `None` where nobody looks."""
        if self._tracing is None:
            return None
        said = dict(headers)
        parent, state = said.get(TRACEPARENT), said.get(TRACESTATE)
        return Span(self._tracing, begin(parent, state, ratio=self._ratio), time.time_ns())


class Span(msgspec.Struct, frozen=True):
    """A span that has begun."""

    tracing: Tracing
    trace: CallTrace
    started_ns: int

    def below(self, metadata: Metadata) -> Metadata:
        """The metadata of a call whose span becomes the child of this one."""
        kept = [pair for pair in metadata if pair[0] not in (TRACEPARENT, TRACESTATE)]
        kept.append((TRACEPARENT, self.trace.traceparent))
        if self.trace.state:
            kept.append((TRACESTATE, self.trace.state))
        return kept

    def end(self, name: str, attributes: Attributes, *, refused: bool, failed: bool) -> None:
        """Tell of it: always where it was `refused` or has `failed`, else where its trace is sampled.

        `failed` is what the span's status says.
        """
        if refused or failed or self.trace.sampled:
            self.tracing.end(
                self.trace,
                name=name,
                attributes=attributes,
                started_ns=self.started_ns,
                ended_ns=time.time_ns(),
                failed=failed,
            )
