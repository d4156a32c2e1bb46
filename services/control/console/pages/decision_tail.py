"""Decisions as they come, for the list that is looked at."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import ServerSentEvent

from pilote.decision.v1 import decision_pb2
from services.control.access.rights import Right
from services.control.audit_client import asking_as
from services.control.console.page import Parts
from services.control.console.rendering import blocks
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.columns import COLUMNS


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The one stream."""
    chosen = ChosenColumns(parts.redis)

    @get("/decisions/tail", right=Right.SEE, include_in_schema=False, media_type="text/event-stream")
    async def tail(request: Request[Any, Any, Any]) -> ServerSentEvent:
        """Server-sent events `decision`, each a row of the table."""
        look = await chosen.look(request)

        def row(decision: decision_pb2.Decision) -> str:
            values = {"decision": decision, "shown": look.columns, "columns": COLUMNS}
            return blocks(request, "decisions/rows.html", ("row",), **values)["row"]

        return ServerSentEvent(await parts.tailing.follow(look.filter, metadata=asking_as(request), told=row))

    return [tail]
