"""The way through a company's provider and back; nothing of it is seen but a page where it fails."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from services.control.access.accounts import AccountProblem
from services.control.access.cookies import browser_of
from services.control.access.knowing import here_of, set_cookies
from services.control.access.oidc.company import BEGUN_MS, Company
from services.control.access.persons import language_in
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.api.sessions import set_login
from services.control.console.page import Page, Parts
from services.control.console.viewer import local_path


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of it; nothing where there is no provider."""
    access = parts.access
    company: Company | None = access.company if access is not None else None
    if company is None:
        return ()

    async def begin(request: Asked, purpose: Literal["log in", "confirm"]) -> Redirect:
        back = local_path(request.query_params.get("next"))
        url, kept = await company.begin(purpose, back=back, language=language_in(request))
        set_cookies(request.state, access.cookies.made(access.cookies.login, kept, seconds=BEGUN_MS // 1_000))
        return Redirect(url, status_code=303)

    @get("/oidc/login", right=Right.ANYONE, include_in_schema=False)
    async def log_in(request: Asked) -> Redirect:
        return await begin(request, "log in")

    @get("/oidc/confirm", right=Right.OWN, include_in_schema=False)
    async def confirm(request: Asked) -> Redirect:
        here_of(request)
        return await begin(request, "confirm")

    @get("/oidc/callback", right=Right.ANYONE, include_in_schema=False)
    async def callback(request: Asked) -> Response[Any]:
        given, cookies = request.query_params, access.cookies
        set_cookies(request.state, cookies.gone(cookies.login))
        begun, identity = await company.back(
            request.cookies.get(cookies.login, ""),
            state=given.get("state", ""),
            code=given.get("code", ""),
            issuer=given.get("iss", ""),
        )
        if begun.purpose == "confirm":
            if await access.knowing.by_cookie(request) is None:
                raise AccountProblem("oidc-other")
            here = here_of(request)
            await company.confirm(here.session, here.cookie, account=here.account, identity=identity, begun=begun)
        else:
            done = await company.enter(
                identity,
                device=request.cookies.get(cookies.device, ""),
                browser=browser_of(request.headers.get("user-agent", "")),
            )
            set_login(request, done, access=access)
        return Redirect(local_path(begun.back), status_code=303)

    return [log_in, confirm, callback]


PAGE: Final = Page("oidc", {}, handlers)
