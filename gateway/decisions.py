"""`pilote.decision.v1.DecisionService`: what the gateway would say to a call, without making it."""

import asyncio
import re
from typing import Any, Final

import msgspec

from gateway import refusal
from gateway.callrun import CallRun, Incoming
from gateway.clock import clock_ms
from gateway.core.call import Agent
from gateway.core.errors import CallEnded, invalid
from gateway.core.explain import explain
from gateway.core.explain_attempts import explain_order
from gateway.core.texts import language_of
from gateway.holds.waiting import Waiting
from gateway.offering import Offering
from gateway.pipeline import Pipeline
from gateway.records.call_records import record_of
from gateway.records.conclusion import concluded
from gateway.rpc.interceptors import end, unexpected
from gateway.watching.trace_context import TRACEPARENT, handling, parsed
from gateway.wire.decisions import decision_message
from gateway.wire.holds import hold_message
from gateway.wire.outcomes import outcomes_in
from pilote.decision.v1 import decision_service_pb2, decision_service_pb2_grpc

LONGEST_WAIT_SECONDS: Final = 600.0
ANSWER_SECONDS: Final = 0.2
"""What is left of the caller's deadline for the answer, which must come before it."""
_HOLD: Final = re.compile(r"holds/([0-9a-f]{32})")


class Decisions(decision_service_pb2_grpc.DecisionServiceServicer):
    """Evaluates calls for the agents that would make them."""

    def __init__(self, pipeline: Pipeline, waiting: Waiting) -> None:
        self._pipeline = pipeline
        self._waiting = waiting
        self._offering = Offering()

    async def EvaluateCall(
        self, request: decision_service_pb2.EvaluateCallRequest, context: Any
    ) -> decision_service_pb2.EvaluateCallResponse:
        """See the contract."""
        try:
            return await self._evaluate(request, context)
        except CallEnded as ended:
            await end(context, ended)
        except Exception as error:
            await end(context, unexpected(error, "EvaluateCall"))

    async def GetHold(
        self, request: decision_service_pb2.GetHoldRequest, context: Any
    ) -> decision_service_pb2.GetHoldResponse:
        """See the contract."""
        try:
            agent, hold_id = self._asked(request.name, context)
            found = await self._waiting.get(agent.tenant, agent.name, hold_id)
            return decision_service_pb2.GetHoldResponse(hold=hold_message(*found))
        except CallEnded as ended:
            await end(context, _in_language(ended, context))
        except Exception as error:
            await end(context, unexpected(error, "GetHold"))

    async def WaitHold(
        self, request: decision_service_pb2.WaitHoldRequest, context: Any
    ) -> decision_service_pb2.WaitHoldResponse:
        """See the contract."""
        try:
            agent, hold_id = self._asked(request.name, context)
            seconds = _wait_seconds(request, context.time_remaining())
            found = await self._waiting.wait(agent.tenant, agent.name, hold_id, seconds=seconds)
            return decision_service_pb2.WaitHoldResponse(hold=hold_message(*found))
        except CallEnded as ended:
            await end(context, _in_language(ended, context))
        except Exception as error:
            await end(context, unexpected(error, "WaitHold"))

    async def ListMethods(
        self, request: decision_service_pb2.ListMethodsRequest, context: Any
    ) -> decision_service_pb2.ListMethodsResponse:
        """See the contract."""
        try:
            agent = self._pipeline.identify(dict(context.invocation_metadata()))
            return await self._offering.page(self._pipeline.revision, agent.name, request)
        except CallEnded as ended:
            await end(context, _in_language(ended, context))
        except Exception as error:
            await end(context, unexpected(error, "ListMethods"))

    async def ReportOutcomes(
        self, request: decision_service_pb2.ReportOutcomesRequest, context: Any
    ) -> decision_service_pb2.ReportOutcomesResponse:
        """See the contract."""
        try:
            return await self._report(request, context)
        except CallEnded as ended:
            await end(context, ended)
        except Exception as error:
            await end(context, unexpected(error, "ReportOutcomes"))

    async def _report(
        self, request: decision_service_pb2.ReportOutcomesRequest, context: Any
    ) -> decision_service_pb2.ReportOutcomesResponse:
        metadata = dict(context.invocation_metadata())
        reporting = parsed(metadata.get(TRACEPARENT))
        handling(reporting)
        agent = self._pipeline.identify(metadata)
        now_ms = clock_ms()
        outcomes = outcomes_in(
            request, reporter=agent.name, now_ms=now_ms, traceparent=reporting.traceparent if reporting else ""
        )
        new = await asyncio.gather(*(self._pipeline.report(agent.tenant, outcome) for outcome in outcomes))
        return decision_service_pb2.ReportOutcomesResponse(accepted_count=sum(new))

    def _asked(self, name: str, context: Any) -> tuple[Agent, str]:
        """Who asks, and for the hold of which id."""
        agent = self._pipeline.identify(dict(context.invocation_metadata()))
        found = _HOLD.fullmatch(name)
        if found is None:
            text = "name must be holds/{hold}, as the refusal gave it."
            raise invalid("name", text)
        return agent, found[1]

    async def _evaluate(
        self, request: decision_service_pb2.EvaluateCallRequest, context: Any
    ) -> decision_service_pb2.EvaluateCallResponse:
        pairs = tuple(context.invocation_metadata())
        incoming = Incoming.of(request.method, pairs, time_remaining=context.time_remaining, trace_ratio=0)
        handling(incoming.trace)
        run = CallRun(incoming)
        outcome = await self._pipeline.evaluate(run, request.request)
        # A record that will never be settled: it says what would be, and ends with its verdict.
        record = msgspec.structs.replace(record_of(run), expires_ms=0)
        decision = decision_message(record, outcome, settlement=None, conclusion=concluded(record, outcome))
        decision.name = ""
        ways = self._pipeline.ways(run)
        order = explain_order(
            [(way.arm.arm, way.arm.version) for way in ways if not way.reason], language=incoming.language
        )
        sentences = explain(record, outcome, settlement=None, language=incoming.language) + order
        return decision_service_pb2.EvaluateCallResponse(
            decision=decision,
            explanation=sentences,
            ways=[
                decision_service_pb2.Way(
                    arm=way.arm.arm,
                    upstream=way.arm.upstream,
                    version=way.arm.version,
                    max_attempts=way.attempts,
                    reason=way.reason,
                )
                for way in ways
            ],
        )


def _wait_seconds(request: decision_service_pb2.WaitHoldRequest, remaining_s: float | None) -> float:
    """How long to wait: what is asked, at most ten minutes, and a little less than the caller's deadline."""
    wanted = request.timeout.ToMicroseconds() / 1e6 if request.HasField("timeout") else LONGEST_WAIT_SECONDS
    left = LONGEST_WAIT_SECONDS if remaining_s is None else remaining_s - ANSWER_SECONDS
    return max(0.0, min(wanted, left, LONGEST_WAIT_SECONDS))


def _in_language(ended: CallEnded, context: Any) -> CallEnded:
    return refusal.in_language(ended, language_of(dict(context.invocation_metadata()).get("accept-language")))
