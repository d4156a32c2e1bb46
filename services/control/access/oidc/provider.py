"""The OpenID provider, asked by Authlib: where to send browsers, and who came back.

Authorization code with PKCE (S256), state and nonce. Of an ID token the signature, issuer, audience, expiry, nonce and
access token hash are checked, by an algorithm with a public key.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from services.control.access.accounts import AccountProblem, link_of
from services.control.access.oidc.configuration import Oidc

SECONDS: Final = 5.0
"""Longest time that an answer of the provider may take."""
KNOWN_MS: Final = 3_600_000
"""How long what the provider says of itself is believed."""
KEYS_MS: Final = 60_000
"""How soon its keys may be read again for a token that names an unknown one."""
LEEWAY_SECONDS: Final = 60
"""How far its clock may be from ours."""
_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_FAILURES: Final = (httpx2.HTTPError, httpx2.InvalidURL, AuthlibBaseError, JoseError, KeyError, TypeError, ValueError)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the provider says somebody is."""

    issuer: str
    subject: str
    username: str = ""
    display_name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    authenticated_ms: int = 0
    """When they last showed the provider who they are; 0: it does not say."""
    id_token: str

    @property
    def link(self) -> str:
        """What their account is found by."""
        return link_of(self.issuer, self.subject)


class Provider:
    """Asks the provider. Every method raises `AccountProblem` ("oidc-away") where it does not answer as it should."""

    def __init__(self, oidc: Oidc, *, redirect_uri: str, clock_ms: Callable[[], int]) -> None:
        self._oidc = oidc
        self._redirect_uri = redirect_uri
        self._clock_ms = clock_ms
        self._metadata: Mapping[str, Any] = {}
        self._metadata_ms = 0
        self._keys: Any = None
        self._keys_ms = 0

    async def authorization(self, *, state: str, nonce: str, verifier: str, fresh: bool, language: str) -> str:
        """Where to send a browser; `fresh`: its user must show anew who they are."""
        more: dict[str, str] = {"prompt": "login", "max_age": "0"} if fresh else {}
        with _asked():
            metadata = await self._known()
            async with self._client(metadata) as client:
                url, _ = client.create_authorization_url(
                    metadata["authorization_endpoint"],
                    state=state,
                    nonce=nonce,
                    code_verifier=verifier,
                    ui_locales=language,
                    **more,
                )
        return str(url)

    async def identified(self, *, code: str, issuer: str, nonce: str, verifier: str, fresh: bool) -> Identity:
        """Who a browser that came back with `code` belongs to. `issuer` is what it said besides; empty: nothing.

        Raises:
            AccountProblem: "oidc-refused" where the code or the token is not good.
        """
        with _asked():
            metadata = await self._known()
        if issuer != metadata["issuer"] and (issuer or metadata.get("authorization_response_iss_parameter_supported")):
            raise AccountProblem("oidc-refused")
        with _asked(refused=True):
            async with self._client(metadata) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
                claims = await self._claims(token, metadata, nonce=nonce, fresh=fresh)
                if self._oidc.file.groups_claim not in claims and "userinfo_endpoint" in metadata:
                    answer = await client.get(metadata["userinfo_endpoint"])
                    answer.raise_for_status()
                    told = answer.json()
                    if told["sub"] != claims["sub"]:
                        raise ValueError("the user's information is another one's")
                    claims = {**told, **claims}
            return self._identity(claims, token["id_token"])

    async def logout(self, id_token: str, *, back_to: str) -> str:
        """Where somebody logs out of the provider too; empty: it has no such page."""
        with _asked():
            metadata = await self._known()
        if "end_session_endpoint" not in metadata:
            return ""
        values = {
            "id_token_hint": id_token,
            "client_id": self._oidc.file.client_id,
            "post_logout_redirect_uri": back_to,
        }
        return str(add_params_to_uri(metadata["end_session_endpoint"], list(values.items())))

    def _client(self, metadata: Mapping[str, Any]) -> AsyncOAuth2Client:
        methods = metadata.get("token_endpoint_auth_methods_supported", ("client_secret_basic",))
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return AsyncOAuth2Client(
            client_id=self._oidc.file.client_id,
            client_secret=self._oidc.secret or None,
            token_endpoint_auth_method=method if self._oidc.secret else "none",
            code_challenge_method="S256",
            scope=" ".join(self._oidc.file.scopes),
            redirect_uri=self._redirect_uri,
            timeout=SECONDS,
        )

    async def _known(self) -> Mapping[str, Any]:
        now_ms, issuer = self._clock_ms(), self._oidc.file.issuer
        if not self._metadata or now_ms - self._metadata_ms >= KNOWN_MS:
            found = await _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found["issuer"] != issuer:
                raise ValueError("the provider calls itself otherwise")
            self._metadata, self._metadata_ms = found, now_ms
        return self._metadata

    async def _claims(
        self, token: Mapping[str, Any], metadata: Mapping[str, Any], *, nonce: str, fresh: bool
    ) -> dict[str, Any]:
        supported = metadata.get("id_token_signing_alg_values_supported", ("RS256",))
        registry = JWSRegistry(
            algorithms=[each for each in _ALGORITHMS if each in supported], strict_check_header=False
        )
        try:
            decoded = jwt.decode(token["id_token"], await self._key_set(metadata), registry=registry)
        except InvalidKeyIdError:
            decoded = jwt.decode(token["id_token"], await self._key_set(metadata, renew=True), registry=registry)
        client_id = self._oidc.file.client_id
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": metadata["issuer"]},
                "aud": {"essential": True, "value": client_id},
                "auth_time": {"essential": fresh},
            },
            params={"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=self._clock_ms() // 1_000, leeway=LEEWAY_SECONDS)
        return dict(claims)

    async def _key_set(self, metadata: Mapping[str, Any], *, renew: bool = False) -> Any:
        now_ms = self._clock_ms()
        age_ms = now_ms - self._keys_ms
        if self._keys is None or age_ms >= (KEYS_MS if renew else KNOWN_MS):
            self._keys, self._keys_ms = KeySet.import_key_set(await _get(metadata["jwks_uri"])), now_ms
        return self._keys

    def _identity(self, claims: Mapping[str, Any], id_token: str) -> Identity:
        groups = claims.get(self._oidc.file.groups_claim) or ()
        return Identity(
            issuer=claims["iss"],
            subject=claims["sub"],
            username=str(claims.get("preferred_username") or ""),
            display_name=str(claims.get("name") or ""),
            email=str(claims.get("email") or ""),
            groups=tuple(str(each) for each in ([groups] if isinstance(groups, str) else groups)),
            authenticated_ms=int(claims.get("auth_time") or 0) * 1_000,
            id_token=id_token,
        )


@contextlib.contextmanager
def _asked(*, refused: bool = False) -> Any:
    """A block that asks the provider; with `refused`, what goes wrong in it is about who came back."""
    try:
        yield
    except httpx2.TransportError as error:
        raise AccountProblem("oidc-away") from error
    except _FAILURES as error:
        raise AccountProblem("oidc-refused" if refused else "oidc-away") from error


async def _get(url: str) -> Any:
    async with httpx2.AsyncClient(timeout=SECONDS) as client:
        answer = await client.get(url)
        answer.raise_for_status()
        return answer.json()
