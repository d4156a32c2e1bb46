"""`pilote.decision.v1.DecisionService`: what the gateway would say to a call, without making it."""

import asyncio
import time
from typing import Any

import msgspec

from gateway import wire
from gateway.callrun import CallRun, Incoming, record_of
from gateway.conclusion import concluded
from gateway.core.errors import CallEnded, Reason
from gateway.core.explain import explain
from gateway.pipeline import Pipeline
from gateway.rpc.interceptors import end, unexpected
from pilote.decision.v1 import decision_service_pb2, decision_service_pb2_grpc


class Decisions(decision_service_pb2_grpc.DecisionServiceServicer):
    """Evaluates calls for the agents that would make them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

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

    async def GetHold(self, _request: Any, context: Any) -> Any:
        """See the contract."""
        await end(context, _later("Holds"))

    async def WaitHold(self, _request: Any, context: Any) -> Any:
        """See the contract."""
        await end(context, _later("Holds"))

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
        agent = self._pipeline.identify(dict(context.invocation_metadata()))
        now_ms = time.time_ns() // 1_000_000
        outcomes = wire.outcomes(request, reporter=agent.name, now_ms=now_ms)
        new = await asyncio.gather(*(self._pipeline.report(agent.tenant, outcome) for outcome in outcomes))
        return decision_service_pb2.ReportOutcomesResponse(accepted_count=sum(new))

    async def _evaluate(
        self, request: decision_service_pb2.EvaluateCallRequest, context: Any
    ) -> decision_service_pb2.EvaluateCallResponse:
        pairs = tuple(context.invocation_metadata())
        incoming = Incoming.of(request.method, pairs, time_remaining=context.time_remaining, trace_ratio=0)
        run = CallRun(incoming)
        outcome = await self._pipeline.evaluate(run, request.request)
        # A record that will never be settled: it says what would be, and ends with its verdict.
        record = msgspec.structs.replace(record_of(run), expires_ms=0)
        decision = wire.decision(record, outcome, settlement=None, conclusion=concluded(record, outcome))
        decision.name = ""
        sentences = explain(record, outcome, settlement=None, language=incoming.language)
        return decision_service_pb2.EvaluateCallResponse(decision=decision, explanation=sentences)


def _later(what: str) -> CallEnded:
    return CallEnded(
        Reason.NOT_BUILT, f"{what} are part of the contract, but this version of Pilote does not serve them yet."
    )
