"""What agents are to achieve, as resources of MCP: one for each objective that the gateway states to the agent."""

from typing import Final

import mcp_types
from google.protobuf import json_format

from pilote.objective.v1 import objective_service_pb2
from services.agents.calling import Caller
from services.agents.mcp.asking import Asking

SCHEME: Final = "pilote://"
"""Before an objective's resource name: "pilote://objectives/spring"."""
JSON: Final = "application/json"
LIST_SECONDS: Final = 10.0
OBJECTIVES_A_PAGE: Final = 100
_LIST: Final = "/pilote.objective.v1.ObjectiveService/ListObjectives"
_GET: Final = "/pilote.objective.v1.ObjectiveService/GetObjective"
_LONGEST: Final = 200


class Resources:
    """Asks the gateway for objectives, as the agent that asks."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, asked: Asking, *, cursor: str) -> mcp_types.ListResourcesResult:
        """A page of the objectives that the agent may serve, by name.

        Raises:
            grpc.aio.AioRpcError: the gateway refuses, or does not answer.
        """
        request = objective_service_pb2.ListObjectivesRequest(page_size=OBJECTIVES_A_PAGE, page_token=cursor)
        reply = await self._caller.unary(
            _LIST, request.SerializeToString(), metadata=asked.metadata(None), seconds=LIST_SECONDS
        )
        found = objective_service_pb2.ListObjectivesResponse.FromString(reply.message)
        return mcp_types.ListResourcesResult(
            resources=[_resource(each) for each in found.objectives],
            next_cursor=found.next_page_token or None,
            cache_scope="private",
        )

    async def read(self, asked: Asking, *, uri: str) -> mcp_types.ReadResourceResult | None:
        """One objective as JSON, as the REST way gives it; `None` where the URI names none.

        Raises:
            grpc.aio.AioRpcError: NOT_FOUND for one that the agent cannot serve; the gateway refuses or is silent.
        """
        name = uri.removeprefix(SCHEME)
        if name == uri or not name.startswith("objectives/") or len(name) > _LONGEST:
            return None
        request = objective_service_pb2.GetObjectiveRequest(name=name)
        reply = await self._caller.unary(
            _GET, request.SerializeToString(), metadata=asked.metadata(None), seconds=LIST_SECONDS
        )
        found = objective_service_pb2.GetObjectiveResponse.FromString(reply.message).objective
        text = json_format.MessageToJson(found, indent=None)
        return mcp_types.ReadResourceResult(
            contents=[mcp_types.TextResourceContents(uri=uri, mime_type=JSON, text=text)], cache_scope="private"
        )


def _resource(objective: objective_service_pb2.Objective) -> mcp_types.Resource:
    state = objective_service_pb2.ObjectiveState.Name(objective.state).removeprefix("OBJECTIVE_STATE_").lower()
    about = [f"campaign {objective.campaign}"] if objective.campaign else []
    about += [f"segment {objective.segment}"] if objective.segment else []
    sign = "at most" if objective.less_is_better else "at least"
    return mcp_types.Resource(
        name=objective.name,
        title=objective.title or objective.name.removeprefix("objectives/"),
        uri=f"{SCHEME}{objective.name}",
        description=", ".join([f"{objective.kpi} {sign} {objective.target:g}", *about, state]),
        mime_type=JSON,
    )
