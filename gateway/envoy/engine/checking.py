"""Envoy asks about an agent's call: it takes the first six steps here, and Envoy carries it, hands it over or ends it.

What Envoy cannot carry is handed over before it has taken anything, and is decided about where it goes.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from gateway.callrun import CallRun, Incoming
from gateway.core.record import Acted
from gateway.core.revision.compiled import Revision
from gateway.envoy.engine.answering import carry, cluster_of, handed_over, refused, too_heavy
from gateway.envoy.engine.asking import Asked, Question, asked, heavy
from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.carrying import carried_methods, fits
from gateway.pipeline import HandedOver, Pipeline
from gateway.rpc.interceptors import unexpected
from gateway.streams import NeverCame
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch

Reached = Callable[[str], bool]
"""Whether Envoy has a cluster of that name by now."""


class Answer(NamedTuple):
    """What Envoy gets."""

    http: bytes
    carried: CallRun | None = None
    """The call that it carries from then on."""


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

    async def answer(self, question: Question) -> Answer:
        """What becomes of the call."""
        if heavy(question):
            return self._too_heavy(question)
        found = asked(question)
        if found is None or self._pipeline.draining or not self._carries(found):
            return Answer(handed_over())
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
            return Answer(answer, run)
        except HandedOver:
            return Answer(handed_over())
        except asyncio.CancelledError as ended:  # the caller has gone, or Envoy has given up: nothing is forwarded
            self._give_back(run, ended)
            raise
        except Exception as error:
            self._give_back(run, error)
            return Answer(refused(run, unexpected(error, found.method)))
        finally:
            self._asked -= 1
            if run.ended is not None:
                self._watch.ended(run)
            now.trace = None

    def unheard(self, run: CallRun) -> None:
        """Envoy has not taken the answer by which it would have carried this call."""
        self._carried.unheard(run)

    def _too_heavy(self, question: Question) -> Answer:
        method = question.path.decode("ascii", errors="replace")
        run = CallRun(Incoming.of(method, (), time_remaining=lambda: None, trace_ratio=self._trace_ratio))
        self._pipeline.never_came(run, NeverCame())
        self._watch.ended(run)
        return Answer(too_heavy())

    def _carries(self, found: Asked) -> bool:
        """Whether Envoy may carry the call by the active revision: its routes may be those of the one before."""
        revision = self._pipeline.revision
        if revision is not self._known[0]:
            self._known = (revision, frozenset() if revision is None else carried_methods(revision))
        if revision is None or found.method not in self._known[1]:
            return False
        # Of one that is larger than its contract allows the gateway says so.
        return len(found.message) <= revision.methods[found.method].contract.max_message_bytes

    def _fits(self, run: CallRun) -> bool:
        return fits(run) and run.upstream is not None and self._reached(cluster_of(run))

    def _give_back(self, run: CallRun, ended: BaseException) -> None:
        run.ended, run.acted = ended, Acted.NO
        self._pipeline.settle(run)
