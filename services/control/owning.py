"""What people do about their own account: tokens, noted in the log like every change."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from litestar import Request

from services.control.access.accesses import Access
from services.control.access.accounts import AccountProblem, Tenant
from services.control.access.knowing import here_of
from services.control.access.principals import principal_of
from services.control.access.rights import EVERYWHERE, OPEN, Right
from services.control.access.tokens import DEFAULT_DAYS, LONGEST_DAYS, SIGN, Token, TokenName
from services.control.changes import LATER, Changes

SCOPES: Final = frozenset({right.value for right in Right} - {right.value for right in OPEN} | {SIGN})


class Owning:
    """Makes and revokes tokens for whoever asks in person. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, access: Access, changes: Changes, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._changes = changes
        self._clock_ms = clock_ms

    async def make_token(
        self,
        request: Request[Any, Any, Any],
        *,
        name: str,
        scopes: Sequence[str],
        tenants: Sequence[str] = (EVERYWHERE,),
        days: int = DEFAULT_DAYS,
    ) -> tuple[Token, str]:
        """A token of one's own, and its text, which is never shown again. With the scope `sign` it signs for them.

        Raises:
            ConfirmationNeeded: they must show once more who they are.
            AccountProblem: a scope that there is not, a name or time that is none, or too many tokens.
            Undone: the log cannot take it down.
        """
        here = self._access.knowing.confirmed(request)
        unknown = sorted(set(scopes) - SCOPES)
        if unknown or not scopes:
            raise AccountProblem("token-scope", scope=(unknown or [""])[0][:64], scopes=", ".join(sorted(SCOPES)))
        if not 1 <= days <= LONGEST_DAYS:
            raise AccountProblem("token-days", most=LONGEST_DAYS)
        named = _named(name, tenants)
        key = self._access.knowing.key(request) if SIGN in scopes else None
        said = {"name": named[0], "scopes": sorted(scopes), "tenants": list(named[1]), "days": days}
        resource = f"accounts/{here.account.name}/tokens"
        async with self._changes.recording(
            principal_of(request), operation="create", resource=resource, after=LATER
        ) as change:
            made, text = await self._access.tokens.make(
                here.account,
                name=named[0],
                scopes=tuple(scopes),
                tenants=named[1],
                days=days,
                key=key,
                now_ms=self._clock_ms(),
            )
            change.after = {"id": made.id, **said}
        return made, text

    async def revoke_token(self, request: Request[Any, Any, Any], token: str) -> None:
        """End one of one's own tokens at once.

        Raises:
            AccountProblem: there is none of that id.
        """
        name = here_of(request).account.name
        resource = f"accounts/{name}/tokens/{token[:64]}"
        async with self._changes.recording(principal_of(request), operation="delete", resource=resource):
            if not await self._access.tokens.revoke(name, token):
                raise AccountProblem("token-unknown", id=token[:64])


def _named(name: str, tenants: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    try:
        return msgspec.convert(name, TokenName), msgspec.convert(tenants, tuple[Tenant, ...])
    except msgspec.ValidationError as error:
        raise AccountProblem("token-name") from error
