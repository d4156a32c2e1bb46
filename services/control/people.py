"""Accounts and tokens as people change them: whoever does has just shown who they are, and each change is in the log.

REST and the pages of the console call this. The log cannot forget, so it names accounts and what they may do, and says
no display name and no e-mail address.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec

from services.control.access.accesses import Access
from services.control.access.accounts import Account, AccountProblem, State
from services.control.access.administration import Edited
from services.control.access.cookies import browser_of
from services.control.access.entrance import LoggedIn, Refused
from services.control.access.knowing import here_of
from services.control.access.principals import Asked, principal_of
from services.control.access.rights import OPEN, Right
from services.control.access.tokens import DEFAULT_DAYS, SIGN, Token
from services.control.changes import LATER, Changes, Changing
from services.control.owed_told import owes

SCOPES = frozenset({right.value for right in Right} - {right.value for right in OPEN} | {SIGN})
"""What a token may be made for."""
Operation = Literal["create", "update", "disable", "enable", "reset", "end-sessions"]


class Noted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An account as the log has it."""

    name: str
    grants: dict[str, tuple[str, ...]]
    state: str
    language: str
    must_change_password: bool
    public_key: str
    provider: str

    @classmethod
    def of(cls, account: Account) -> "Noted":
        """What the log says of an account."""
        return cls(
            name=account.name,
            grants={tenant: tuple(roles) for tenant, roles in account.grants.items()},
            state=account.state,
            language=account.language,
            must_change_password=account.must_change,
            public_key=account.public_key,
            provider=account.issuer,
        )


class _Stranger(msgspec.Struct, frozen=True):
    """Somebody who tries to be somebody."""

    name: str = "unknown"
    kind: str = "attempt"
    id: str = ""


