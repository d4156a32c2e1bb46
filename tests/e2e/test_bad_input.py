"""What callers send by mistake or on purpose, and a gateway must survive."""

import time
from collections.abc import Mapping
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from tests.e2e.policy import Data, key_of, policy
from tests.e2e.requests import get, one_by_one, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
SEND = "/pilote.crm.v1.MessageService/SendMessage"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = ed25519.Ed25519PrivateKey.generate()
STRANGER = ed25519.Ed25519PrivateKey.generate()


def _with_tokens(address: str) -> Data:
    data = policy(address)
    keys = [
        RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True) | {"kid": "rsa", "alg": "RS256"},
        OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True) | {"kid": "ed", "alg": "EdDSA"},
    ]
    data["issuers"] = [
        {
            "name": "idp",
            "issuer": "https://idp.example",
            "audience": "pilote",
            "jwks": {"keys": keys},
            "algorithms": ["RS256", "EdDSA"],
            "leeway": "1s",
        }
    ]
    data["agents"][0]["tokens"] = [{"issuer": "idp", "subject": "spiffe://acme/sales"}]
    return data


def _token(*, key: Any = ED, kid: str = "ed", algorithm: str = "EdDSA", **claims: Any) -> str:
    now = int(time.time())
    chosen: dict[str, Any] = {
        "iss": "https://idp.example",
        "aud": "pilote",
        "sub": "spiffe://acme/sales",
        "exp": now + 300,
    }
    chosen = {name: value for name, value in (chosen | claims).items() if value is not None}
    return jwt.encode(chosen, key, algorithm=algorithm, headers={"kid": kid})


async def test_a_token_of_either_kind_of_key_proves_the_agent(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(_with_tokens(upstream.address))
    for token in (
        _token(),
        _token(key=RSA, kid="rsa", algorithm="RS256"),
        _token(aud=["other", "pilote"]),
        _token(exp=10**400),
    ):
        for _ in range(2):  # the second one is answered from the cache
            ended = await told(agent.contacts.GetContact(get(), metadata=(("authorization", f"Bearer {token}"),)))
            assert ended.code is grpc.StatusCode.OK
    assert {asked.values("pilote-agent")[0] for asked in upstream.asked} == {"sales-bot"}


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ({"exp": 1_700_000_000}, "TOKEN_EXPIRED"),
        ({"exp": None}, "TOKEN_CLAIM_MISSING"),
        ({"exp": -(10**400)}, "TOKEN_EXPIRED"),
        ({"exp": float("nan")}, "TOKEN_EXPIRED"),
        ({"exp": "tomorrow"}, "TOKEN_EXPIRED"),
        ({"aud": "another"}, "TOKEN_AUDIENCE_WRONG"),
        ({"aud": None}, "TOKEN_CLAIM_MISSING"),
        ({"iss": "https://evil.example"}, "TOKEN_ISSUER_UNKNOWN"),
        ({"nbf": 4_000_000_000}, "TOKEN_NOT_YET_VALID"),
        ({"key": STRANGER}, "TOKEN_SIGNATURE_INVALID"),
        ({"kid": "unheard-of"}, "TOKEN_ISSUER_UNKNOWN"),
        ({"key": "x" * 32, "algorithm": "HS256"}, "TOKEN_SIGNATURE_INVALID"),
        ({"key": None, "algorithm": "none"}, "TOKEN_SIGNATURE_INVALID"),
        ({"sub": "spiffe://acme/nobody"}, "AGENT_UNKNOWN"),
    ],
)
async def test_a_token_that_proves_nothing_is_unauthenticated(
    world: World, agent: Agent, upstream: FakeUpstream, token: Mapping[str, Any], problem: str
) -> None:
    await world.publish(_with_tokens(upstream.address))
    ended = await told(agent.contacts.GetContact(get(), metadata=(("authorization", f"Bearer {_token(**token)}"),)))
    assert (ended.code, ended.reason) == (grpc.StatusCode.UNAUTHENTICATED, "AGENT_UNAUTHENTICATED")
    assert f'"{problem}"' in str(ended.status) or problem in ended.status.details[0].value.decode(errors="replace")
    assert len(await world.settled(1, tenant="_")) == 1


