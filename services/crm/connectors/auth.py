"""How requests say who they come from: keys, basic, OAuth 2 and session logins. Tokens are kept until they end.

Whatever number of calls finds a token worn out, one of them gets a new one and the others wait for it.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from authlib.common.urls import url_encode  # type: ignore[import-untyped, unused-ignore]

from services.crm.connectors.descriptor import Auth
from services.crm.connectors.expressions import Expression, Unfit, template
from services.crm.connectors.secrets import Secrets

EARLY_MS: Final = 60_000
"""How long before its end a token is no longer used: clocks differ, and calls take their time."""
_LIFETIME_SECONDS: Final = 3_000
_LONGEST_SECONDS: Final = 86_400

Post = Callable[[str, str, Mapping[str, str], bytes | Mapping[str, Any] | None], Awaitable[Any]]
"""(HTTP method, URL, headers, body): sends a request without credentials and gives the answer's JSON.

Raises `CallEnded` where there is none.
"""


class LoginFailed(Exception):
    """The vendor gave no token for what it was shown. Says nothing of either."""


class Credentials:
    """What is added to each request's headers."""

    def __init__(self, auth: Auth, secrets: Secrets, *, base_url: str, post: Post, clock_ms: Callable[[], int]) -> None:
        self._auth = auth
        self._secrets = secrets
        self._base_url = base_url
        self._post = post
        self._clock_ms = clock_ms
        self._renewing = asyncio.Lock()
        self._token = ""
        self._until_ms = 0
        self._refresh_token = ""
        self._login_body = template(auth.login.body) if auth.login is not None else None

    async def headers(self) -> dict[str, str]:
        """The headers of one request.

        Raises:
            SecretMissing: there is nothing to show.
            LoginFailed: the vendor gave no token.
            CallEnded: the vendor could not be asked for one.
        """
        auth = self._auth
        if auth.kind == "none":
            return {}
        if auth.kind == "api_key":
            return {auth.header: auth.prefix + self._secrets.get(auth.secret)}
        if auth.kind == "bearer":
            return {"Authorization": f"Bearer {self._secrets.get(auth.secret)}"}
        if auth.kind == "basic":
            return {"Authorization": _basic(self._secrets.get(auth.username), self._secrets.get(auth.secret))}
        token = await self._current()
        if auth.kind == "oauth2":
            return {"Authorization": f"Bearer {token}"}
        return {auth.header or "Authorization": (auth.prefix if auth.header else auth.prefix or "Bearer ") + token}

    def worn_out(self, shown: Mapping[str, str]) -> bool:
        """The vendor does not take these headers any more: says whether others may be had.

        A token that somebody has replaced meanwhile is left alone.
        """
        if self._auth.kind not in ("oauth2", "session"):
            return False
        if self._token and any(value.endswith(self._token) for value in shown.values()):
            self._token = ""
        return True

    async def _current(self) -> str:
        if self._usable():
            return self._token
        async with self._renewing:
            if not self._usable():
                token, seconds = await (self._granted() if self._auth.kind == "oauth2" else self._logged_in())
                lifetime_ms = int(min(max(seconds, 0), _LONGEST_SECONDS) * 1000)
                self._token = token
                # One that ends sooner than that is used at least half of its time, or each call would ask for another.
                self._until_ms = self._clock_ms() + max(lifetime_ms - EARLY_MS, lifetime_ms // 2)
            return self._token

    def _usable(self) -> bool:
        return bool(self._token) and self._clock_ms() < self._until_ms

    async def _granted(self) -> tuple[str, float]:
        auth, secrets = self._auth, self._secrets
        form: dict[str, str] = {"grant_type": auth.grant}
        if auth.scopes:
            form["scope"] = " ".join(auth.scopes)
        if auth.grant == "refresh_token":
            form["refresh_token"] = self._refresh_token or secrets.get(auth.refresh_token)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        client, secret = secrets.get(auth.client_id), secrets.get(auth.client_secret)
        if auth.client_auth == "basic":
            headers["Authorization"] = _basic(client, secret)
        else:
            form |= {"client_id": client, "client_secret": secret}
        url = auth.token_url.format_map(secrets.variables)
        answer = await self._post("POST", url, headers, url_encode(list(form.items())).encode())
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not _sendable(token):
            raise LoginFailed
        refreshed = answer.get("refresh_token")
        if isinstance(refreshed, str) and refreshed:  # some give a new one each time, and take the old one no more
            self._refresh_token = refreshed
        seconds = answer.get("expires_in")
        return token, float(seconds) if isinstance(seconds, (int, float)) else _LIFETIME_SECONDS

    async def _logged_in(self) -> tuple[str, float]:
        login = self._auth.login
        assert login is not None and self._login_body is not None  # noqa: PT018, S101 - the check of the file saw to it
        sees = {"vars": self._secrets.variables, "secrets": self._secrets.all()}
        answer = await self._post(login.method, self._base_url + login.path, {}, self._login_body(sees))
        try:
            token = Expression(login.token)(answer)
        except Unfit as error:
            raise LoginFailed from error
        if not isinstance(token, str) or not _sendable(token):
            raise LoginFailed
        return token, login.lifetime_seconds


def _basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()
