"""People who come through their company's provider: who they are here, sessions, and showing anew who they are.

An account belongs to who the provider says they are, by issuer and subject, and to nobody by an e-mail address. It is
made at the first login, and its roles are what the file gives to its groups, anew at each login.
"""

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from services.control.access.account_store import AccountStore
from services.control.access.accounts import Account, AccountProblem, Secrets
from services.control.access.entrance import Entrance, LoggedIn
from services.control.access.keyring import Key, WrongSecret, opened_by_server
from services.control.access.oidc.configuration import Oidc
from services.control.access.oidc.provider import Identity, Provider
from services.control.access.rights import Role
from services.control.access.sessions import Session, Sessions

BEGUN_MS: Final = 10 * 60_000
"""How long somebody may take at the provider."""
FRESH_MS: Final = 60_000
"""How far the provider's clock may be behind ours when it says that somebody has just shown who they are."""
ATTEMPTS: Final = 20
_BOUND: Final = b"pilote.dev/oidc/v1"
_NAME_CHARACTERS: Final = 40


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser keeps for us, sealed, while its user is at the provider."""

    state: str
    nonce: str
    verifier: str
    at_ms: int
    purpose: Literal["log in", "confirm"]
    back: str
    """The path to go on at."""


class Company:
    """Lets people in through the provider."""

    def __init__(
        self,
        oidc: Oidc,
        provider: Provider,
        *,
        accounts: AccountStore,
        sessions: Sessions,
        entrance: Entrance,
        sealer: Sealer,
        clock_ms: Callable[[], int],
    ) -> None:
        self.provider: Final = provider
        self._oidc = oidc
        self._accounts = accounts
        self._sessions = sessions
        self._entrance = entrance
        self._sealer = sealer
        self._clock_ms = clock_ms

    @property
    def label(self) -> str:
        """What people call the provider."""
        return self._oidc.file.label

    async def begin(self, purpose: Literal["log in", "confirm"], *, back: str, language: str) -> tuple[str, str]:
        """Where to send a browser, and what it must keep until it comes back.

        Raises:
            AccountProblem: the provider does not answer.
        """
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            at_ms=self._clock_ms(),
            purpose=purpose,
            back=back,
        )
        url = await self.provider.authorization(
            state=begun.state,
            nonce=begun.nonce,
            verifier=begun.verifier,
            fresh=purpose == "confirm",
            language=language,
        )
        sealed = self._sealer.seal(msgspec.json.encode(begun), bound_to=_BOUND)
        return url, base64.urlsafe_b64encode(sealed).decode()

    async def back(self, kept: str, *, state: str, code: str, issuer: str) -> tuple[Begun, Identity]:
        """What was begun, and who has come back; `kept` is what the browser kept.

        Raises:
            AccountProblem: it was not begun in this browser, took too long, or the provider does not confirm it.
        """
        begun = self._read(kept)
        if begun is None or not code or not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise AccountProblem("oidc-refused")
        if not 0 <= self._clock_ms() - begun.at_ms < BEGUN_MS:
            raise AccountProblem("oidc-late")
        fresh = begun.purpose == "confirm"
        identity = await self.provider.identified(
            code=code, issuer=issuer, nonce=begun.nonce, verifier=begun.verifier, fresh=fresh
        )
        return begun, identity

    async def enter(self, identity: Identity, *, device: str, browser: str) -> LoggedIn:
        """Begin a session for who has come back.

        Raises:
            AccountProblem: no group gives them a role, or their account is disabled.
        """
        account = await self._accounts.linked(identity.link)
        if account is None:
            account = await self._made(identity)
        account = await self._up_to_date(account, identity)
        if account.state != "active":
            raise AccountProblem("oidc-disabled")
        return await self._entrance.enter(
            account, device=device, browser=browser, id_token=identity.id_token, now_ms=self._clock_ms()
        )

    async def confirm(
        self, session: Session, cookie: str, *, account: Account, identity: Identity, begun: Begun
    ) -> Session:
        """Let a session's owner sign, and change much, for five minutes: the provider has just seen them.

        Raises:
            AccountProblem: somebody else has come back, or the provider has not asked them anew.
        """
        if identity.link != account.link:
            raise AccountProblem("oidc-other")
        if identity.authenticated_ms < begun.at_ms - FRESH_MS:
            raise AccountProblem("oidc-stale")
        kept = await self._accounts.secrets(account.name)
        sealed = b""
        if kept.key is not None:
            try:
                key = opened_by_server(account.name, kept.key, sealer=self._sealer)
            except WrongSecret as error:
                raise AccountProblem("sign-nothing") from error
            sealed = key.under_secret(account.name, cookie)
        return await self._sessions.confirm(session, sealed, now_ms=self._clock_ms())

    def _read(self, kept: str) -> Begun | None:
        try:
            sealed = base64.b64decode(kept.encode(), altchars=b"-_", validate=True)
            return msgspec.json.decode(self._sealer.open(sealed, bound_to=_BOUND), type=Begun)
        except (binascii.Error, ValueError, Damaged, KeyMissing, msgspec.DecodeError):
            return None

    async def _made(self, identity: Identity) -> Account:
        grants = self._granted(identity)
        wanted = _name_of(identity)
        for attempt in range(ATTEMPTS):
            name = f"{wanted}-{identity.link[: 3 + attempt].lower().strip('-_')}" if attempt else wanted
            key = Key.new()
            account = Account(
                name=name,
                grants=grants,
                created_ms=self._clock_ms(),
                issuer=identity.issuer,
                subject=identity.subject,
                public_key=key.public_key,
            )
            try:
                await self._accounts.create(account, Secrets(key=key.under_server(name, self._sealer)))
            except AccountProblem as problem:
                if problem.code == "account-linked":  # another request of theirs was faster
                    linked = await self._accounts.linked(identity.link)
                    if linked is not None:
                        return linked
                continue
            return account
        raise AccountProblem("account-there", name=wanted)

    async def _up_to_date(self, account: Account, identity: Identity) -> Account:
        grants = self._granted(identity)
        name, email = _line(identity.display_name, 100), _line(identity.email, 254)

        def edit(before: Account) -> Account:
            after = msgspec.structs.replace(before, display_name=name, email=email, grants=grants)
            rights = before.rights + (dict(before.grants) != grants)
            return msgspec.structs.replace(after, rights=rights)

        return await self._accounts.change(account.name, edit)

    def _granted(self, identity: Identity) -> dict[str, tuple[Role, ...]]:
        grants = self._oidc.granted(identity.groups)
        if not grants:
            raise AccountProblem("oidc-role")
        return grants


def _name_of(identity: Identity) -> str:
    local = (identity.username or identity.email).partition("@")[0].casefold()
    plain = re.sub(r"[^a-z0-9_.-]+", "-", local)
    return re.sub(r"^[^a-z]+", "", plain)[:_NAME_CHARACTERS].rstrip("-_.") or "person"


def _line(text: str, most: int) -> str:
    return re.sub(r"[\x00-\x1f\x7f<>]", "", text)[:most]
