"""ID tokens that a provider must not get away with, signed by one that says what a test wants."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from gateway.clock import clock_ms
from services.control.access.accounts import AccountProblem
from services.control.access.oidc.configuration import Oidc, OidcFile
from services.control.access.oidc.provider import Identity, Provider

KEY: Final = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER: Final = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
UNKNOWN: Final = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})
ACCESS: Final = "the access token"


class Told:
    """What the provider says."""

    def __init__(self) -> None:
        self.issuer = ""
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.key: Any = KEY
        self.metadata: dict[str, Any] = {}
        self.user: dict[str, Any] = {"sub": "u1", "groups": ["officers"]}
        self.read: list[str] = []

    def discovery(self) -> dict[str, Any]:
        at = self.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/auth",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/user",
            "jwks_uri": f"{at}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }

    def token(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "u1", "aud": "pilote", "iat": now, "exp": now + 60, "nonce": "n"}
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if self.header["alg"] == "none":
            unsigned = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in (self.header, claims))
            return {"access_token": ACCESS, "id_token": ".".join((*unsigned, "")).replace("=", "")}
        signed = jwt.encode(self.header, claims, self.key, algorithms=["RS256", "HS256"])
        return {"access_token": ACCESS, "token_type": "Bearer", "id_token": signed}


@asynccontextmanager
async def saying() -> AsyncIterator[tuple[Told, Provider]]:
    """A provider that says what it is told, and what asks it."""
    told = Told()

    async def answer(request: web.Request) -> web.Response:
        told.read.append(request.path)
        answers: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": told.discovery,
            "/keys": lambda: {"keys": [KEY.as_dict(private=False)]},
            "/token": told.token,
            "/user": lambda: told.user,
        }
        return web.json_response(answers[request.path]())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    oidc = Oidc(file=OidcFile(issuer=told.issuer, client_id="pilote"))
    try:
        yield told, Provider(oidc, redirect_uri="http://localhost/oidc/callback", clock_ms=clock_ms)
    finally:
        await runner.cleanup()


async def _identified(provider: Provider, *, fresh: bool = False) -> Identity:
    return await provider.identified(code="c", issuer="", nonce="n", verifier="v" * 43, fresh=fresh)


async def test_a_good_token_says_who_came_back() -> None:
    async with saying() as (told, provider):
        found = await _identified(provider)
        assert (found.issuer, found.subject, found.groups) == (told.issuer, "u1", ("officers",))
        told.claims = {"groups": "single"}
        assert (await _identified(provider)).groups == ("single",)


_NOW: Final = int(time.time())
_SHARED: Final = OctKey.generate_key(256)


@pytest.mark.parametrize(
    ("claims", "signed"),
    [
        ({"iss": "https://evil.example"}, {}),
        ({"iss": None}, {}),
        ({"aud": "another"}, {}),
        ({"aud": None}, {}),
        ({"aud": []}, {}),
        ({"aud": ["pilote", "another"]}, {}),
        ({"aud": ["pilote", "another"], "azp": "another"}, {}),
        ({"nonce": "another"}, {}),
        ({"nonce": None}, {}),
        ({"exp": _NOW - 3_600}, {}),
        ({"exp": None}, {}),
        ({"iat": None}, {}),
        ({"nbf": _NOW + 3_600}, {}),
        ({"sub": None}, {}),
        ({"at_hash": "another"}, {}),
        ({}, {"key": OTHER}),
        ({}, {"key": UNKNOWN, "header": {"alg": "RS256", "kid": "two"}}),
        ({}, {"key": _SHARED, "header": {"alg": "HS256", "kid": "one"}}),
        ({}, {"header": {"alg": "none"}}),
    ],
)
async def test_a_token_that_is_not_for_us_now_from_there_lets_nobody_in(
    claims: dict[str, Any], signed: dict[str, Any]
) -> None:
    async with saying() as (told, provider):
        told.claims = claims
        for name, value in signed.items():
            setattr(told, name, value)
        with pytest.raises(AccountProblem) as caught:
            await _identified(provider)
        assert caught.value.code == "oidc-refused"


async def test_what_the_provider_says_of_another_user_is_not_believed() -> None:
    async with saying() as (told, provider):
        told.user = {"sub": "u2", "groups": ["officers"]}
        with pytest.raises(AccountProblem):
            await _identified(provider)


async def test_without_a_time_of_logging_in_nothing_is_fresh() -> None:
    async with saying() as (told, provider):
        with pytest.raises(AccountProblem):
            await _identified(provider, fresh=True)
        told.claims = {"auth_time": _NOW}
        assert (await _identified(provider, fresh=True)).authenticated_ms == _NOW * 1_000


@pytest.mark.parametrize("metadata", [{"issuer": "https://evil.example"}, {"issuer": None}])
async def test_a_provider_that_calls_itself_otherwise_is_not_asked(metadata: dict[str, Any]) -> None:
    async with saying() as (told, provider):
        told.metadata = metadata
        with pytest.raises(AccountProblem) as caught:
            await _identified(provider)
        assert caught.value.code == "oidc-away"
        assert told.read == ["/.well-known/openid-configuration"]


async def test_where_the_provider_promises_to_name_itself_a_silent_answer_is_refused() -> None:
    async with saying() as (told, provider):
        told.metadata = {"authorization_response_iss_parameter_supported": True}
        with pytest.raises(AccountProblem):
            await _identified(provider)


async def test_keys_are_read_again_for_an_unknown_one_once_a_minute_only() -> None:
    async with saying() as (told, provider):
        await _identified(provider)
        told.key, told.header = UNKNOWN, {"alg": "RS256", "kid": "two"}
        for _ in range(5):
            with pytest.raises(AccountProblem):
                await _identified(provider)
        assert told.read.count("/keys") == 1
