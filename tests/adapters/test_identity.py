"""Who calls: what proves it, and everything that does not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from gateway.adapters.identity import MAX_TOKEN_CHARACTERS, Identity, usable_keys
from gateway.core.errors import CallEnded, Reason
from gateway.core.policy.callers import Issuer
from tests.policies import KEY, agent, revision

NOW = int(time.time())  # PyJWT itself looks at the clock for `nbf`
ISSUER, AUDIENCE = "https://sso.example", "pilote"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
RSA_JWK: dict[str, Any] = {**RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "r1", "alg": "RS256"}
EC_JWK: dict[str, Any] = {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "e1"}


def issuer(**more: Any) -> dict[str, Any]:
    return {"name": "sso", "issuer": ISSUER, "audience": AUDIENCE, "jwks": {"keys": [RSA_JWK, EC_JWK]}, **more}


def identity(**more: Any) -> Identity:
    found = Identity()
    bot = agent(tokens=[{"issuer": "sso", "subject": "bot@sso"}])
    found.use(revision(agents=[bot], issuers=[issuer(**more)]))
    return found


IDENTITY = identity()


def claims(**more: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "bot@sso", "exp": NOW + 60, **more}
    return {name: value for name, value in told.items() if value is not None}


def signed(payload: dict[str, Any], *, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "r1") -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    return f"{segment(json.dumps(header).encode())}.{segment(json.dumps(claims()).encode())}.{segment(signature)}"


def signed_with_the_public_key(header: dict[str, Any]) -> str:
    """What an attacker makes who hopes that the public key is taken for a shared secret."""
    head, payload, _ = unsigned(header).split(".")
    return f"{head}.{payload}.{segment(hmac.digest(PUBLIC_PEM, f'{head}.{payload}'.encode(), hashlib.sha256))}"


def problem_of(metadata: dict[str, str | bytes], *, by: Identity = IDENTITY, now_s: float = NOW) -> str:
    with pytest.raises(CallEnded) as caught:
        by.identify(metadata, now_s=now_s)
    assert caught.value.reason is Reason.AGENT_UNAUTHENTICATED
    return caught.value.metadata["problem"]


def bearer(token: str) -> dict[str, str | bytes]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "token",
    [
        signed(claims()),
        signed(claims(), key=EC_KEY, algorithm="ES256", kid="e1"),
        signed(claims(aud=["other", AUDIENCE])),
        signed(claims(exp=NOW - 29)),
        signed(claims(nbf=NOW - 5, iat=NOW - 5)),
    ],
)
def test_a_good_token_is_its_agent(token: str) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert IDENTITY.identify({"authorization": f"{scheme} {token}"}, now_s=NOW).name == "bot"


def test_an_api_key_is_its_agent_and_wins_over_a_token() -> None:
    assert IDENTITY.identify({"x-api-key": KEY, **bearer("nonsense")}, now_s=NOW).name == "bot"


BAD_TOKENS = {
    "expired": (signed(claims(exp=NOW - 31)), "TOKEN_EXPIRED"),
    "expiry that is a text": (signed({**claims(exp=None), "exp": str(NOW + 60)}), "TOKEN_EXPIRED"),
    "without expiry": (signed(claims(exp=None)), "TOKEN_CLAIM_MISSING"),
    "without audience": (signed(claims(aud=None)), "TOKEN_CLAIM_MISSING"),
    "for another audience": (signed(claims(aud="other")), "TOKEN_AUDIENCE_WRONG"),
    "of another issuer": (signed(claims(iss="https://evil")), "TOKEN_ISSUER_UNKNOWN"),
    "without issuer": (signed(claims(iss=None)), "TOKEN_ISSUER_UNKNOWN"),
    "not valid yet": (signed(claims(nbf=NOW + 3600)), "TOKEN_NOT_YET_VALID"),
    "without key id where there are two keys": (signed(claims(), kid=None), "TOKEN_ISSUER_UNKNOWN"),
    "with an unknown key id": (signed(claims(), kid="r2"), "TOKEN_ISSUER_UNKNOWN"),
    "signed by another key": (signed(claims(), key=OTHER_RSA_KEY), "TOKEN_SIGNATURE_INVALID"),
    "with the other key's id": (signed(claims(), kid="e1"), "TOKEN_SIGNATURE_INVALID"),
    "with an algorithm not allowed": (signed(claims(), algorithm="RS512"), "TOKEN_SIGNATURE_INVALID"),
    "of nobody we know": (signed(claims(sub="eve")), "AGENT_UNKNOWN"),
    "without a name": (signed(claims(sub=None)), "AGENT_UNKNOWN"),
    "unsigned": (unsigned({"alg": "none", "kid": "r1"}), "TOKEN_SIGNATURE_INVALID"),
    "unsigned in another spelling": (unsigned({"alg": "nOnE", "kid": "r1"}), "TOKEN_SIGNATURE_INVALID"),
    "without algorithm": (unsigned({"kid": "r1"}), "TOKEN_SIGNATURE_INVALID"),
    "with a list for algorithm": (unsigned({"alg": ["RS256"], "kid": "r1"}), "TOKEN_SIGNATURE_INVALID"),
    "signed with the public key": (
        signed_with_the_public_key({"alg": "HS256", "kid": "r1"}),
        "TOKEN_SIGNATURE_INVALID",
    ),
    "of RSA signed with the public key": (
        signed_with_the_public_key({"alg": "RS256", "kid": "r1"}),
        "TOKEN_SIGNATURE_INVALID",
    ),
    "with a number for key id": (unsigned({"alg": "RS256", "kid": 1}), "TOKEN_MALFORMED"),
    "too long": ("x" * (MAX_TOKEN_CHARACTERS + 1), "MALFORMED"),
    "empty": ("", "MALFORMED"),
    "nested too deeply": (f"{segment(b'[' * 4000)}.{segment(b'{}')}.", "TOKEN_MALFORMED"),
    "of two parts": ("a.b", "TOKEN_MALFORMED"),
    "garbage": ("\x00\xffé", "TOKEN_MALFORMED"),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused_and_refused_again(name: str) -> None:
    token, problem = BAD_TOKENS[name]
    for _ in range(2):
        assert problem_of(bearer(token)) == problem


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_no_text_for_a_credential_does_anything_but_to_be_refused(text: str) -> None:
    for metadata in ({"authorization": text}, bearer(text), {"x-api-key": text}):
        problem_of(dict(metadata))


def test_a_token_changed_in_any_one_character_is_refused() -> None:
    token = signed(claims(), key=EC_KEY, algorithm="ES256", kid="e1")
    for index in range(0, len(token) - 1, 7):
        problem_of(bearer(token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]))


@pytest.mark.parametrize("metadata", [{}, {"authorization": b"Bearer x"}, {"x-api-key": b"x"}, {"x-agent": "bot"}])
def test_no_credential_is_no_agent(metadata: dict[str, str | bytes]) -> None:
    assert problem_of(metadata) == "MISSING"


def test_another_scheme_is_refused() -> None:
    assert problem_of({"authorization": f"Basic {KEY}"}) == "MALFORMED"


def test_a_refusal_repeats_nothing_of_the_credential() -> None:
    with pytest.raises(CallEnded) as caught:
        IDENTITY.identify(bearer(signed(claims(sub="secret-name"))), now_s=NOW)
    assert "secret-name" not in f"{caught.value.message} {dict(caught.value.metadata)}"


def test_a_token_that_was_taken_before_expires_on_time_all_the_same() -> None:
    fresh = identity()
    token = bearer(signed(claims(exp=NOW + 10)))
    for at in (NOW, NOW + 10, NOW + 39.9, NOW + 40):
        assert fresh.identify(token, now_s=at).name == "bot"
    assert problem_of(token, by=fresh, now_s=NOW + 40.1) == "TOKEN_EXPIRED"


def test_another_revision_forgets_what_was_verified_by_the_one_before() -> None:
    fresh = identity()
    token = bearer(signed(claims()))
    fresh.identify(token, now_s=NOW)
    fresh.use(revision(agents=[agent()], issuers=[issuer()]))
    assert problem_of(token, by=fresh) == "AGENT_UNKNOWN"


def test_a_key_set_of_one_key_needs_no_key_id() -> None:
    alone = identity(jwks={"keys": [RSA_JWK]})
    assert alone.identify(bearer(signed(claims(), kid=None)), now_s=NOW).name == "bot"


def test_the_agent_may_stand_in_another_claim() -> None:
    by_azp = identity(agent_claim="azp")
    assert by_azp.identify(bearer(signed(claims(sub="x", azp="bot@sso"))), now_s=NOW).name == "bot"
    assert problem_of(bearer(signed(claims(azp=["bot@sso"]))), by=by_azp) == "AGENT_UNKNOWN"


def test_of_several_audiences_a_token_is_for_one() -> None:
    by = identity(audience=["pilote", "https://agents.example.com/mcp"])
    for one in ("pilote", "https://agents.example.com/mcp"):
        assert by.identify(bearer(signed(claims(aud=one))), now_s=NOW).name == "bot"
    assert problem_of(bearer(signed(claims(aud="https://agents.example.com"))), by=by) == "TOKEN_AUDIENCE_WRONG"


@pytest.mark.parametrize("audience", [[], [""], "", 1, ["a"] * 9])
def test_an_issuer_has_one_to_eight_audiences(audience: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(issuer(audience=audience), Issuer)


def test_without_a_revision_everybody_is_refused() -> None:
    with pytest.raises(CallEnded) as caught:
        Identity().identify({"x-api-key": KEY}, now_s=NOW)
    assert caught.value.reason is Reason.REVISION_MISSING


@pytest.mark.parametrize(
    "keys",
    [[], 5, [5], ["x"], [{}], [{"kty": "RSA"}], [{"kty": "oct"}], [{"kty": ["a"]}], [{"kty": "EC", "x": 5}], [None]],
)
def test_a_key_set_that_cannot_be_used_is_said_so_before_it_is_published(keys: Any) -> None:
    assert not usable_keys(Issuer(name="sso", issuer=ISSUER, audience=AUDIENCE, jwks={"keys": keys}))


def test_a_good_key_set_has_nothing_wrong() -> None:
    good = Issuer(name="sso", issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [RSA_JWK, EC_JWK]})
    assert usable_keys(good)
