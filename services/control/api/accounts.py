"""Accounts over HTTP: who may log in, and what they may do."""

from collections.abc import Callable

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accesses import Access
from services.control.access.accounts import Account
from services.control.access.administration import Edited
from services.control.access.principals import Asked
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    body_of,
    match_needed,
    match_of,
    tagged,
)
from services.control.api.people_messages import (
    Accounts,
    AccountShown,
    CreateAccount,
    Invited,
    UpdateAccount,
    Why,
    account_shown,
)
from services.control.paging import page
from services.control.people import People
from services.control.preconditions import Match


class AccountsApi:
    """Answers administrators, who confirm who they are before they change anything."""

    def __init__(self, access: Access, people: People, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._people = people
        self._clock_ms = clock_ms

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._looking(), *self._changing(), *self._steering()]

    def _looking(self) -> list[HTTPRouteHandler]:
        @get("/v1/accounts", right=Right.PEOPLE, summary="List accounts")
        async def accounts(size: PageSize = 0, token: PageToken = "") -> Response[Accounts]:
            """The accounts, by name."""
            found, following = page(
                await self._access.accounts.all(), place=lambda each: (0, each.name), size=size, token=token
            )
            shown = tuple(account_shown(each) for each in found)
            return Response(Accounts(accounts=shown, next_page_token=following))

        @get("/v1/accounts/{account:str}", right=Right.PEOPLE, summary="Get an account")
        async def one(account: FromPath[str], known: IfNoneMatch = "") -> Response[AccountShown]:
            """One account; its ETag is what changes name in `if-match`."""
            return _answered(await self._access.accounts.known(account), known=known)

        return [accounts, one]

    def _changing(self) -> list[HTTPRouteHandler]:
        @post(
            "/v1/accounts",
            right=Right.PEOPLE,
            status_code=201,
            summary="Make an account",
            operation_class=takes(CreateAccount),
            told_once=True,
        )
        async def create(request: Asked) -> Response[Invited]:
            """Add somebody; the answer has a password that works once, for seven days. It is never shown again."""
            given = msgspec.json.decode(await request.body(), type=CreateAccount)
            account = given.account(now_ms=self._clock_ms())
            made, password = await self._people.add(request, account, reason=given.reason)
            return _invited(made, password, status_code=201)

        @patch(
            "/v1/accounts/{account:str}",
            right=Right.PEOPLE,
            summary="Change an account",
            operation_class=takes(UpdateAccount),
        )
        async def update(account: FromPath[str], request: Asked, match: IfMatch = "") -> Response[AccountShown]:
            """Change an account. `if-match` must be the ETag that the change was made from."""
            version = await self._seen(account, match_needed(match))
            given = msgspec.json.decode(await request.body(), type=UpdateAccount)
            edited = Edited(
                display_name=given.display_name, email=given.email, grants=given.grants, language=given.language
            )
            after = await self._people.edit(request, account, edited, version=version, reason=given.reason)
            return _answered(after)

        return [create, update]

    def _steering(self) -> list[HTTPRouteHandler]:
        people, seen = self._people, self._seen

        @post(
            "/v1/accounts/{account:str}/:disable",
            right=Right.PEOPLE,
            status_code=200,
            operation_class=takes(Why),
            summary="Disable an account",
        )
        async def disable(account: FromPath[str], request: Asked, match: IfMatch = "") -> Response[AccountShown]:
            """Let nobody in by this account any more: its sessions end, its tokens answer no more."""
            version, reason = await seen(account, match_of(match)), (await body_of(request, Why)).reason
            return _answered(await people.enable(request, account, "disabled", version=version, reason=reason))

        @post(
            "/v1/accounts/{account:str}/:enable",
            right=Right.PEOPLE,
            status_code=200,
            operation_class=takes(Why),
            summary="Enable an account",
        )
        async def enable(account: FromPath[str], request: Asked, match: IfMatch = "") -> Response[AccountShown]:
            """Let somebody in again."""
            version, reason = await seen(account, match_of(match)), (await body_of(request, Why)).reason
            return _answered(await people.enable(request, account, "active", version=version, reason=reason))

        @post(
            "/v1/accounts/{account:str}/:reset",
            right=Right.PEOPLE,
            status_code=200,
            told_once=True,
            operation_class=takes(Why),
            summary="Reset a password",
        )
        async def reset(account: FromPath[str], request: Asked, match: IfMatch = "") -> Response[Invited]:
            """Give a new password that works once. Their sessions end, and their signing key is gone."""
            version, reason = await seen(account, match_of(match)), (await body_of(request, Why)).reason
            return _invited(*await people.reset(request, account, version=version, reason=reason))

        @delete("/v1/accounts/{account:str}/sessions", right=Right.PEOPLE, summary="End somebody's sessions")
        async def end(account: FromPath[str], request: Asked) -> None:
            """End all sessions of an account."""
            await people.end_sessions(request, account)

        return [disable, enable, reset, end]

    async def _seen(self, account: str, match: Match) -> int | None:
        """The version that a change is made from; `None`: whichever is there."""
        return None if match.any else match.version((await self._access.accounts.known(account)).version)


def _answered(account: Account, *, known: str = "") -> Response[AccountShown]:
    return tagged(account_shown(account), etag=account.etag, known=known)


def _invited(account: Account, password: str, *, status_code: int = 200) -> Response[Invited]:
    body = Invited(account=account_shown(account), one_time_password=password)
    return Response(body, status_code=status_code, headers={"etag": account.etag, "cache-control": "no-store"})
