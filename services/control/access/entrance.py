"""Logging in, showing once more who one is, and choosing a password: what REST, the console's pages and tests call."""

import contextlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.core.policy.vocabulary import NAME
from services.control.access.account_store import AccountStore
from services.control.access.accounts import Account, AccountProblem, Secrets
from services.control.access.devices import Devices
from services.control.access.keyring import Key, WrongSecret, opened, opened_by_secret
from services.control.access.password_rules import weakness
from services.control.access.passwords import Busy, Passwords, normal
from services.control.access.sessions import Session, Sessions
from services.control.access.texts import say
from services.control.access.throttling import Attempt, Throttle
from services.not_done import NotDone

_NAME: Final = re.compile(NAME)


Noting = Callable[[str], contextlib.AbstractAsyncContextManager[Any]]
"""Notes a change that the block makes; it is given the public key that the account has from then on."""


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is in. `cookie` and `device` are values of cookies to set; nobody can read the first one again."""

    account: Account
    session: Session
    cookie: str
    device: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is not in; `code` is that of a text in `services.control.access.texts`, see `seconds` for its value."""

    code: str
    retry_ms: int = 0
    """How long to wait before the next attempt; 0: one may try at once."""
    locked_out: str = ""
    """The account that there were too many attempts for, once an hour; empty where there is no such account."""

    @property
    def seconds(self) -> int:
        """The wait, rounded up."""
        return -(-self.retry_ms // 1_000)


class NotIn(NotDone):
    """Raised where an operation ends with `Refused`."""

    say = staticmethod(say)

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code, wait_s=refused.seconds, seconds=refused.seconds)


class ConfirmationNeeded(NotDone):
    """Who asks must first show once more who they are, by a password or at a provider: the page that asks knows."""

    say = staticmethod(say)

    def __init__(self, code: str) -> None:
        super().__init__(code, reason="CONFIRMATION_NEEDED")


