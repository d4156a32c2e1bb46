"""Who asks, by the cookie of a session or by an API token: what the door is told, and what handlers need besides."""

from collections.abc import Callable, MutableMapping
from typing import Any, Final

import msgspec
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.types import Message, Scope

from gateway.signing import Signer
from services.control.access.account_store import AccountStore
from services.control.access.accounts import Account, AccountProblem
from services.control.access.asking import Unasked
from services.control.access.cookies import UNSAFE, Cookies
from services.control.access.entrance import ConfirmationNeeded, Entrance
from services.control.access.keyring import Key, WrongSecret, opened_by_secret
from services.control.access.principals import Asked, Principal, principal_of, right_of
from services.control.access.rights import EVERYWHERE, OPEN, Right, Rights, rights_of
from services.control.access.sessions import Session, Sessions, holds
from services.control.access.texts import say
from services.control.access.tokens import PREFIX, Token, Tokens
from services.not_done import NotDone

CSRF_HEADER: Final = "x-csrf-token"
BY_ITSELF: Final = "x-pilote-by-itself"
"""The header of what a page asks for while nobody does anything: it keeps no session from ending."""
_STREAMS: Final = "text/event-stream"
CSRF_FIELD: Final = "csrf"
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_BEARER: Final = f"Bearer {PREFIX}_"
_HERE: Final = "session"
_TOKEN: Final = "token"  # noqa: S105 - where one is kept
_COOKIES: Final = "cookies"
_ONLY_OWN: Final = Rights({EVERYWHERE: frozenset({Right.OWN})})


class CsrfRefused(NotDone):
    """A request with the cookie of a session does not show that it comes from a page of ours."""

    say = staticmethod(say)

    def __init__(self) -> None:
        super().__init__("csrf")


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """The session that a request belongs to."""

    session: Session
    cookie: str
    account: Account


