"""How the list of decisions looks: which columns, in which order, and whether times are said as "ago"."""

from collections.abc import Sequence

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from services.control.access.principals import Asked, principal_of
from services.control.access.rights import Right
from services.control.console.page import Parts
from services.control.console.pages.preferences import chosen
from services.control.console.rendering import go_to
from services.control.console.viewer import TIMES, TIMES_COOKIE
from services.control.decisions.chosen import ChosenColumns
from services.control.decisions.columns import USUAL
from services.control.decisions.looking import columns_of, look_of


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """The one change."""
    kept = ChosenColumns(parts.redis)

    @post("/decisions/columns", right=Right.SEE, status_code=200, include_in_schema=False)
    async def columns(request: Asked) -> Response[None]:
        """Show these columns: with `act` "keep" from now on, with "usual" none but the usual ones, else only here."""
        form = await request.form()
        act, times = form.get("act", ""), str(form.get("times", ""))
        wanted = USUAL if act == "usual" else columns_of(map(str, form.getall("columns", []))) or USUAL
        look = look_of({name: str(form.get(name, "")) for name in ("filter", "since", "from", "to", "order", "view")})
        name = principal_of(request).name
        if act in ("keep", "usual"):
            await kept.choose(name, wanted)
        cookies = [chosen(TIMES_COOKIE, times, https=parts.https)] if times in TIMES else []
        return go_to(request, look.path(columns=wanted, usual=await kept.of(name)), cookies=cookies)

    return [columns]
