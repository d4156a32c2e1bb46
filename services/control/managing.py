"""Managing people: every change of an account is noted in the log, by REST and on pages alike."""

from collections.abc import Callable
from typing import Any

import msgspec

from services.control.access.accesses import Access
from services.control.access.accounts import Account, AccountProblem, State
from services.control.access.administration import Edited
from services.control.changes import LATER, Changes, Who


class Managing:
    """Makes and changes accounts for whoever may. `clock_ms` is milliseconds since the epoch.

    All methods raise what `Administration` does, and `Undone` where the log cannot take a change down.
    """

    def __init__(self, access: Access, changes: Changes, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._changes = changes
        self._clock_ms = clock_ms

    async def add(self, who: Who, account: Account, *, reason: str = "") -> tuple[Account, str]:
        """Add an account, made now; answers it, and its one-time password."""
        noted: dict[str, Any] = {"resource": f"accounts/{account.name}", "after": _noted(account), "reason": reason}
        async with self._changes.recording(who, operation="create", **noted):
            now_ms = self._clock_ms()
            made = msgspec.structs.replace(account, created_ms=now_ms)
            return await self._access.administration.add(made, now_ms=now_ms)

    async def edit(
        self, who: Who, name: str, edited: Edited, *, version: int | None = None, reason: str = ""
    ) -> Account:
        """Change what an account is called and what it may do; nobody changes their own grants."""
        if edited.grants is not None:
            self._not_self(who, name)
        before = await self._access.accounts.known(name)
        noted: dict[str, Any] = {
            "resource": f"accounts/{name}",
            "before": _noted(before),
            "after": LATER,
            "reason": reason,
        }
        async with self._changes.recording(who, operation="update", **noted) as change:
            after = await self._access.administration.edit(name, edited, version=version)
            change.after = _noted(after)
        return after

    async def enable(
        self, who: Who, name: str, state: State, *, version: int | None = None, reason: str = ""
    ) -> Account:
        """Let somebody in again, or nobody any more by this account."""
        self._not_self(who, name)
        before = await self._access.accounts.known(name)
        operation = "enable" if state == "active" else "disable"
        noted: dict[str, Any] = {
            "resource": f"accounts/{name}",
            "before": _noted(before),
            "after": {**_noted(before), "state": state},
            "reason": reason,
        }
        async with self._changes.recording(who, operation=operation, **noted):
            return await self._access.administration.enable(name, state, version=version)

    async def reset(self, who: Who, name: str, *, version: int | None = None, reason: str = "") -> tuple[Account, str]:
        """Give somebody a new one-time password."""
        self._not_self(who, name)
        await self._access.accounts.known(name)
        async with self._changes.recording(who, operation="reset", resource=f"accounts/{name}", reason=reason):
            return await self._access.administration.reset(name, version=version, now_ms=self._clock_ms())

    async def end_sessions(self, who: Who, name: str, *, reason: str = "") -> None:
        """End all sessions of an account."""
        await self._access.accounts.known(name)
        noted: dict[str, Any] = {"resource": f"accounts/{name}/sessions", "reason": reason}
        async with self._changes.recording(who, operation="delete", **noted):
            await self._access.sessions.end(name)

    def _not_self(self, who: Who, name: str) -> None:
        if who.kind in ("session", "token") and who.name == name:
            raise AccountProblem("account-self")


def _noted(account: Account) -> dict[str, Any]:
    """What the log keeps of an account: what it may do, and no more of the person than the name."""
    grants = {tenant: [role.value for role in roles] for tenant, roles in account.grants.items()}
    return {"grants": grants, "state": account.state, "provider": account.issuer}
