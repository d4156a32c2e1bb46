"""Envoy asks about an agent's call: it takes the first six steps here, and Envoy carries it, hands it over or ends it.

What Envoy cannot carry is handed over before it has taken anything, and is decided about where it goes.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from gateway.callrun import CallRun, Incoming
from gateway.core.record import Acted
from gateway.core.revision.compiled import Revision
from gateway.envoy.engine.answering import carry, cluster_of, handed_over, refused, too_heavy
from gateway.envoy.engine.asking import Asked, asked, heavy
from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.carrying import carried_methods, fits
from gateway.pipeline import HandedOver, Pipeline
from gateway.rpc.interceptors import unexpected
from gateway.streams import NeverCame
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch
from pilote.envoy import auth_pb2

Reached = Callable[[str], bool]
"""Whether Envoy has a cluster of that name by now."""


class Checking:
    """Answers for calls of agents."""

    def __init__(
        self, pipeline: Pipeline, watch: Watch, *, carried: Carried, reached: Reached, trace_ratio: float
    ) -> None:
        self._pipeline = pipeline
        self._watch = watch
        self._carried = carried
        self._asked = 0
        watch.observe_calls(lambda: self._asked + len(carried))
        self._reached = reached
        self._trace_ratio = trace_ratio
        self._known: tuple[Revision | None, frozenset[str]] = (None, frozenset())

    async def answer(self, http: auth_pb2.AttributeContext.HttpRequest, context: Any) -> auth_pb2.CheckResponse:
        """What becomes of the call; `context` is that of the question."""
        if heavy(http):
            return self._too_heavy(http)
        found = asked(http)
        if found is None or self._pipeline.draining or not self._carries(found):
            return handed_over()
        incoming = Incoming.of(
            found.method, found.metadata, time_remaining=found.time_remaining, trace_ratio=self._trace_ratio
        )
        run = CallRun(incoming)
        now = handling(incoming.trace)
        self._asked += 1
        try:
            await self._pipeline.admit(run, found.message, fits=self._fits)
            answer = carry(run)
            self._carried.begin(run)
            self._pipeline.forwarding.count(run)
            context.add_done_callback(functools.partial(self._unless_heard, run))
            return answer
        except HandedOver:
            return handed_over()
        except asyncio.CancelledError as ended:  # the caller has gone, or Envoy has given up: nothing is forwarded
            self._give_back(run, ended)
            raise
        except Exception as error:
            self._give_back(run, error)
            return refused(run, unexpected(error, found.method))
        finally:
            self._asked -= 1
            if run.ended is not None:
                self._watch.ended(run)
            now.trace = None

    def _too_heavy(self, http: auth_pb2.AttributeContext.HttpRequest) -> auth_pb2.CheckResponse:
        method = http.path.decode("ascii", errors="replace")
        run = CallRun(Incoming.of(method, (), time_remaining=lambda: None, trace_ratio=self._trace_ratio))
        self._pipeline.never_came(run, NeverCame())
        self._watch.ended(run)
        return too_heavy()

    def _carries(self, found: Asked) -> bool:
        """Whether Envoy may carry the call by the active revision: its routes may be those of the one before."""
        revision = self._pipeline.revision
        if revision is not self._known[0]:
            self._known = (revision, frozenset() if revision is None else carried_methods(revision))
        if revision is None or found.method not in self._known[1]:
            return False
        # Of one that is larger than its contract allows the gateway says so.
        return len(found.message) <= revision.methods[found.method].contract.max_message_bytes

    def _unless_heard(self, run: CallRun, context: Any) -> None:
        if context.cancelled():
            self._carried.unheard(run)

    def _fits(self, run: CallRun) -> bool:
        return fits(run) and run.upstream is not None and self._reached(cluster_of(run))

    def _give_back(self, run: CallRun, ended: BaseException) -> None:
        run.ended, run.acted = ended, Acted.NO
        self._pipeline.settle(run)
