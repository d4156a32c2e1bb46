"""Accounts over HTTP: who may log in, and what they may do."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accesses import Access
from services.control.access.accounts import Account, AccountProblem
from services.control.access.administration import Edited
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.people_messages import (
    Accounts,
    AccountShown,
    CreateAccount,
    Invited,
    UpdateAccount,
    account_shown,
)

_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,15})"')

Asked = Request[Any, Any, Any]


class AccountsApi:
    """Answers administrators, who confirm who they are before they change anything."""

    def __init__(self, access: Access, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._clock_ms = clock_ms

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._changing(), *self._steering()]

    def _looking(self) -> list[HTTPRouteHandler]:
        @get("/v1/accounts", right=Right.PEOPLE, summary="List accounts")
        async def accounts() -> Response[Accounts]:
            """All accounts, by name."""
            found = await self._access.accounts.all()
            return Response(Accounts(accounts=tuple(account_shown(each) for each in found)))

        @get("/v1/accounts/{account:str}", right=Right.PEOPLE, summary="Get an account")
        async def one(account: FromPath[str]) -> Response[AccountShown]:
            """One account; its ETag is what changes name in `if-match`."""
            return _answered(await self._access.accounts.known(account))

        return [accounts, one]

    def _changing(self) -> list[HTTPRouteHandler]:
        @post(
            "/v1/accounts",
            right=Right.PEOPLE,
            status_code=201,
            summary="Make an account",
            operation_class=takes(CreateAccount),
        )
        async def create(request: Asked) -> Response[Invited]:
            """Add somebody; the answer has a password that works once, for seven days. It is never shown again."""
            self._sure(request)
            given = msgspec.json.decode(await request.body(), type=CreateAccount)
            now_ms = self._clock_ms()
            made, password = await self._access.administration.add(given.account(now_ms=now_ms), now_ms=now_ms)
            return _invited(made, password, status_code=201)

        @patch(
            "/v1/accounts/{account:str}",
            right=Right.PEOPLE,
            summary="Change an account",
            operation_class=takes(UpdateAccount),
        )
        async def update(account: FromPath[str], request: Asked) -> Response[AccountShown]:
            """Change an account. `if-match` must be the ETag that the change was made from."""
            version = _version(request, needed=True)
            given = msgspec.json.decode(await request.body(), type=UpdateAccount)
            self._sure(request, account if given.grants is not None else "")
            edited = Edited(
                display_name=given.display_name, email=given.email, grants=given.grants, language=given.language
            )
            return _answered(await self._access.administration.edit(account, edited, version=version))

        return [create, update]

    def _steering(self) -> list[HTTPRouteHandler]:
        access = self._access

        @post("/v1/accounts/{account:str}/:disable", right=Right.PEOPLE, status_code=200, summary="Disable an account")
        async def disable(account: FromPath[str], request: Asked) -> Response[AccountShown]:
            """Let nobody in by this account any more: its sessions end, its tokens answer no more."""
            self._sure(request, account)
            return _answered(await access.administration.enable(account, "disabled", version=_version(request)))

        @post("/v1/accounts/{account:str}/:enable", right=Right.PEOPLE, status_code=200, summary="Enable an account")
        async def enable(account: FromPath[str], request: Asked) -> Response[AccountShown]:
            """Let somebody in again."""
            self._sure(request, account)
            return _answered(await access.administration.enable(account, "active", version=_version(request)))

        @post("/v1/accounts/{account:str}/:reset", right=Right.PEOPLE, status_code=200, summary="Reset a password")
        async def reset(account: FromPath[str], request: Asked) -> Response[Invited]:
            """Give a new password that works once. Their sessions end, and their signing key is gone."""
            self._sure(request, account)
            version, now_ms = _version(request), self._clock_ms()
            return _invited(*await access.administration.reset(account, version=version, now_ms=now_ms))

        @delete("/v1/accounts/{account:str}/sessions", right=Right.PEOPLE, summary="End somebody's sessions")
        async def end(account: FromPath[str], request: Asked) -> None:
            """End all sessions of an account."""
            self._sure(request)
            await access.accounts.known(account)
            await access.sessions.end(account)

        return [disable, enable, reset, end]

    def _sure(self, request: Asked, account: str = "") -> None:
        """See that whoever asks has shown of late who they are, and does not ask about the account of their own.

        Raises:
            ConfirmationNeeded: they have not.
            AccountProblem: they do.
        """
        principal = principal_of(request)
        if principal.kind == "session":
            self._access.knowing.confirmed(request)
        if principal.kind != "signature" and principal.name == account:
            raise AccountProblem("account-self")


def _version(request: Asked, *, needed: bool = False) -> int | None:
    given = request.headers.get("if-match")
    if given is None and needed:
        raise AccountProblem("match-needed")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    return int(found[1]) if found else -1  # of no version that there is


def _answered(account: Account) -> Response[AccountShown]:
    return Response(account_shown(account), headers={"etag": account.etag})


def _invited(account: Account, password: str, *, status_code: int = 200) -> Response[Invited]:
    body = Invited(account=account_shown(account), one_time_password=password)
    return Response(body, status_code=status_code, headers={"etag": account.etag, "cache-control": "no-store"})
