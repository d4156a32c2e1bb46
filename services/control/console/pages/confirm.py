"""Retyping one's password: in a dialog that opens over the page, or where no scripts run on a page of its own."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from services.control.access.entrance import Refused
from services.control.access.knowing import here_of
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.access.texts import say
from services.control.console.forms import Form, Secret, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import asked_by_htmx, go_to, page, texts_of
from services.control.console.texts.confirm import TEXTS
from services.control.console.viewer import local_path, viewer_of


class _Confirm(Form, frozen=True, kw_only=True):
    password: Secret = ""
    next: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""

    @get("/confirm", right=Right.OWN, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        return _shown(request, request.query_params.get("next"))

    @post("/confirm", right=Right.OWN, include_in_schema=False)
    async def confirmed(request: Asked) -> Response[Any]:
        form, here = await form_as(request, _Confirm), here_of(request)
        done = await parts.access.entrance.confirm(
            here.session,
            here.cookie,
            account=here.account,
            password=form.password,
            now_ms=parts.clock_ms(),
        )
        if isinstance(done, Refused):
            return _shown(request, form.next, done)
        if asked_by_htmx(request):  # assets/src/shell/confirming.js then repeats the request that was refused
            return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"hx-trigger": "confirmed"})
        return go_to(request, local_path(form.next), say=texts_of(request)("confirm-done"), kind="note")

    return [shown, confirmed]


def _shown(request: Asked, back: str | None, refused: Refused | None = None) -> Response[str]:
    problem = ""
    if refused is not None:
        problem = say(refused.code, language=viewer_of(request).language, seconds=refused.seconds)
    here = here_of(request)
    return page(
        request,
        "confirm/confirm.html",
        fragment="dialog",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        back=local_path(back),
        who=here.account.name,
        in_dialog=asked_by_htmx(request),
        by_provider=here.session.body.way == "oidc",
        error=problem,
    )


PAGE: Final = Page("confirm", TEXTS, handlers)
