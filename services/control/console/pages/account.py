"""One's own account: sessions, API tokens, and what one may do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accounts import AccountProblem
from services.control.access.knowing import here_of
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import OPEN, Right, rights_of
from services.control.access.tokens import DEFAULT_DAYS, LONGEST_DAYS, SIGN
from services.control.api.people_messages import CreateToken
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.account import TEXTS
from services.control.console.viewer import viewer_of

_NEW: Final = "account/token.html"


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of this page."""
    account = _Account(parts)
    return [*account.sessions(), *account.tokens()]


class _Token(Form, frozen=True, kw_only=True):
    name: str = ""
    scope: tuple[str, ...] = ()
    days: str = ""


class _Account:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._access = parts.access
        self._people = parts.people

    def sessions(self) -> list[HTTPRouteHandler]:
        @get("/account", right=Right.OWN, include_in_schema=False)
        async def shown(request: Asked) -> Response[str]:
            return await self._shown(request)

        @post("/account/sessions/{session:str}/end", right=Right.OWN, include_in_schema=False)
        async def end(session: FromPath[str], request: Asked) -> Response[None]:
            await self._access.sessions.end(here_of(request).account.name, only=session)
            return go_to(request, "/account", say=texts_of(request)("account-ended"))

        @post("/account/sessions/end-others", right=Right.OWN, include_in_schema=False)
        async def end_others(request: Asked) -> Response[None]:
            here = here_of(request)
            await self._access.sessions.end(here.account.name, but=here.session.id)
            return go_to(request, "/account", say=texts_of(request)("account-others-ended"))

        return [shown, end, end_others]

    def tokens(self) -> list[HTTPRouteHandler]:
        @post("/account/tokens", right=Right.OWN, include_in_schema=False)
        async def make(request: Asked) -> Response[Any]:
            form = await form_as(request, _Token)
            asked = {"name": form.name, "scopes": form.scope, "days": form.days}
            try:
                wanted = msgspec.convert(asked, CreateToken, strict=False)
                made, text = await self._people.make_token(
                    request, name=wanted.name, scopes=wanted.scopes, tenants=wanted.tenants, days=wanted.days
                )
            except (AccountProblem, msgspec.ValidationError) as error:
                problem = error if isinstance(error, AccountProblem) else AccountProblem("token-unread")
                return await self._shown(request, said=problem.said(viewer_of(request).language))
            return page(request, _NEW, token=made, text=text, headers={"cache-control": "no-store"})

        @post("/account/tokens/{token:str}/revoke", right=Right.OWN, include_in_schema=False)
        async def revoke(token: FromPath[str], request: Asked) -> Response[None]:
            await self._people.revoke_token(request, token)
            return go_to(request, "/account", say=texts_of(request)("account-token-revoked"))

        return [make, revoke]

    async def _shown(self, request: Asked, *, said: str = "") -> Response[str]:
        here, principal = here_of(request), principal_of(request)
        rights = rights_of(here.account.grants).by_tenant
        return page(
            request,
            "account/account.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK,
            account=here.account,
            sessions=await self._access.sessions.of(here.account, now_ms=self._parts.clock_ms()),
            current=here.session.id,
            tokens=await self._access.tokens.of(principal.name),
            scopes=[each for each in Right if each not in OPEN and any(each in own for own in rights.values())],
            sign=SIGN,
            days=DEFAULT_DAYS,
            most_days=LONGEST_DAYS,
            said=said,
        )


PAGE: Final = Page("account", TEXTS, handlers)