class Entrance:
    """Lets people in. Every method raises `RedisError` when the store does not answer."""

    def __init__(
        self, accounts: AccountStore, sessions: Sessions, *, passwords: Passwords, throttle: Throttle, devices: Devices
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._throttle = throttle
        self._devices = devices

    async def log_in(
        self, name: str, password: str, *, network: str, device: str = "", browser: str = "", now_ms: int
    ) -> LoggedIn | Refused:
        """Begin a session for whoever knows the password.

        `network` is the address that the request comes from, `device` the value of the browser's device cookie, if it
        has one. Takes as long for a name that nobody has as for one with a wrong password, and says the same.
        """
        name = name.strip().casefold()
        name = name if _NAME.fullmatch(name) else ""
        attempt = Attempt(name, network, self._devices.known(device, name, now_ms=now_ms))
        if wait_ms := await self._throttle.take(attempt, now_ms=now_ms):
            there = name and await self._accounts.read(name) is not None
            first = there and await self._throttle.first_refusal(name)
            return Refused(code="login-throttled", retry_ms=wait_ms, locked_out=name if first else "")
        account, kept = await self._accounts.read(name), await self._accounts.secrets(name)
        active = account is not None and account.state == "active"
        try:
            right = await self._passwords.matches(password, kept.password if active else "", known=bool(attempt.device))
        except Busy as busy:
            await self._throttle.take_back(attempt)
            return Refused(code="login-busy", retry_ms=busy.retry_ms)
        if account is None or not right:
            return Refused(code="login-wrong")
        if account.must_change and now_ms >= account.one_time_until_ms:
            return Refused(code="login-expired")
        await self._throttle.succeeded(attempt)
        await self._renew(account, kept, password)
        return await self._in(account, device=device, browser=browser, now_ms=now_ms)

    async def enter(self, account: Account, *, device: str = "", browser: str, id_token: str, now_ms: int) -> LoggedIn:
        """Begin a session for somebody whom their provider has just named."""
        cookie, session = await self._sessions.begin(
            account, browser=browser, now_ms=now_ms, way="oidc", id_token=id_token
        )
        device = self._devices.again(device, account.name, now_ms=now_ms)
        return LoggedIn(account=account, session=session, cookie=cookie, device=device)

    async def confirm(
        self, session: Session, cookie: str, *, account: Account, password: str, now_ms: int
    ) -> Session | Refused:
        """Let the session's owner show once more who they are: for five minutes they may then sign, and change much.

        Opens their key, if they have one.
        """
        if session.body.way == "oidc":
            return Refused(code="confirm-provider")
        attempt = Attempt(account.name, "", f"session {session.id}")
        if wait_ms := await self._throttle.take(attempt, now_ms=now_ms):
            return Refused(code="login-throttled", retry_ms=wait_ms)
        try:
            key = await self._opened(account, password)
        except Busy as busy:
            await self._throttle.take_back(attempt)
            return Refused(code="login-busy", retry_ms=busy.retry_ms)
        except WrongSecret:
            return Refused(code="confirm-wrong")
        await self._throttle.succeeded(attempt)
        sealed = b"" if key is None else key.under_secret(account.name, cookie)
        return await self._sessions.confirm(session, sealed, now_ms=now_ms)

    def key(self, session: Session, cookie: str, *, account: Account, now_ms: int) -> Key:
        """The account's key, where its owner has shown of late who they are.

        Raises:
            ConfirmationNeeded: they have not.
            AccountProblem: they have no key.
        """
        if not account.public_key:
            raise AccountProblem("sign-nothing")
        confirmed = session.confirmed
        if confirmed is None or not session.is_confirmed(now_ms=now_ms):
            raise ConfirmationNeeded("confirm-provider" if session.body.way == "oidc" else "confirm-needed")
        try:
            return opened_by_secret(account.name, confirmed.key, cookie)
        except WrongSecret as error:
            raise ConfirmationNeeded("confirm-needed") from error

    async def change_password(
        self,
        session: Session,
        *,
        account: Account,
        old: str,
        new: str,
        device: str = "",
        now_ms: int,
        noting: Noting = contextlib.nullcontext,
    ) -> LoggedIn | Refused:
        """Replace the password by one that its owner chooses; ends all their sessions and begins a new one.

        `noting` is around the change itself, once nothing refuses it any more.

        Their key stays, sealed anew; where the old password was made by somebody else, they get a key of their own.

        Raises:
            AccountProblem: somebody has changed the account meanwhile.
        """
        if session.body.way == "oidc":
            return Refused(code="password-none")
        attempt = Attempt(account.name, "", f"session {session.id}")
        if wait_ms := await self._throttle.take(attempt, now_ms=now_ms):
            return Refused(code="login-throttled", retry_ms=wait_ms)
        try:
            key = await self._opened(account, old)
            if weak := _refusable(account, old=old, new=new):
                await self._throttle.succeeded(attempt)
                return Refused(code=weak)
            if key is None or account.must_change:
                key = Key.new()
            sealed = await key.under_password(account.name, new, self._passwords)
            kept = Secrets(password=await self._passwords.hashed(new), key=sealed)
        except Busy as busy:
            await self._throttle.take_back(attempt)
            return Refused(code="login-busy", retry_ms=busy.retry_ms)
        except WrongSecret:
            return Refused(code="confirm-wrong")
        await self._throttle.succeeded(attempt)
        public_key = key.public_key

        def edit(before: Account) -> Account:
            changed = msgspec.structs.replace(before, must_change=False, one_time_until_ms=0, public_key=public_key)
            return msgspec.structs.replace(changed, logins=before.logins + 1)

        async with noting(public_key):
            after = await self._accounts.change(account.name, edit, version=account.version, kept=kept)
            await self._sessions.end(account.name)
        return await self._in(after, device=device, browser=session.body.browser, now_ms=now_ms)

    async def _in(self, account: Account, *, device: str, browser: str, now_ms: int) -> LoggedIn:
        cookie, session = await self._sessions.begin(account, browser=browser, now_ms=now_ms)
        device = self._devices.again(device, account.name, now_ms=now_ms)
        return LoggedIn(account=account, session=session, cookie=cookie, device=device)

    async def _opened(self, account: Account, password: str) -> Key | None:
        """The key that the password opens; `None` where the password is right and there is no key.

        Raises:
            WrongSecret: it is wrong.
        """
        kept = await self._accounts.secrets(account.name)
        if kept.key is not None:
            return await opened(account.name, kept.key, password, passwords=self._passwords)
        if not await self._passwords.matches(password, kept.password):
            raise WrongSecret
        return None

    async def _renew(self, account: Account, kept: Secrets, password: str) -> None:
        """Hash the password anew where it was with other parameters than today's; if not now, at the next login."""
        if not self._passwords.stale(kept.password):
            return
        try:
            fresh = msgspec.structs.replace(kept, password=await self._passwords.hashed(password))
            await self._accounts.change(account.name, lambda same: same, version=account.version, kept=fresh)
        except (Busy, AccountProblem):
            return


def _refusable(account: Account, *, old: str, new: str) -> str:
    if normal(old) == normal(new):
        return "password-same"
    return weakness(new, names=(account.name, account.display_name, account.email))