class Knowing:
    """Knows accounts. Every method raises `RedisError` when the store does not answer."""

    def __init__(
        self,
        accounts: AccountStore,
        sessions: Sessions,
        *,
        tokens: Tokens,
        entrance: Entrance,
        cookies: Cookies,
        clock_ms: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._tokens = tokens
        self._entrance = entrance
        self._cookies = cookies
        self._clock_ms = clock_ms

    async def by_token(self, request: Asked) -> Principal | None:
        """The owner of the API token in `authorization: Bearer plt_…`; `None` where there is none.

        Raises:
            Unasked: it is none, or is over.
        """
        given = request.headers.get("authorization", "")
        if not given.startswith(_BEARER):
            return None
        now_ms, text = self._clock_ms(), given.removeprefix("Bearer ").strip()
        token = await self._tokens.find(text, now_ms=now_ms)
        account = None if token is None else await self._accounts.read(token.account)
        if token is None or account is None or account.state != "active" or account.must_change:
            raise Unasked("asked-token")
        await self._tokens.use(token, now_ms=now_ms)
        request.state[_TOKEN] = (token, text, account)
        rights = token.rights(rights_of(account.grants))
        return Principal(name=account.name, kind="token", rights=rights, id=token.id)

    async def by_cookie(self, request: Asked) -> Principal | None:
        """The owner of the session whose cookie a request brings; `None` where it brings none that is good.

        Raises:
            CsrfRefused: the request would change something, and may come from elsewhere.
            AccountProblem: its owner must choose a password first.
        """
        cookie, now_ms = request.cookies.get(self._cookies.session, ""), self._clock_ms()
        session = await self._sessions.find(cookie, now_ms=now_ms) if cookie else None
        account = None if session is None else await self._accounts.read(session.body.account)
        if session is None or account is None or not holds(session, account):
            return None
        if request.method in UNSAFE and not await self._is_own(request, session):
            raise CsrfRefused
        if account.must_change and right_of(request.route_handler) not in OPEN | {Right.OWN}:
            raise AccountProblem("password-must-change")
        session, cookie = await self._kept_up(request, Here(session=session, cookie=cookie, account=account))
        request.state[_HERE] = Here(session=session, cookie=cookie, account=account)
        rights = _ONLY_OWN if account.must_change else rights_of(account.grants)
        return Principal(name=account.name, kind="session", rights=rights, id=session.id)

    def signer(self, request: Asked) -> Signer:
        """What signs revisions for whoever asks, with the managed key of their account.

        Raises:
            ConfirmationNeeded: they must show once more who they are.
            AccountProblem: they have no key, or their token may not sign.
        """
        found: tuple[Token, str, Account] | None = request.state.get(_TOKEN)
        if found is not None:
            return _token_signer(*found)
        return self.key(request).signer

    def key(self, request: Asked) -> Key:
        """The managed key of somebody who asks in person. Raises like `signer`."""
        here = here_of(request)
        return self._entrance.key(here.session, here.cookie, account=here.account, now_ms=self._clock_ms())

    def confirmed(self, request: Asked) -> Here:
        """The session of a request whose owner has shown of late who they are.

        Raises:
            ConfirmationNeeded: they have not.
            AccountProblem: they did not ask in person.
        """
        here = here_of(request)
        if not here.session.is_confirmed(now_ms=self._clock_ms()):
            raise ConfirmationNeeded("confirm-provider" if here.session.body.way == "oidc" else "confirm-needed")
        return here

    def sure(self, request: Asked) -> None:
        """Ask whoever has a session for what cannot be undone to have shown of late who they are.

        A token or a signature shows it each time.

        Raises:
            ConfirmationNeeded: they have not.
        """
        if principal_of(request).kind == "session":
            self.confirmed(request)

    async def _is_own(self, request: Asked, session: Session) -> bool:
        if not self._cookies.is_own(request.headers):
            return False
        given = request.headers.get(CSRF_HEADER, "")
        if not given and request.headers.get("content-type", "").startswith(_FORMS):
            given = str((await request.form()).get(CSRF_FIELD, ""))
        return session.is_token(given)

    async def _kept_up(self, request: Asked, here: Here) -> tuple[Session, str]:
        """The session, written down as used, with a new cookie where its account has got other rights.

        What a page asks for by itself leaves it as it is.
        """
        now_ms = self._clock_ms()
        if by_itself(request):
            return here.session, here.cookie
        if here.session.body.rights == here.account.rights or here.session.until_ms:
            return await self._sessions.touch(here.session, now_ms=now_ms), here.cookie
        rotated = await self._sessions.rotate(here.session, here.account, now_ms=now_ms)
        if rotated is None:  # another request of the same page was faster
            return here.session, here.cookie
        cookie, session = rotated
        set_cookies(request.state, self._cookies.made(self._cookies.session, cookie))
        return session, cookie


def by_itself(request: Asked) -> bool:
    """Whether a page asks, and nobody has done anything: a stream that it follows, or what it looks at now and then."""
    return request.headers.get(BY_ITSELF) == "true" or request.headers.get("accept") == _STREAMS


def here_of(request: Asked) -> Here:
    """The session of a request.

    Raises:
        AccountProblem: whoever asks is known otherwise, and only somebody in person may do this.
    """
    here: Here | None = request.state.get(_HERE)
    if here is None:
        raise AccountProblem("session-needed")
    return here


def csrf_of(request: Asked) -> str:
    """The token that forms of a page carry; empty where nobody is logged in."""
    here: Here | None = request.state.get(_HERE)
    return "" if here is None else here.session.csrf


def ends_of(request: Asked) -> int:
    """When the session of a request ends if nobody uses it, milliseconds since the epoch; 0 where there is none."""
    here: Here | None = request.state.get(_HERE)
    return 0 if here is None else here.session.ends_ms


def set_cookies(state: MutableMapping[str, Any], *cookies: Cookie) -> None:
    """Let the answer set cookies, whoever makes it; later ones of the same name count."""
    state[_COOKIES] = (*state.get(_COOKIES, ()), *cookies)


async def with_cookies(message: Message, scope: Scope) -> None:
    """Put the cookies into the answer. For Litestar's `before_send`."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    latest = {cookie.key: cookie for cookie in scope["state"].get(_COOKIES, ())}
    for cookie in latest.values():
        headers.add("set-cookie", cookie.to_header(header=""))


def _token_signer(token: Token, text: str, account: Account) -> Signer:
    if not token.may_sign:
        raise AccountProblem("sign-scope")
    if not account.public_key or token.public_key != account.public_key:
        raise AccountProblem("sign-stale")
    try:
        return opened_by_secret(account.name, token.key, text).signer
    except WrongSecret as error:
        raise AccountProblem("sign-stale") from error
