"""`pilote.objective.v1.ObjectiveService`: what the policy states that an agent is to achieve, and how it stands."""

import re
from collections.abc import Sequence
from typing import Any, Final

from gateway.clock import clock_ms
from gateway.core.call import Agent
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.policy.objectives import Objective
from gateway.core.policy.vocabulary import NAME
from gateway.core.texts import language_of
from gateway.pipeline import Pipeline
from gateway.rpc.interceptors import end, unexpected
from gateway.wire.objectives import COLLECTION, objective_message
from pilote.objective.v1 import objective_service_pb2, objective_service_pb2_grpc

DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 1_000


class Objectives(objective_service_pb2_grpc.ObjectiveServiceServicer):
    """Answers agents that ask what they are to achieve."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def ListObjectives(
        self, request: objective_service_pb2.ListObjectivesRequest, context: Any
    ) -> objective_service_pb2.ListObjectivesResponse:
        """See the contract."""
        try:
            return self._page(request, context)
        except CallEnded as ended:
            await end(context, ended)
        except Exception as error:
            await end(context, unexpected(error, "ListObjectives"))

    async def GetObjective(
        self, request: objective_service_pb2.GetObjectiveRequest, context: Any
    ) -> objective_service_pb2.GetObjectiveResponse:
        """See the contract."""
        try:
            agent, stated, _ = self._stated(context)
            if not request.name.startswith(COLLECTION):
                raise invalid("name", "name must be objectives/{objective}, as ListObjectives gives it.")
            name = request.name.removeprefix(COLLECTION)
            found = next((each for each in stated if each.name == name), None)
            if found is None:
                raise CallEnded(Reason.NOT_FOUND, "There is no such objective for this agent; list them.")
            return objective_service_pb2.GetObjectiveResponse(objective=self._told(found, agent, context))
        except CallEnded as ended:
            await end(context, ended)
        except Exception as error:
            await end(context, unexpected(error, "GetObjective"))

    def _page(
        self, request: objective_service_pb2.ListObjectivesRequest, context: Any
    ) -> objective_service_pb2.ListObjectivesResponse:
        agent, stated, revision = self._stated(context)
        if not 0 <= request.page_size <= LARGEST_SIZE:
            text = f"page_size is {request.page_size}; it must be 1 to {LARGEST_SIZE}, or 0 for {DEFAULT_SIZE}."
            raise invalid("page_size", text)
        if request.page_token and not re.fullmatch(NAME, request.page_token):
            raise invalid("page_token", "page_token is not one of ours: pass next_page_token of the page before.")
        size = request.page_size or DEFAULT_SIZE
        left = sorted((each for each in stated if each.name > request.page_token), key=lambda each: each.name)
        shown = left[:size]
        return objective_service_pb2.ListObjectivesResponse(
            objectives=[self._told(each, agent, context) for each in shown],
            next_page_token=shown[-1].name if len(left) > size else "",
            revision=revision,
        )

    def _stated(self, context: Any) -> tuple[Agent, Sequence[Objective], int]:
        """Who asks, the objectives that their calls may serve, and the revision that states them."""
        agent = self._pipeline.identify(dict(context.invocation_metadata()))
        revision = self._pipeline.revision
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so every call is refused.")
        own = [
            each
            for each in revision.document.objectives
            if each.tenant == agent.tenant and (not each.agents or agent.name in each.agents)
        ]
        return agent, own, revision.number

    def _told(self, objective: Objective, agent: Agent, context: Any) -> objective_service_pb2.Objective:
        language = language_of(dict(context.invocation_metadata()).get("accept-language"))
        progress = self._pipeline.progress.of(agent.tenant).get(objective.name)
        return objective_message(objective, progress, now_ms=clock_ms(), language=language)
