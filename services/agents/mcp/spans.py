"""One span for each call of a tool, with OpenTelemetry's attributes of MCP; the gateway's span becomes its child."""

import time

import msgspec

from gateway.watching.trace_context import TRACEPARENT, TRACESTATE, CallTrace, begin
from gateway.watching.tracing import Attributes, Tracing
from services.agents.calling import Metadata
from services.agents.mcp.running import Ran


class Spans:
    """Makes spans where somebody looks at them: `tracing` is `None` for nobody. `ratio` as of the gateway."""

    def __init__(self, tracing: Tracing | None, *, ratio: float = 1.0) -> None:
        self._tracing = tracing
        self._ratio = ratio

    def begun(self, metadata: Metadata) -> tuple["Span | None", Metadata]:
        """A span for the call of that metadata, and the metadata that makes the gateway's span its child."""
        if self._tracing is None:
            return None, metadata
        said = dict(metadata)
        trace = begin(said.pop(TRACEPARENT, None), said.get(TRACESTATE), ratio=self._ratio)
        return Span(self._tracing, trace, time.time_ns()), (*said.items(), (TRACEPARENT, trace.traceparent))


class Spoken(msgspec.Struct, frozen=True):
    """How the message came that asks for a call."""

    version: str
    """Of the protocol."""
    request_id: str | int | None = None
    session: str | None = None


class Span(msgspec.Struct, frozen=True):
    """A span that has begun."""

    tracing: Tracing
    trace: CallTrace
    started_ns: int

    def end(self, tool: str, spoken: Spoken, ran: Ran | None) -> None:
        """Tell of it, of an answer where the trace is sampled; `ran` is `None` where the call was given up."""
        failed = ran is None or ran.failed
        if not failed and not self.trace.sampled:
            return
        attributes: Attributes = {
            "mcp.method.name": "tools/call",
            "mcp.protocol.version": spoken.version,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
        }
        if spoken.request_id is not None:
            attributes["jsonrpc.request.id"] = str(spoken.request_id)
        if spoken.session:
            attributes["mcp.session.id"] = spoken.session[:64]
        attributes |= _outcome(ran)
        name, ended_ns = f"tools/call {tool}", time.time_ns()
        self.tracing.end(
            self.trace, name=name, attributes=attributes, started_ns=self.started_ns, ended_ns=ended_ns, failed=failed
        )


def _outcome(ran: Ran | None) -> Attributes:
    if ran is None:
        return {"error.type": "cancelled"}
    if ran.failed:
        error = ran.structure.get("error", {})
        found: Attributes = {"error.type": "tool_error", "pilote.reason": str(error.get("reason", ""))}
        return found | (
            {"pilote.decision": str(error["decision"]).removeprefix("decisions/")} if "decision" in error else {}
        )
    decision = ran.told.get("pilote/decision-id")
    return {"pilote.decision": decision} if decision else {}
