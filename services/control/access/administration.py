"""Making accounts, and saying who may do what: for REST, the console and `pilote users`.

Whom an administrator lets in gets a password that works once, for seven days, and can be used for nothing but choosing
another one: no administrator ever knows a password, nor has the key that its owner signs with.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.policy.vocabulary import NAME
from services.control.access.account_store import AccountStore
from services.control.access.accounts import Account, AccountProblem, Secrets, State
from services.control.access.passwords import Passwords
from services.control.access.rights import EVERYWHERE, Role
from services.control.access.sessions import Sessions

ONE_TIME_MS: Final = 7 * 24 * 3_600_000
BOOTSTRAP: Final = "admin"
"""Name of the first account."""
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # those that nobody takes for another
_NAME: Final = re.compile(NAME)


class Edited(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of an account; `None` stays as it is."""

    display_name: str | None = None
    email: str | None = None
    grants: Mapping[str, tuple[Role, ...]] | None = None
    language: str | None = None


class Administration:
    """Works on accounts. Raises `RedisError` when the store does not answer, and `Busy` where too many wait."""

    def __init__(self, accounts: AccountStore, sessions: Sessions, *, passwords: Passwords) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords

    async def bootstrap(self, *, now_ms: int) -> str | None:
        """Make the first account, which may say who may do what; answers its one-time password.

        `None` where there is an account already.
        """
        if await self._accounts.any():
            return None
        grants = {EVERYWHERE: (Role.ADMIN, Role.OFFICER)}
        account = Account(name=BOOTSTRAP, grants=grants, created_ms=now_ms)
        try:
            return (await self._invited(account, now_ms=now_ms, only_first=True))[1]
        except AccountProblem:  # another process was faster
            return None

    async def add(self, account: Account, *, now_ms: int) -> tuple[Account, str]:
        """Add an account; answers it, and its one-time password, which nobody can read again.

        Raises:
            AccountProblem: there is one of that name, or it is none.
        """
        if not _NAME.fullmatch(account.name):
            raise AccountProblem("account-name", name=account.name[:64])
        return await self._invited(account, now_ms=now_ms)

    async def reset(self, name: str, *, version: int | None = None, now_ms: int) -> tuple[Account, str]:
        """Give a new one-time password; ends all sessions. Their key is gone: the policy will need their next one.

        Raises:
            AccountProblem: there is no such account, it has another version than `version`, or a provider's password.
        """
        password = _one_time()
        kept = Secrets(password=await self._passwords.hashed(password))

        def edit(before: Account) -> Account:
            if before.issuer:
                raise AccountProblem("account-provider", name=name)
            return msgspec.structs.replace(
                before,
                must_change=True,
                one_time_until_ms=now_ms + ONE_TIME_MS,
                public_key="",
                logins=before.logins + 1,
            )

        after = await self._accounts.change(name, edit, version=version, kept=kept)
        await self._sessions.end(name)
        return after, password

    async def edit(self, name: str, edited: Edited, *, version: int | None = None) -> Account:
        """Change an account; other grants give its sessions new cookies.

        Raises:
            AccountProblem: there is none, it has another version, or is the last admin of everything.
        """
        changes = {field: value for field, value in msgspec.structs.asdict(edited).items() if value is not None}
        if "grants" in changes:
            changes["grants"] = _plain(changes["grants"])

        def edit(before: Account) -> Account:
            after = msgspec.structs.replace(before, **changes)
            if after.grants == before.grants:
                return after
            return msgspec.structs.replace(after, rights=before.rights + 1)

        return await self._accounts.change(name, edit, version=version)

    async def grant(self, name: str, role: Role, *, tenant: str, granted: bool) -> Account:
        """Give a role in a tenant, or take it; the other ones stay.

        Raises:
            AccountProblem: there is no such account, or it is the last admin of everything.
        """

        def edit(before: Account) -> Account:
            roles = set(before.grants.get(tenant, ()))
            roles = roles | {role} if granted else roles - {role}
            grants = _plain({**before.grants, tenant: tuple(roles)})
            if grants == before.grants:
                return before
            return msgspec.structs.replace(before, grants=grants, rights=before.rights + 1)

        return await self._accounts.change(name, edit)

    async def enable(self, name: str, state: State, *, version: int | None = None) -> Account:
        """Let somebody in again, or nobody any more by this account: its sessions end, its tokens answer no more.

        Raises:
            AccountProblem: there is none, it has another version, or is the last admin of everything.
        """

        def edit(before: Account) -> Account:
            if before.state == state:
                return before
            return msgspec.structs.replace(before, state=state, logins=before.logins + 1)

        after = await self._accounts.change(name, edit, version=version)
        if state == "disabled":
            await self._sessions.end(name)
        return after

    async def _invited(self, account: Account, *, now_ms: int, only_first: bool = False) -> tuple[Account, str]:
        password = _one_time()
        kept = Secrets(password=await self._passwords.hashed(password))
        made = msgspec.structs.replace(
            account, grants=_plain(account.grants), must_change=True, one_time_until_ms=now_ms + ONE_TIME_MS
        )
        await self._accounts.create(made, kept, only_first=only_first)
        return made, password


def _one_time() -> str:
    """About 99 random bits that can be read out over a telephone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def _plain(grants: Mapping[str, tuple[Role, ...]]) -> dict[str, tuple[Role, ...]]:
    """Each role once, in the order of their names; no tenant without any."""
    return {tenant: tuple(sorted(set(grants[tenant]))) for tenant in sorted(grants) if grants[tenant]}
