"""The MCP server: lists tools and calls them for whoever asks, over whatever transport."""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final

import grpc
import mcp_types
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from gateway.clock import clock_ms
from services.agents.mcp import refusals
from services.agents.mcp.asking import Asking
from services.agents.mcp.calls import Calls, NoTool
from services.agents.mcp.offers import Offers, refused_credential
from services.agents.mcp.resources import Resources
from services.agents.mcp.spans import Spoken
from services.agents.mcp.tools import Tools, shown
from services.agents.texts import say

_log = logging.getLogger(__name__)

NAME: Final = "pilote"
TOOLS_A_PAGE: Final = 100
LONGEST_URI: Final = 200
INSTRUCTIONS: Final = (
    "Every tool is a governed method of the company's customer systems. Calls are decided by a policy: a refusal says "
    "why, when to come back, and what to do instead; follow its next_step. A call that is kept for a person is waited "
    "for with holds_wait and is never sent again. Give calls that change something a request_id of their own, and "
    "repeat them with the same one only. What you are to achieve are the resources: objectives, with their progress."
)

Context = ServerRequestContext[Any, Any]


class Serving:
    """Answers MCP's requests. `asked` says who asks, by the context of a request."""

    def __init__(
        self,
        tools: Tools,
        calls: Calls,
        offers: Offers,
        resources: Resources,
        *,
        asked: Callable[[Context], Asking],
    ) -> None:
        self._offers = offers
        self._resources = resources
        self._asked = asked
        self._tools = tools
        self._calls = calls

    def server(self) -> Server[Any]:
        """A server of the official SDK that answers by this."""
        made: Server[Any] = Server(
            NAME,
            version=version("pilote"),
            title="Pilote",
            instructions=INSTRUCTIONS,
            get_tool_input_schema=self._input_schema,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_read_resource=self.read_resource,
        )
        made.middleware.clear()  # its spans would go to a global tracer, which this process has not
        return made

    async def list_tools(
        self, context: Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        """The tools that this agent may use, by name."""
        after = params.cursor if params is not None and params.cursor else ""
        methods = (await self._offer(self._asked(context))).methods
        left = [pair for pair in self._tools.offered(methods) if pair[0].name > after]
        page = left[:TOOLS_A_PAGE]
        return mcp_types.ListToolsResult(
            tools=[shown(tool, text, methods.get(tool.method.full_name)) for tool, text in page],
            next_cursor=page[-1][0].name if len(left) > len(page) else None,
            cache_scope="private",
        )

    async def call_tool(self, context: Context, params: mcp_types.CallToolRequestParams) -> mcp_types.CallToolResult:
        """What came of a call."""
        asked = self._asked(context)
        meta: Mapping[str, Any] | None = context.meta if isinstance(context.meta, Mapping) else None
        request: Any = context.request
        session = None if request is None else request.headers.get("mcp-session-id")

        async def progress(done: float, text: str) -> None:
            await context.session.report_progress(done, message=text)

        try:
            ran = await self._calls.call(
                params.name,
                params.arguments or {},
                asked=asked,
                meta=meta,
                spoken=Spoken(str(context.protocol_version), context.request_id, session),
                progress=progress,
            )
        except NoTool as error:
            raise MCPError(mcp_types.INVALID_PARAMS, str(error)) from error
        except Exception as error:
            raise refused(error, asked) from error
        content: list[mcp_types.ContentBlock] = [mcp_types.TextContent(type="text", text=each) for each in ran.texts]
        return mcp_types.CallToolResult(
            content=content,
            structured_content=ran.structure,
            is_error=ran.failed,
            _meta=dict(ran.told) if ran.told else None,
        )

    async def list_resources(
        self, context: Context, params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListResourcesResult:
        """What this agent is to achieve."""
        asked = self._asked(context)
        after = params.cursor if params is not None and params.cursor else ""
        try:
            return await self._resources.page(asked, cursor=after)
        except Exception as error:
            raise refused(error, asked) from error

    async def read_resource(
        self, context: Context, params: mcp_types.ReadResourceRequestParams
    ) -> mcp_types.ReadResourceResult:
        """One of that."""
        asked, uri = self._asked(context), str(params.uri)
        try:
            found = await self._resources.read(asked, uri=uri)
        except Exception as error:
            raise refused(error, asked) from error
        if found is None:
            raise MCPError(mcp_types.INVALID_PARAMS, say("no-resource", language=asked.language, uri=uri[:LONGEST_URI]))
        return found

    def _input_schema(self, name: str) -> Mapping[str, Any] | None:
        tool = self._tools.find(name)
        return None if tool is None else tool.input_schema

    async def _offer(self, asked: Asking) -> Any:
        try:
            return await self._offers.of(asked.credential)
        except Exception as error:
            raise refused(error, asked) from error


def refused(error: Exception, asked: Asking) -> MCPError:
    """An error of the protocol: there is no tool's result to put it in. Mistakes are told of in our log alone."""
    if not isinstance(error, grpc.aio.AioRpcError):
        _log.error("a call by MCP has failed", exc_info=error)
        return MCPError(mcp_types.INTERNAL_ERROR, say("internal", language=asked.language))
    text, structure = refusals.refusal_of(error, language=asked.language, now_ms=clock_ms())
    code = mcp_types.INVALID_REQUEST if refused_credential(error) else mcp_types.INTERNAL_ERROR
    return MCPError(code, text, msgspec.to_builtins(structure))
