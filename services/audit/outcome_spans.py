"""A span for what a customer did, linked to the span of the contact that it is about.

It is made here and not by the gateway that was told, since only the store knows the contact's span.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.trace import SpanKind

from gateway.core.errors import CallEnded
from gateway.watching.trace_context import CallTrace, drawn, parsed
from gateway.watching.tracing import Attributes, Tracing
from services.audit.entries import Entry, Reported
from services.audit.store import DecisionStore

MOST_WAITING: Final = 1_000
"""Outcomes whose spans wait to be made; further ones have none: storing does not wait for traces."""


class OutcomeSpans:
    """Makes the spans. `ratio` is the share of them that is exported where the reporter's own trace does not say.

    `clock_ms` gives milliseconds since the epoch.
    """

    def __init__(self, store: DecisionStore, tracing: Tracing, *, ratio: float, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._tracing = tracing
        self._ratio = ratio
        self._clock_ms = clock_ms
        self._waiting: asyncio.Queue[Reported | None] = asyncio.Queue()

    def stored(self, entries: Sequence[Entry]) -> None:
        """Make spans for the outcomes among these entries, soon. Never waits."""
        for entry in entries:
            if isinstance(entry, Reported) and self._waiting.qsize() < MOST_WAITING:
                self._waiting.put_nowait(entry)

    def stop(self) -> None:
        """Take no more; `run` ends when those that wait are made."""
        self._waiting.put_nowait(None)

    async def run(self) -> None:
        """Make them until stopped."""
        while (reported := await self._waiting.get()) is not None:
            with contextlib.suppress(CallEnded):  # the store fails: then this one has no span
                await self._tell(reported)

    async def _tell(self, reported: Reported) -> None:
        outcome, now_ms = reported.outcome, self._clock_ms()
        found = await self._store.get(outcome.decision, now_ms=now_ms)
        action = None
        if found is not None and found.record.tenant == reported.tenant and found.record.span_id:
            record = found.record
            action = CallTrace(record.trace_id, record.span_id, sampled=drawn(record.trace_id, ratio=self._ratio))
        trace = _trace(reported)
        if not trace.sampled and (trace.parent_id or not drawn((action or trace).trace_id, ratio=self._ratio)):
            return  # the reporter has decided otherwise, or the action's own span is not there either
        attributes: Attributes = {
            "pilote.decision": outcome.decision,
            "pilote.tenant": reported.tenant,
            "pilote.agent": outcome.reporter,
            "pilote.outcome": outcome.type,
        }
        self._tracing.end(
            trace,
            name=f"outcome {outcome.type}",
            attributes=attributes,
            started_ns=outcome.reported_ms * 1_000_000,
            ended_ns=max(now_ms, outcome.reported_ms) * 1_000_000,
            failed=False,
            kind=SpanKind.CONSUMER,
            link=action,
            link_says="action",
        )


def _trace(reported: Reported) -> CallTrace:
    """Where the span stands: below the reporter's where that has a trace, else in a trace of its own.

    An entry that is delivered twice gives the same ids twice.
    """
    outcome = reported.outcome
    said = f"{reported.tenant}\x00{outcome.decision}\x00{outcome.type}\x00{outcome.event}".encode()
    digest = hashlib.blake2b(said, digest_size=24).hexdigest()
    parent = parsed(outcome.traceparent)
    if parent is None:
        return CallTrace(digest[:32], digest[32:])
    return CallTrace(parent.trace_id, digest[32:], parent_id=parent.span_id, sampled=parent.sampled)
