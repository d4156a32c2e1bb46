"""Replays over HTTP: what `pilote replay` does, for who may see."""

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.rights import Right
from services.control.api.parameters import Asking
from services.control.decisions.replaying import Again, Replaying


class ReplaysApi:
    """Has decisions replayed."""

    def __init__(self, replaying: Replaying) -> None:
        self._replaying = replaying

    def handlers(self) -> list[HTTPRouteHandler]:
        """The one operation."""

        @post("/v1/decisions/{decision:str}/:replay", right=Right.SEE, status_code=200, summary="Replay")
        async def replay(request: Asking, decision: FromPath[str]) -> Response[Again]:
            """Decide about a recorded call once more under its own revision, and say whether it comes to the same."""
            return Response(await self._replaying.replay(request, decision))

        return [replay]
