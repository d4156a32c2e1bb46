"""Logging in and out, confirming, passwords and one's own sessions, over HTTP."""

from collections.abc import Callable

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.control.access.accesses import Access
from services.control.access.accounts import AccountProblem
from services.control.access.cookies import DEVICE_SECONDS
from services.control.access.entrance import LoggedIn, NotIn, Refused
from services.control.access.knowing import here_of, set_cookies
from services.control.access.principals import Asked, Principal, principal_of
from services.control.access.rights import Right, rights_of
from services.control.api.describing import takes
from services.control.api.parameters import PageSize, PageToken
from services.control.api.people_messages import (
    ChangePassword,
    Confirm,
    LogIn,
    Sessions,
    WhoAmI,
    session_shown,
    who,
)
from services.control.paging import page
from services.control.people import People


class OwnSessions:
    """Answers whoever asks about themselves."""

    def __init__(self, access: Access, people: People, *, clock_ms: Callable[[], int]) -> None:
        self._access = access
        self._people = people
        self._clock_ms = clock_ms

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._entering(), *self._showing(), *self._ending()]

    def _entering(self) -> list[HTTPRouteHandler]:
        @post("/v1/session", right=Right.ANYONE, status_code=200, summary="Log in", operation_class=takes(LogIn))
        async def log_in(request: Asked) -> Response[WhoAmI]:
            """Begin a session; the answer sets its cookie, and gives the token that changing requests must bring."""
            if not self._access.cookies.is_own(request.headers):
                raise NotIn(Refused(code="login-foreign"))
            given = msgspec.json.decode(await request.body(), type=LogIn)
            done = await self._people.log_in(request, given.name, given.password)
            return Response(self._entered(request, done))

        @post(
            "/v1/session:confirm",
            right=Right.OWN,
            status_code=200,
            summary="Confirm who one is",
            operation_class=takes(Confirm),
        )
        async def confirm(request: Asked) -> Response[WhoAmI]:
            """Retype one's password. For five minutes one may then sign, and change accounts and tokens."""
            here = here_of(request)
            given = msgspec.json.decode(await request.body(), type=Confirm)
            done = await self._access.entrance.confirm(
                here.session, here.cookie, account=here.account, password=given.password, now_ms=self._clock_ms()
            )
            if isinstance(done, Refused):
                raise NotIn(done)
            shown = who(principal_of(request), account=here.account, session=done, now_ms=self._clock_ms())
            return Response(shown)

        @post(
            "/v1/session/password",
            right=Right.OWN,
            status_code=200,
            summary="Change one's password",
            operation_class=takes(ChangePassword),
        )
        async def password(request: Asked) -> Response[WhoAmI]:
            """Choose another password. Ends all one's sessions; the answer sets the cookie of a new one."""
            here_of(request)
            given = msgspec.json.decode(await request.body(), type=ChangePassword)
            done = await self._people.change_password(request, old=given.old, new=given.new)
            return Response(self._entered(request, done))

        return [log_in, confirm, password]

    def _showing(self) -> list[HTTPRouteHandler]:
        @get("/v1/session", right=Right.OWN, summary="Who am I?")
        async def session(request: Asked) -> Response[WhoAmI]:
            """Who asks, and what they may do where."""
            principal = principal_of(request)
            if principal.kind != "session":
                return Response(who(principal))
            here = here_of(request)
            return Response(who(principal, account=here.account, session=here.session, now_ms=self._clock_ms()))

        @get("/v1/sessions", right=Right.OWN, summary="One's sessions")
        async def sessions(request: Asked, size: PageSize = 0, token: PageToken = "") -> Response[Sessions]:
            """One's own sessions, last used first."""
            here = here_of(request)
            found, further = page(
                await self._access.sessions.of(here.account, now_ms=self._clock_ms()),
                place=lambda each: (each.seen_ms, each.digest),
                size=size,
                token=token,
                descending=True,
            )
            shown = tuple(session_shown(each, current=here.session.id) for each in found)
            return Response(Sessions(sessions=shown, next_page_token=further))

        return [session, sessions]

    def _ending(self) -> list[HTTPRouteHandler]:
        @delete("/v1/session", right=Right.OWN, summary="Log out")
        async def log_out(request: Asked) -> None:
            """End the session that asks."""
            here, cookies = here_of(request), self._access.cookies
            await self._access.sessions.end(here.account.name, only=here.session.id)
            set_cookies(request.state, cookies.gone(cookies.session))

        @delete("/v1/sessions", right=Right.OWN, summary="End one's other sessions")
        async def end_others(request: Asked) -> None:
            """End all one's sessions but the one that asks."""
            here = here_of(request)
            await self._access.sessions.end(here.account.name, but=here.session.id)

        @delete("/v1/sessions/{session:str}", right=Right.OWN, summary="End one of one's sessions")
        async def end_one(session: FromPath[str], request: Asked) -> None:
            """End one of one's own sessions."""
            here = here_of(request)
            if not await self._access.sessions.end(here.account.name, only=session):
                raise AccountProblem("session-unknown")

        return [log_out, end_others, end_one]

    def _entered(self, request: Asked, done: LoggedIn | Refused) -> WhoAmI:
        if isinstance(done, Refused):
            raise NotIn(done)
        set_login(request, done, access=self._access)
        rights = rights_of(done.account.grants)
        principal = Principal(name=done.account.name, kind="session", rights=rights, id=done.session.id)
        return who(principal, account=done.account, session=done.session, now_ms=self._clock_ms())


def set_login(request: Asked, done: LoggedIn, *, access: Access) -> None:
    """Let the answer set the cookies of somebody who is in; pages of the console do the same."""
    cookies = access.cookies
    set_cookies(
        request.state,
        cookies.made(cookies.session, done.cookie),
        cookies.made(cookies.device, done.device, seconds=DEVICE_SECONDS),
    )