async def test_a_token_that_expires_is_refused_although_it_was_cached(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(_with_tokens(upstream.address))
    metadata = (("authorization", f"Bearer {_token(exp=int(time.time()) + 1)}"),)
    assert (await told(agent.contacts.GetContact(get(), metadata=metadata))).code is grpc.StatusCode.OK

    async def refused() -> str | None:
        return (await told(agent.contacts.GetContact(get(), metadata=metadata))).reason or None

    assert await eventually(refused, what="the token expires") == "AGENT_UNAUTHENTICATED"


@pytest.mark.parametrize("body", [b"\x0a\xff\xff\xff", b"\xff" * 100, b"\x0a\x02\xc3\x28"])
async def test_a_malformed_message_is_an_invalid_argument(world: World, upstream: FakeUpstream, body: bytes) -> None:
    ended = await told(world.raw().unary_unary(SEND)(body, metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert upstream.asked == []
    assert len(await world.settled(1)) == 1


async def test_a_message_above_the_contracts_four_mebibytes_is_an_invalid_argument(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    ended = await told(agent.messages.SendMessage(send(body="x" * (4 * 1024 * 1024 + 1)), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert "4194304" in ended.text
    assert upstream.asked == []
    (kept,) = await world.settled(1)
    assert kept.record.request_bytes > 4 * 1024 * 1024


async def test_an_unknown_method_is_refused_whatever_kind_of_call_it_is(world: World, upstream: FakeUpstream) -> None:
    channel = world.raw()
    calls = (
        channel.unary_unary("/vendor.Crm/A")(b"x", metadata=SALES),
        channel.unary_stream("/vendor.Crm/B")(b"x", metadata=SALES),
        channel.stream_unary("/vendor.Crm/C")(one_by_one([b"x", b"y"]), metadata=SALES),
        channel.stream_stream("/vendor.Crm/D")(one_by_one([b"x", b"y"]), metadata=SALES),
        channel.stream_stream("/vendor.Crm/E")(one_by_one(list[bytes]()), metadata=SALES),
        channel.unary_unary("/pilote.crm.v1.ContactService/Nothing")(b"", metadata=SALES),
        channel.unary_unary("/x" * 1_000)(b"", metadata=SALES),
    )
    for call in calls:
        ended = await told(call)
        assert (ended.code, ended.reason) == (grpc.StatusCode.PERMISSION_DENIED, "METHOD_UNDESCRIBED")
    assert upstream.asked == []
    assert len(await world.settled(len(calls))) == len(calls)


@pytest.mark.parametrize(
    "metadata",
    [
        (("x-junk-bin", b"\x00\xff" * 500),),
        (("x-junk", "~" * 5_000),),
        (("x-junk", "1"), ("x-junk", "2"), ("x-junk-bin", b"\x00"), ("x-junk-bin", b"\x01")),
        (("accept-language", ",;q=,\x7e" * 50),),
        (("accept-language", "fr"), ("accept-language", "en")),
        (("traceparent", "00-zz"), ("tracestate", "=" * 600)),
        (("grpc-previous-rpc-attempts", "many"), ("grpc-tags-bin", b"\xff")),
        (("idempotency-key-bin", b"\xff"),),
        (("pilote-inference-id-bin", b"\xff"),),
    ],
)
async def test_odd_metadata_changes_nothing(
    world: World, agent: Agent, upstream: FakeUpstream, metadata: tuple[tuple[str, str | bytes], ...]
) -> None:
    ended = await told(agent.messages.SendMessage(send(), metadata=credential("sales-bot", *metadata)))
    assert ended.code is grpc.StatusCode.OK
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("idempotency-key", "with space"), ("idempotency-key", "x" * 200), ("pilote-inference-id", "decisions/none")],
)
async def test_metadata_that_governs_and_cannot_is_named(
    agent: Agent, upstream: FakeUpstream, name: str, value: str
) -> None:
    ended = await told(agent.messages.SendMessage(send(), metadata=credential("sales-bot", (name, value))))
    assert ended.reason == "ARGUMENT_INVALID"
    assert name in ended.text
    assert upstream.asked == []


async def test_a_second_credential_does_not_make_a_stranger_an_agent(agent: Agent, upstream: FakeUpstream) -> None:
    """Of two keys the last one counts; a wrong one is never passed over for a right token."""
    wrong_last = (("x-api-key", key_of("sales-bot")), ("x-api-key", "wrong"))
    assert (await told(agent.contacts.GetContact(get(), metadata=wrong_last))).reason == "AGENT_UNAUTHENTICATED"
    wrong_key = (("x-api-key", "wrong"), ("authorization", f"Bearer {_token()}"))
    assert (await told(agent.contacts.GetContact(get(), metadata=wrong_key))).reason == "AGENT_UNAUTHENTICATED"
    assert upstream.asked == []


@pytest.mark.parametrize("fields", [{"customer": ""}, {"channel": ""}, {"channel": "é-mail"}, {"customer": "x" * 300}])
async def test_a_contact_of_nobody_or_by_no_channel_is_refused(
    world: World, agent: Agent, upstream: FakeUpstream, fields: dict[str, str]
) -> None:
    ended = await told(agent.messages.SendMessage(send(**fields), metadata=SALES))
    assert (ended.code, ended.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert upstream.asked == []
    assert len(await world.settled(1)) == 1
