"""What the span of a call of a tool says, with OpenTelemetry's attributes of MCP."""

import msgspec

from gateway.watching.tracing import Attributes
from services.agents.mcp.running import Ran
from services.agents.spans import PILOTE_DECISION, PILOTE_REASON, Span


class Spoken(msgspec.Struct, frozen=True):
    """How the message came that asks for a call."""

    version: str
    """Of the protocol."""
    request_id: str | int | None = None
    session: str | None = None


def end(span: Span, tool: str, spoken: Spoken, ran: Ran | None) -> None:
    """Tell of a call of that tool; `ran` is `None` where it was given up."""
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
    failed = ran is None or ran.failed
    span.end(f"tools/call {tool}", attributes | _outcome(ran), refused=failed, failed=failed)


def _outcome(ran: Ran | None) -> Attributes:
    if ran is None:
        return {"error.type": "cancelled"}
    if ran.failed:
        error = ran.structure.get("error", {})
        found: Attributes = {"error.type": "tool_error", PILOTE_REASON: str(error.get("reason", ""))}
        return found | (
            {PILOTE_DECISION: str(error["decision"]).removeprefix("decisions/")} if "decision" in error else {}
        )
    decision = ran.told.get("pilote/decision-id")
    return {PILOTE_DECISION: decision} if decision else {}
