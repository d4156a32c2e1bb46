"""Who may log in, and what they may do: accounts, and the passwords that let people in for the first time."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accounts import Account, AccountProblem
from services.control.access.administration import Edited
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import EVERYWHERE, OPEN, RIGHTS, Right, Role
from services.control.api.parameters import PageToken
from services.control.console.forms import Form, form_as
from services.control.console.page import Page, Parts
from services.control.console.rendering import go_to, page, texts_of
from services.control.console.texts.people import TEXTS
from services.control.console.viewer import viewer_of
from services.control.paging import page as cut

ROLES: Final = tuple(Role)
_SHOWN: Final = tuple(right for right in Right if right not in OPEN)


def handlers(parts: Parts) -> Sequence[HTTPRouteHandler]:
    """All of these pages."""
    people = _People(parts)
    return [*people.looking(), *people.changing(), *people.letting_in()]


class _People:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._access = parts.access
        self._people = parts.people

    def looking(self) -> list[HTTPRouteHandler]:
        @get("/people", right=Right.PEOPLE, include_in_schema=False)
        async def listed(request: Asked, token: PageToken = "") -> Response[str]:
            return await self._list(request, token=token)

        @get("/people/{name:str}", right=Right.PEOPLE, include_in_schema=False)
        async def one(name: FromPath[str], request: Asked) -> Response[str]:
            return await self._one(request, name)

        return [listed, one]

    def changing(self) -> list[HTTPRouteHandler]:
        @post("/people", right=Right.PEOPLE, include_in_schema=False)
        async def add(request: Asked) -> Response[Any]:
            form = await form_as(request, _Person)
            try:
                account = form.account(created_ms=self._parts.clock_ms())
                made, password = await self._people.add(request, account, reason=form.reason)
            except (AccountProblem, msgspec.ValidationError) as error:
                return await self._list(request, said=_said(error, request), given=form)
            return _invited(request, made, password)

        @post("/people/{name:str}", right=Right.PEOPLE, include_in_schema=False)
        async def edit(name: FromPath[str], request: Asked) -> Response[Any]:
            form = await form_as(request, _Person)
            try:
                own = principal_of(request).name == name
                edited = Edited(display_name=form.display, email=form.email, grants=None if own else form.granted())
                edited = msgspec.convert(msgspec.to_builtins(edited), Edited)
                await self._people.edit(request, name, edited, version=form.version, reason=form.reason)
            except (AccountProblem, ValueError) as error:
                return await self._one(request, name, said=_said(error, request))
            return go_to(request, "/people", say=texts_of(request)("people-saved", name=name))

        return [add, edit]

    def letting_in(self) -> list[HTTPRouteHandler]:
        @post("/people/{name:str}/reset", right=Right.PEOPLE, include_in_schema=False)
        async def reset(name: FromPath[str], request: Asked) -> Response[Any]:
            form = await form_as(request, _Person)
            try:
                made, password = await self._people.reset(request, name, reason=form.reason)
            except AccountProblem as error:
                return await self._one(request, name, said=_said(error, request))
            return _invited(request, made, password)

        @post("/people/{name:str}/state", right=Right.PEOPLE, include_in_schema=False)
        async def enable(name: FromPath[str], request: Asked) -> Response[Any]:
            form = await form_as(request, _Person)
            try:
                await self._people.enable(request, name, form.state, reason=form.reason)
            except AccountProblem as error:
                return await self._one(request, name, said=_said(error, request))
            return go_to(request, f"/people/{name}", say=texts_of(request)("people-saved", name=name))

        @post("/people/{name:str}/sessions", right=Right.PEOPLE, include_in_schema=False)
        async def end(name: FromPath[str], request: Asked) -> Response[Any]:
            form = await form_as(request, _Person)
            await self._people.end_sessions(request, name, reason=form.reason)
            return go_to(request, f"/people/{name}", say=texts_of(request)("people-ended", name=name))

        return [reset, enable, end]

    async def _list(
        self, request: Asked, *, token: str = "", said: str = "", given: "_Person | None" = None
    ) -> Response[str]:
        accounts, further = cut(
            await self._access.accounts.all(), place=lambda each: (0, each.name), size=0, token=token
        )
        return page(
            request,
            "people/people.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK,
            accounts=accounts,
            further=further,
            token=token,
            keys=self._keys(),
            roles=ROLES,
            rights=_SHOWN,
            gives=RIGHTS,
            said=said,
            given=given or _Person(),
        )

    async def _one(self, request: Asked, name: str, *, said: str = "") -> Response[str]:
        account = await self._access.accounts.known(name)
        return page(
            request,
            "people/person.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK,
            account=account,
            keys=self._keys(),
            roles=ROLES,
            places=tuple(dict.fromkeys((EVERYWHERE, *account.grants))),
            own=account.name == principal_of(request).name,
            said=said,
        )

    def _keys(self) -> frozenset[str]:
        """The public keys of the people of the active policy."""
        revision = self._parts.policy.revision
        return frozenset() if revision is None else frozenset(each.public_key for each in revision.document.people)


class _Person(Form, frozen=True, kw_only=True):
    name: str = ""
    display: str = ""
    email: str = ""
    tenant: str = ""
    role: tuple[str, ...] = ()
    grant: tuple[str, ...] = ()
    """Boxes that are ticked; each says `tenant/role`."""
    version: int = 0
    state: Literal["active", "disabled"] = "disabled"
    reason: str = ""

    def account(self, *, created_ms: int) -> Account:
        """Somebody new."""
        made = {
            "name": self.name,
            "display_name": self.display,
            "email": self.email,
            "grants": {self.tenant or EVERYWHERE: self.role},
            "created_ms": created_ms,
        }
        return msgspec.convert(made, Account)

    def granted(self) -> dict[str, tuple[Role, ...]]:
        """The roles that are ticked, by tenant."""
        found = dict[str, set[Role]]()
        for each in self.grant:
            tenant, _, role = each.rpartition("/")
            found.setdefault(tenant, set()).add(Role(role))
        for role in self.role if self.tenant else ():
            found.setdefault(self.tenant, set()).add(Role(role))
        return {tenant: tuple(sorted(roles)) for tenant, roles in found.items()}


def _said(error: Exception, request: Asked) -> str:
    problem = error if isinstance(error, AccountProblem) else AccountProblem("account-unread")
    return problem.said(viewer_of(request).language)


def _invited(request: Asked, account: Account, password: str) -> Response[str]:
    """The page with the one-time password: shown by the answer itself, and nowhere kept."""
    return page(
        request,
        "people/invited.html",
        account=account,
        password=password,
        headers={"cache-control": "no-store"},
    )


PAGE: Final = Page("people", TEXTS, handlers, icon="users-round", right=Right.PEOPLE, after_gap=True)