class People:
    """Changes accounts and tokens for who asks.

    What only takes power away is done also while the log takes no notes; `owed_told` then tells who asks.

    Every method raises `ConfirmationNeeded` where they have not shown of late who they are, `AccountProblem` where it
    cannot be done, `RedisError` when the store does not answer, and `Undone` (STORE_UNAVAILABLE) when the log does not.
    """

    def __init__(self, access: Access, changes: Changes, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._changes = changes
        self._clock_ms = clock_ms

    async def add(self, request: Asked, account: Account, *, reason: str = "") -> tuple[Account, str]:
        """Add an account; answers it, and the password that lets its owner in once."""
        async with self._noted(request, "create", account.name, reason=reason, mine=True) as noting:
            made, password = await self._access.administration.add(account, now_ms=self._clock_ms())
            noting.after = Noted.of(made)
        return made, password

    async def edit(
        self, request: Asked, name: str, edited: Edited, *, version: int | None, reason: str = ""
    ) -> Account:
        """Change an account; one's own but for its grants."""
        mine = edited.grants is None
        async with self._noted(request, "update", name, reason=reason, mine=mine) as noting:
            after = await self._access.administration.edit(name, edited, version=version)
            noting.after = Noted.of(after)
        return after

    async def enable(
        self, request: Asked, name: str, state: State, *, version: int | None = None, reason: str = ""
    ) -> Account:
        """Let somebody in again, or nobody any more by this account; not one's own."""
        operation: Operation = "enable" if state == "active" else "disable"
        away = operation == "disable"
        async with self._noted(request, operation, name, reason=reason, takes_away=away) as noting:
            after = await self._access.administration.enable(name, state, version=version)
            noting.after = Noted.of(after)
        return after

    async def reset(
        self, request: Asked, name: str, *, version: int | None = None, reason: str = ""
    ) -> tuple[Account, str]:
        """Give somebody else a password that lets them in once."""
        async with self._noted(request, "reset", name, reason=reason) as noting:
            after, password = await self._access.administration.reset(name, version=version, now_ms=self._clock_ms())
            noting.after = Noted.of(after)
        return after, password

    async def end_sessions(self, request: Asked, name: str, *, reason: str = "") -> int:
        """End all sessions of an account; answers how many there were."""
        async with self._noted(request, "end-sessions", name, reason=reason, mine=True, takes_away=True) as noting:
            ended = await self._access.sessions.end(name)
            noting.after = {"ended": ended}
        return ended

    async def change_password(self, request: Asked, *, old: str, new: str) -> LoggedIn | Refused:
        """Let who asks choose a password; where theirs was made for them they use an invitation, or a reset.

        It gives nobody more than they have, so it is done also while the log takes no notes.
        """
        here, access = here_of(request), self._access

        @asynccontextmanager
        async def noting(public_key: str) -> AsyncIterator[None]:
            operation = "choose-password" if here.account.must_change else "change-password"
            recording = self._changes.recording(
                principal_of(request),
                operation=operation,
                resource=f"accounts/{here.account.name}",
                before={"publicKey": here.account.public_key},
                after={"publicKey": public_key},
                takes_away=True,
            )
            async with recording:  # nobody who comes in has anything to do about a note that is owed
                yield

        return await access.entrance.change_password(
            here.session,
            account=here.account,
            old=old,
            new=new,
            device=request.cookies.get(access.cookies.device, ""),
            now_ms=self._clock_ms(),
            noting=noting,
        )

    async def log_in(self, request: Asked, name: str, password: str) -> LoggedIn | Refused:
        """Let in whoever knows the password; see `Entrance.log_in`. Too many attempts for an account are noted.

        The log cannot forget, so it does not say from where.
        """
        cookies = self._access.cookies
        done = await self._access.entrance.log_in(
            name,
            password,
            network=_network_of(request),
            device=request.cookies.get(cookies.device, ""),
            browser=browser_of(request.headers.get("user-agent", "")),
            now_ms=self._clock_ms(),
        )
        if isinstance(done, Refused) and done.locked_out:
            await self._changes.happened(_Stranger(), operation="lock-out", resource=f"accounts/{done.locked_out}")
        return done

    async def make_token(
        self, request: Asked, *, name: str, scopes: tuple[str, ...], tenants: tuple[str, ...], days: int = DEFAULT_DAYS
    ) -> tuple[Token, str]:
        """A token of who asks, and the whole of it, which nobody can read again."""
        here = self._access.knowing.confirmed(request)
        unknown = sorted(set(scopes) - SCOPES)
        if unknown:
            raise AccountProblem("token-scope", scope=unknown[0][:64], scopes=", ".join(sorted(SCOPES)))
        key = self._access.knowing.key(request) if SIGN in scopes else None
        who, resource = principal_of(request), f"accounts/{here.account.name}/tokens"
        async with self._changes.recording(who, operation="create", resource=resource, after=LATER) as noting:
            made, text = await self._access.tokens.make(
                here.account, name=name, scopes=scopes, tenants=tenants, days=days, key=key, now_ms=self._clock_ms()
            )
            noting.resource = f"{resource}/{made.id}"
            noting.after = _token_noted(made)
        return made, text

    async def revoke_token(self, request: Asked, token_id: str) -> None:
        """End a token of who asks."""
        here = here_of(request)
        mine = {token.id: token for token, _ in await self._access.tokens.of(here.account.name)}
        token = mine.get(token_id)
        if token is None:
            raise AccountProblem("token-unknown", id=token_id[:64])
        resource = f"accounts/{here.account.name}/tokens/{token.id}"
        noted = self._changes.recording(
            principal_of(request), operation="delete", resource=resource, before=_token_noted(token), takes_away=True
        )
        async with noted as noting:
            if noting.owed:
                owes(request)
            await self._access.tokens.revoke(here.account.name, token.id)

    @asynccontextmanager
    async def _noted(
        self,
        request: Asked,
        operation: Operation,
        name: str,
        *,
        reason: str,
        mine: bool = False,
        takes_away: bool = False,
    ) -> AsyncIterator[Changing]:
        """A block that changes an account, which is that of who asks only where `mine` says that this may be."""
        who = principal_of(request)
        if who.kind == "session":
            self._access.knowing.confirmed(request)
        if who.name == name and not mine:
            raise AccountProblem("account-self")
        before = await self._access.accounts.read(name)
        if before is None and operation != "create":
            raise AccountProblem("account-unknown", name=name[:64])
        noted = self._changes.recording(
            who,
            operation=operation,
            resource=f"accounts/{name[:64]}",
            before=None if before is None else Noted.of(before),
            after=LATER,
            reason=reason,
            takes_away=takes_away,
        )
        async with noted as noting:
            if noting.owed:
                owes(request)
            yield noting


def _token_noted(token: Token) -> dict[str, Any]:
    return {"name": token.name, "scopes": token.scopes, "tenants": token.tenants, "expiresMs": token.expires_ms}


def _network_of(request: Asked) -> str:
    """The address that a request comes from, as the server knows it: behind proxies that are trusted, their word."""
    return request.client.host if request.client is not None else ""
