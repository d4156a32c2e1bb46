"""Over HTTP: which columns one's list of decisions has."""

import msgspec
from litestar import Response, get, put
from litestar.handlers import HTTPRouteHandler

from gateway.core.errors import Reason
from gateway.redis_clients import Client
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import body_of
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.columns import COLUMNS, USUAL
from services.control.decisions.looking import columns_of
from services.control.undone import Undone, storing


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of a list of decisions."""

    columns: tuple[str, ...]
    """Names of fields as filters have them, in their order; none: the usual ones."""


class OwnColumns:
    """Answers whoever asks for their own list; the console's page keeps the same."""

    def __init__(self, redis: Client) -> None:
        self._kept = ChosenColumns(redis)

    def handlers(self) -> list[HTTPRouteHandler]:
        """Both operations."""
        kept = self._kept

        @get("/v1/session/columns", right=Right.SEE, summary="One's columns")
        async def columns(request: Asked) -> Response[Columns]:
            """The columns that the list of decisions has for whoever asks."""
            with storing():
                return Response(Columns(columns=await kept.of(principal_of(request).name)))

        @put("/v1/session/columns", right=Right.SEE, summary="Choose one's columns", operation_class=takes(Columns))
        async def choose(request: Asked) -> Response[Columns]:
            """Have these columns from now on, in this order."""
            wanted = (await body_of(request, Columns)).columns
            if unknown := [name for name in wanted if name not in COLUMNS]:
                raise Undone(
                    Reason.ARGUMENT_INVALID, "column-unknown", column=unknown[0][:60], known=", ".join(COLUMNS)
                )
            chosen = columns_of(wanted) or USUAL
            with storing():
                await kept.choose(principal_of(request).name, chosen)
            return Response(Columns(columns=chosen))

        return [columns, choose]
