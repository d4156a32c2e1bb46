"""Who calls: an API key or a signed token becomes an agent. Never a header alone."""

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import jwt
import msgspec

from gateway.core.call import Agent
from gateway.core.errors import CallEnded, Reason
from gateway.core.policy.callers import Issuer
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.record import person_ref
from gateway.core.revision.compiled import Revision
from gateway.rpc.headers import API_KEY, AUTHORIZATION

_log = logging.getLogger(__name__)

CACHED_TOKENS: Final = 10_000
MAX_TOKEN_CHARACTERS: Final = 8_192
_LATEST_EXPIRY: Final = 1e12


class Identity:
    """Identifies callers by the active revision. Verifying a token costs 40-80 us, so verified ones are cached."""

    def __init__(self, *, pseudonym_key: bytes = b"") -> None:
        """`pseudonym_key` is what persons' pseudonyms are made with; without one no person is named."""
        self._pseudonym_key: Final = pseudonym_key
        self._revision: Revision | None = None
        self._keys: dict[str, dict[str, Any]] = {}
        self._verified: OrderedDict[str, tuple[Agent, float]] = OrderedDict()

    def use(self, revision: Revision) -> None:
        """Identify by this revision from now on; whatever was verified by another one is forgotten.

        Raises:
            jwt.PyJWKSetError: an issuer's key set cannot be used; loading a policy says so before it is published.
        """
        self._keys = {claim: _signing_keys(issuer) for claim, issuer in revision.issuers.items()}
        self._verified.clear()
        self._revision = revision

    def identify(self, metadata: Mapping[str, str | bytes], *, now_s: float | None = None) -> Agent:
        """The agent that the call's credential proves. `now_s` is seconds since the epoch, by default the clock's.

        Raises:
            CallEnded: AGENT_UNAUTHENTICATED, with a text that says what was wrong and nothing about our keys.
        """
        revision = self._revision
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so every call is refused.")
        if isinstance(key := metadata.get(API_KEY), str):
            agent = revision.agents_by_key.get(hashlib.sha256(key.encode()).hexdigest())
            if agent is None:
                _refuse("The API key is unknown.", "API_KEY_UNKNOWN")
            return agent
        authorization = metadata.get(AUTHORIZATION)
        if not isinstance(authorization, str):
            _refuse(f"Identify yourself: send {API_KEY}, or a bearer token in authorization.", "MISSING")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARACTERS:
            _refuse("The authorization must be a bearer token.", "MALFORMED")
        now = time.time() if now_s is None else now_s
        cached = self._verified.get(token)
        if cached is not None and now < cached[1]:
            return cached[0]
        agent, expires = self._verify(token.strip(), revision, now)
        self._verified[token] = (agent, expires)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return agent

    def known(self, metadata: Mapping[str, str | bytes]) -> str:
        """The agent whose key or verified token this is, for where nothing rests on it; empty: of nobody known."""
        if isinstance(key := metadata.get(API_KEY), str) and self._revision is not None:
            agent = self._revision.agents_by_key.get(hashlib.sha256(key.encode()).hexdigest())
            return "" if agent is None else agent.name
        authorization = metadata.get(AUTHORIZATION)
        cached = self._verified.get(authorization.partition(" ")[2]) if isinstance(authorization, str) else None
        return "" if cached is None else cached[0].name

    def _verify(self, token: str, revision: Revision, now: float) -> tuple[Agent, float]:
        try:
            header = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.InvalidTokenError:
            _refuse("The token is malformed.", "TOKEN_MALFORMED")
        claimed = claimed if isinstance(claimed, str) else ""
        issuer = revision.issuers.get(claimed)
        key = self._keys.get(claimed, {}).get(str(header.get("kid", "")))
        if issuer is None or key is None:
            _refuse("The token's issuer or key is unknown.", "TOKEN_ISSUER_UNKNOWN")
        claims = _claims(token, issuer, key)
        expires = _expiry(claims["exp"]) + duration_ms(issuer.leeway) / 1000
        if not expires >= now:
            _refuse("The token has expired.", "TOKEN_EXPIRED")
        named = _claim(claims, issuer.agent_claim)
        agent = revision.agents_by_token.get((issuer.name, named))
        if agent is None:
            _refuse("The token is valid, but names no agent of the active policy.", "AGENT_UNKNOWN")
        person = claims.get("sub", "")
        # Of a token that is about the agent alone the subject is the agent (RFC 9068, section 5).
        if (
            self._pseudonym_key
            and issuer.agent_claim != "sub"
            and isinstance(person, str)
            and person not in ("", named)
        ):
            ref = person_ref(self._pseudonym_key, tenant=agent.tenant, issuer=issuer.name, person=person)
            agent = msgspec.structs.replace(agent, person=ref)
        return agent, expires


def _claim(claims: Mapping[str, Any], name: str) -> str:
    """A claim by its name, or by a path into one: "act.sub" is who acts for the token's subject (RFC 8693)."""
    found: Any = claims
    for step in (name,) if name in claims else name.split("."):
        found = found.get(step, "") if isinstance(found, Mapping) else ""
    return str(found)


def _expiry(claimed: object) -> float:
    """Seconds since the epoch. JSON's numbers have no bound, and its NaN counts as none."""
    return float(max(0, min(claimed, _LATEST_EXPIRY))) if isinstance(claimed, int | float) else 0.0


def usable_keys(issuer: Issuer) -> bool:
    """Whether an issuer's key set can be used."""
    try:
        _signing_keys(issuer)
    except (jwt.PyJWKSetError, jwt.PyJWKError, jwt.InvalidKeyError):
        return False
    return True


def _signing_keys(issuer: Issuer) -> dict[str, Any]:
    try:
        keys = jwt.PyJWKSet.from_dict(issuer.jwks).keys
    # PyJWT leaves to chance what a damaged set does to it.
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise jwt.PyJWKSetError(f"a key lacks a part, or has one of the wrong kind: {error}") from error
    by_id = {key.key_id or "": key for key in keys}
    if len(keys) == 1:
        by_id[""] = keys[0]
    return by_id


def _claims(token: str, issuer: Issuer, key: Any) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key=key,
            algorithms=list(issuer.algorithms),
            audience=issuer.audience,
            issuer=issuer.issuer,
            leeway=duration_ms(issuer.leeway) / 1000,
            options={"require": ["exp", "aud", "iss"], "verify_exp": False},
        )
    except jwt.InvalidAudienceError:
        _refuse("The token is meant for another audience.", "TOKEN_AUDIENCE_WRONG")
    except jwt.ImmatureSignatureError:
        _refuse("The token is not valid yet.", "TOKEN_NOT_YET_VALID")
    except jwt.MissingRequiredClaimError as error:
        _refuse(f"The token lacks the claim {error.claim}.", "TOKEN_CLAIM_MISSING")
    except (jwt.InvalidTokenError, jwt.InvalidKeyError):
        _refuse("The token's signature is not valid.", "TOKEN_SIGNATURE_INVALID")


def _refuse(text: str, problem: str) -> NoReturn:
    raise CallEnded(Reason.AGENT_UNAUTHENTICATED, text, metadata={"problem": problem})
