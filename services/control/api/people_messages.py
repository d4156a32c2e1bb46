"""What the operations on sessions, accounts and tokens take and give, as JSON."""

from typing import Annotated

import msgspec

from services.control.access.accounts import Account, DisplayName, Email, Grants, Language, Tenant
from services.control.access.principals import Principal
from services.control.access.rights import Role
from services.control.access.sessions import Session
from services.control.access.tokens import DEFAULT_DAYS, LONGEST_DAYS, Token, TokenName
from services.control.times import iso

Password = Annotated[str, msgspec.Meta(max_length=1024)]
"""Longer ones are read, to say that they are too long."""

Reason = Annotated[str, msgspec.Meta(max_length=1000)]
"""Why it is done; it stays in the log."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Something that is sent."""


class Given(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is answered. Times are RFC 3339, in UTC; empty for never."""


class LogIn(Taken, frozen=True, kw_only=True):
    """Who one is."""

    name: Annotated[str, msgspec.Meta(max_length=256)]
    password: Password


class Confirm(Taken, frozen=True, kw_only=True):
    """Who one is, once more."""

    password: Password


class ChangePassword(Taken, frozen=True, kw_only=True):
    """The password that one has, and the one that one wants."""

    old: Password
    new: Password


class CreateAccount(Taken, frozen=True, kw_only=True):
    """An account to make."""

    name: Annotated[str, msgspec.Meta(max_length=256)]
    display_name: DisplayName = ""
    email: Email = ""
    grants: Grants = {}
    """Roles by tenant; "*" holds in all."""
    language: Language = ""
    reason: Reason = ""

    def account(self, *, now_ms: int) -> Account:
        """The account that is asked for."""
        return Account(
            name=self.name,
            display_name=self.display_name,
            email=self.email,
            grants=self.grants,
            language=self.language,
            created_ms=now_ms,
        )


class UpdateAccount(Taken, frozen=True, kw_only=True):
    """What to change of an account; `null` or nothing: it stays as it is."""

    display_name: DisplayName | None = None
    email: Email | None = None
    grants: Grants | None = None
    language: Language | None = None
    reason: Reason = ""


class Why(Taken, frozen=True, kw_only=True):
    """Why something is done."""

    reason: Reason = ""


class CreateToken(Taken, frozen=True, kw_only=True):
    """An API token to make."""

    name: TokenName
    scopes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    """Rights, and "sign"."""
    tenants: Annotated[tuple[Tenant, ...], msgspec.Meta(min_length=1, max_length=1000)] = ("*",)
    days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)] = DEFAULT_DAYS


class AccountShown(Given, frozen=True, kw_only=True):
    """An account."""

    name: str
    display_name: str
    email: str
    grants: dict[str, tuple[Role, ...]]
    state: str
    """"active" or "disabled"."""
    language: str
    create_time: str
    must_change_password: bool
    one_time_password_expire_time: str
    provider: str
    """The OIDC provider through which they log in; empty for none."""
    public_key: str
    """Of the key that they sign with; empty until they have one."""
    etag: str


class Accounts(Given, frozen=True, kw_only=True):
    """Accounts by name."""

    accounts: tuple[AccountShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class Invited(Given, frozen=True, kw_only=True):
    """An account, and the password that lets its owner in once. It is never shown again."""

    account: AccountShown
    one_time_password: str


class WhoAmI(Given, frozen=True, kw_only=True):
    """Who asks."""

    name: str
    kind: str
    """"session", "token" or "signature"."""
    rights: dict[str, tuple[str, ...]]
    """By tenant; "*" holds in all."""
    account: AccountShown | None = None
    csrf_token: str = ""
    """Of a session: what every request that changes something sends as `x-csrf-token`."""
    confirm_expire_time: str = ""
    """Until when a retyped password counts."""
    expire_time: str = ""
    """When the session ends if nobody uses it."""


class SessionShown(Given, frozen=True, kw_only=True):
    """A session."""

    id: str
    current: bool
    """It is the one that asks."""
    browser: str
    way: str
    """"password" or "oidc"."""
    create_time: str
    last_used_time: str
    """To the minute."""
    expire_time: str


class Sessions(Given, frozen=True, kw_only=True):
    """Sessions, last used first."""

    sessions: tuple[SessionShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class TokenShown(Given, frozen=True, kw_only=True):
    """An API token, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    tenants: tuple[str, ...]
    create_time: str
    expire_time: str
    last_used_time: str
    """To ten minutes; empty for never."""


class TokensShown(Given, frozen=True, kw_only=True):
    """API tokens, newest first."""

    tokens: tuple[TokenShown, ...]
    next_page_token: str = ""
    """Of the page that follows; empty: there is none."""


class TokenMade(Given, frozen=True, kw_only=True):
    """A new API token. `secret` is the whole of it, and is never shown again."""

    token: TokenShown
    secret: str


def account_shown(account: Account) -> AccountShown:
    """An account as it is answered."""
    return AccountShown(
        name=account.name,
        display_name=account.display_name,
        email=account.email,
        grants=dict(account.grants),
        state=account.state,
        language=account.language,
        create_time=time_of(account.created_ms),
        must_change_password=account.must_change,
        one_time_password_expire_time=time_of(account.one_time_until_ms),
        provider=account.issuer,
        public_key=account.public_key,
        etag=account.etag,
    )


def session_shown(session: Session, *, current: str) -> SessionShown:
    """A session as it is answered; `current` is the id of the one that asks."""
    return SessionShown(
        id=session.id,
        current=session.id == current,
        browser=session.body.browser,
        way=session.body.way,
        create_time=time_of(session.body.began_ms),
        last_used_time=time_of(session.seen_ms),
        expire_time=time_of(session.ends_ms),
    )


def token_shown(token: Token, used_ms: int) -> TokenShown:
    """A token as it is answered."""
    return TokenShown(
        id=token.id,
        name=token.name,
        scopes=token.scopes,
        tenants=token.tenants,
        create_time=time_of(token.created_ms),
        expire_time=time_of(token.expires_ms),
        last_used_time=time_of(used_ms),
    )


def who(
    principal: Principal, *, account: Account | None = None, session: Session | None = None, now_ms: int = 0
) -> WhoAmI:
    """Who asks, as it is answered."""
    confirmed = session.confirmed if session is not None and session.is_confirmed(now_ms=now_ms) else None
    return WhoAmI(
        name=principal.name,
        kind=principal.kind,
        rights={tenant: tuple(sorted(rights)) for tenant, rights in principal.rights.by_tenant.items()},
        account=None if account is None else account_shown(account),
        csrf_token="" if session is None else session.csrf,
        confirm_expire_time="" if confirmed is None else time_of(confirmed.until_ms),
        expire_time="" if session is None else time_of(session.ends_ms),
    )


def time_of(at_ms: int) -> str:
    """A time in RFC 3339; empty for 0."""
    return iso(at_ms) if at_ms else ""
