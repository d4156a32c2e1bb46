"""Logging in and out."""

import contextlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from services.control.access.accesses import Access
from services.control.access.accounts import Account, AccountProblem
from services.control.access.entrance import Refused
from services.control.access.knowing import here_of, set_cookies
from services.control.access.persons import LANGUAGE_COOKIE
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.access.texts import say
from services.control.api.sessions import set_login
from services.control.console.forms import Form, Secret, form_as
from services.control.console.page import Page, Parts
from services.control.console.pages.preferences import chosen
from services.control.console.rendering import go_to, page
from services.control.console.texts.login import TEXTS
from services.control.console.viewer import local_path, viewer_of

_STATUS: Final = {"login-throttled": HTTPStatus.TOO_MANY_REQUESTS, "login-busy": HTTPStatus.SERVICE_UNAVAILABLE}
_LONGEST: Final = 1024
"""Characters of a name or password that are read; no real one has as many."""


class _LogIn(Form, frozen=True, kw_only=True):
    name: Secret = ""
    password: Secret = ""
    next: str = ""


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    access = parts.access

    @get("/login", right=Right.ANYONE, include_in_schema=False)
    async def shown(request: Asked) -> Response[str]:
        return page(request, "login/login.html", **_values(access, request.query_params.get("next")))

    @post("/login", right=Right.ANYONE, include_in_schema=False)
    async def log_in(request: Asked) -> Response[Any]:
        form = await form_as(request, _LogIn)
        name = form.name[:_LONGEST]
        if not access.cookies.is_own(request.headers):
            return refused(request, Refused(code="login-foreign"), name=name, back=form.next)
        done = await parts.people.log_in(request, name, form.password[:_LONGEST])
        if isinstance(done, Refused):
            return refused(request, done, name=name, back=form.next)
        set_login(request, done, access=access)
        cookies = _language(request, done.account, https=parts.https)
        return go_to(request, local_path(form.next), cookies=cookies)

    @post("/logout", right=Right.OWN, include_in_schema=False)
    async def log_out(request: Asked) -> Response[Any]:
        return await _out(request, access)

    def refused(request: Asked, why: Refused, *, name: str, back: str | None) -> Response[str]:
        error = say(why.code, language=viewer_of(request).language, seconds=why.seconds)
        headers = {"retry-after": str(why.seconds)} if why.seconds else {}
        status = _STATUS.get(why.code, HTTPStatus.UNAUTHORIZED)
        values = {**_values(access, back), "who": name, "error": error}
        return page(request, "login/login.html", status=status, headers=headers, **values)

    return [shown, log_in, log_out]


def _values(access: Access, back: str | None) -> dict[str, Any]:
    provider = access.company.label if access.company is not None else ""
    return {"back": local_path(back), "who": "", "error": "", "provider": provider}


def _language(request: Asked, account: Account, *, https: bool) -> list[Cookie]:
    """The language of the account, in a browser in which none was chosen."""
    if LANGUAGE_COOKIE in request.cookies or not account.language:
        return []
    return [chosen(LANGUAGE_COOKIE, account.language, https=https)]


async def _out(request: Asked, access: Access) -> Response[Any]:
    here, company = here_of(request), access.company
    await access.sessions.end(here.account.name, only=here.session.id)
    set_cookies(request.state, access.cookies.gone(access.cookies.session))
    if company is not None and here.session.body.id_token:
        with contextlib.suppress(AccountProblem):  # they are out here, whatever the provider says
            url = await company.provider.logout(here.session.body.id_token, back_to=f"{access.cookies.url}/login")
            if url:
                return page(request, "login/left.html", provider=company.label, url=url)
    return go_to(request, "/login")


PAGE: Final = Page("login", TEXTS, handlers)
