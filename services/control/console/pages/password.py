"""Choosing a password of one's own: somebody who came in with one that was made for them can do nothing else."""

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
from services.control.api.sessions import set_login
from services.control.console.forms import Form, Secret, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.password import TEXTS
from services.control.console.viewer import local_path, viewer_of

_OLD: Final = frozenset({"confirm-wrong", "login-throttled", "login-busy", "password-none"})
"""What is said beside the password that one has; all else is about the one that one wants."""


class _Choice(Form, frozen=True, kw_only=True):
    old: Secret = ""
    new: Secret = ""
    next: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    access = parts.access

    @get("/password", right=Right.OWN, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        return _shown(request, request.query_params.get("next"))

    @post("/password", right=Right.OWN, include_in_schema=False)
    async def changed(request: Asked) -> Response[Any]:
        form = await form_as(request, _Choice)
        done = await parts.people.change_password(request, old=form.old, new=form.new)
        if isinstance(done, Refused):
            return _shown(request, form.next, done)
        set_login(request, done, access=access)
        return go_to(request, local_path(form.next), say=texts_of(request)("password-done"))

    return [shown, changed]


def _shown(request: Asked, back: str | None, refused: Refused | None = None) -> Response[str]:
    account, problem, old = here_of(request).account, "", False
    if refused is not None:
        problem = say(refused.code, language=viewer_of(request).language, seconds=refused.seconds)
        old = refused.code in _OLD
    return page(
        request,
        "password/password.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        back=local_path(back),
        must=account.must_change,
        who=account.name,
        old_error=problem if old else "",
        new_error="" if old else problem,
    )


PAGE: Final = Page("password", TEXTS, handlers)
