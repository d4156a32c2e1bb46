"""Limits for those who want nothing else: what Envoy's filter `ratelimit` asks is decided about as every call is."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.core.record import Verdict
from pilote.envoy import ratelimit_pb2
from pilote.envoy.ratelimit_pb2_grpc import RateLimitServiceStub
from tests.e2e.envoy.front import ENVOY_KEY, Front, front, with_api
from tests.e2e.policy import Data, allow_all, cap
from tests.e2e.requests import ADA, send
from tests.e2e.world import World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Vendor

AS_ENVOY = (("x-pilote-envoy-key", ENVOY_KEY),)
Answer = ratelimit_pb2.RateLimitResponse
API = (("api", "messages"), ("agent", "marketing-bot"))
TO_ADA = (*API, ("customer", "ada-lovelace"))
DOMAIN: Data = {
    "name": "vendors",
    "descriptors": [
        {"name": "api", "entries": [{"key": "api"}, {"key": "agent"}], "agent": "{entries.agent}"},
        {
            "name": "messages",
            "entries": [{"key": "api", "value": "messages"}, {"key": "agent"}, {"key": "customer"}],
            "agent": "{entries.agent}",
            "operation": "CONTACT",
            "subject": "contacts/{entries.customer}",
            "channel": "email",
        },
    ],
}


def limited(crm: str, **sections: Any) -> Data:
    return with_api(crm, ratelimit=[DOMAIN], **sections)


def per_hour(most: int, **more: Any) -> Data:
    return {"name": "hourly", "methods": ["ratelimit/vendors/api"], "by": ["agent"], "max": most, "window": "1h"} | more


def asking(*descriptors: Any, domain: str = "vendors", **more: Any) -> ratelimit_pb2.RateLimitRequest:
    request = ratelimit_pb2.RateLimitRequest(domain=domain.encode(), **more)
    for entries in descriptors:
        found = request.descriptors.add()
        for key, value in entries:
            found.entries.add(key=key.encode(), value=value if isinstance(value, bytes) else value.encode())
    return request


async def ask(world: World, request: ratelimit_pb2.RateLimitRequest) -> ratelimit_pb2.RateLimitResponse:
    stub: Any = RateLimitServiceStub(world.channel())
    found: ratelimit_pb2.RateLimitResponse = await stub.ShouldRateLimit(request, metadata=AS_ENVOY, timeout=30)
    return found


def why(answer: ratelimit_pb2.RateLimitResponse) -> str:
    """The `ErrorInfo` reason of a refusal."""
    assert answer.overall_code == Answer.OVER_LIMIT
    details = json.loads(answer.raw_body)["details"]
    return str(next(each["reason"] for each in details if each["@type"].endswith("ErrorInfo")))


def headers(answer: ratelimit_pb2.RateLimitResponse) -> dict[str, str]:
    return {each.key: each.value for each in answer.response_headers_to_add}


@pytest.fixture
async def limited_front(
    http_world: World, http_vendor: Vendor, upstream: FakeUpstream, tmp_path: Path
) -> AsyncIterator[Front]:
    """The example of `k8s/envoy/ratelimit.yaml`, as agents see it."""
    await http_world.publish(limited(upstream.address, caps=[cap(2)], limits=[per_hour(3)]))
    home = tmp_path / "envoy-limits"
    async with front(http_world, http_vendor, home, example="ratelimit.yaml", agent="marketing-bot") as found:
        yield found


async def test_envoy_forwards_what_there_is_room_for_and_says_how_much_is_left(
    http_world: World, limited_front: Front
) -> None:
    reply = await limited_front.ask("GET", "/v1/anything", agent="")
    assert reply.status == 200
    assert reply.headers["x-ratelimit-remaining"] == "2"
    assert reply.headers["ratelimit"] == '"hourly";r=2;t=3600'
    assert len(limited_front.vendor.received) == 1
    (kept,) = await http_world.settled(1)
    assert kept.record.id == reply.headers["pilote-decision-id"]
    assert (kept.record.method, kept.record.agent) == ("/ratelimit/vendors/api", "marketing-bot")
    assert (kept.record.verdict, kept.record.upstream) == (Verdict.ALLOW, "")
    assert kept.settlement is not None
    assert (kept.settlement.status, kept.settlement.gave_back) == ("OK", False)


async def test_a_cap_holds_across_grpc_plain_http_and_the_rate_limit_filter_together(
    http_world: World, through: Front, limited_front: Front
) -> None:
    agent = http_world.agent()
    sent = send(ADA)
    assert (await told(agent.messages.SendMessage(sent, metadata=credential("sales-bot")))).reason == ""
    customer = {"x-customer": "ada-lovelace"}
    assert (await limited_front.ask("POST", "/v1/messages", agent="", headers=customer)).status == 200
    for refused in (
        await limited_front.ask("POST", "/v1/messages", agent="", headers=customer),
        await through.send(),
    ):
        assert (refused.status, refused.reason) == (429, "CAP_EXCEEDED")
        assert int(refused.headers["retry-after"]) > 6 * 86_400
    assert refused.headers["content-type"] == "application/json"
    over_grpc = await told(agent.messages.SendMessage(sent, metadata=credential("sales-bot")))
    assert over_grpc.reason == "CAP_EXCEEDED"
    assert len(limited_front.vendor.received) == 1


async def test_hundred_at_once_take_exactly_what_is_there(http_world: World, upstream: FakeUpstream) -> None:
    await http_world.publish(limited(upstream.address, limits=[per_hour(7)]))
    answers = await asyncio.gather(*(ask(http_world, asking(API)) for _ in range(100)))
    assert sum(answer.overall_code == Answer.OK for answer in answers) == 7
    assert {why(each) for each in answers if each.overall_code != Answer.OK} == {"LIMIT_EXCEEDED"}


async def test_a_request_counts_as_often_as_it_says(http_world: World, upstream: FakeUpstream) -> None:
    cost = {"unit": "points", "estimate": "2"}
    budget = per_hour(20, name="points", cost=cost)
    burst = {"name": "burst", "methods": ["ratelimit/*"], "by": ["agent"], "rate": 10, "per": "1h"}
    await http_world.publish(limited(upstream.address, limits=[per_hour(10), budget, burst]))
    answer = await ask(http_world, asking(API, hits_addend=4))
    assert headers(answer)["ratelimit"].startswith('"hourly";r=6;t=3600, "points";r=12;t=3600, "burst";r=6;t=')
    own = asking(API, hits_addend=1)
    own.descriptors[0].hits_addend.value = 6
    answer = await ask(http_world, own)
    (status,) = answer.statuses
    assert (answer.overall_code, status.limit_remaining, status.current_limit.name) == (Answer.OK, 0, "hourly")
    assert (status.current_limit.requests_per_unit, status.current_limit.unit) == (10, Answer.RateLimit.HOUR)
    own.descriptors[0].hits_addend.value = 0
    assert (await ask(http_world, own)).overall_code == Answer.OK
    over = await ask(http_world, asking(API))
    assert why(over) == "LIMIT_EXCEEDED"
    (status,) = over.statuses
    assert status.code == Answer.OVER_LIMIT
    assert 0 < status.duration_until_reset.seconds <= 3660


async def test_what_a_refused_request_has_taken_for_its_other_descriptors_is_given_back(
    http_world: World, upstream: FakeUpstream
) -> None:
    budget = per_hour(5, cost={"unit": "calls", "estimate": "1"})
    await http_world.publish(limited(upstream.address, limits=[budget], caps=[cap(1)]))
    assert (await ask(http_world, asking(TO_ADA))).overall_code == Answer.OK
    for _ in range(7):
        refused = await ask(http_world, asking(API, TO_ADA))
        assert why(refused) == "CAP_EXCEEDED"
        assert [each.code for each in refused.statuses] == [Answer.OK, Answer.OVER_LIMIT]
    kept = await http_world.settled(15)
    gave_back = [each for each in kept if each.settlement is not None and each.settlement.gave_back]
    assert {each.record.method for each in gave_back} == {"/ratelimit/vendors/api"}
    assert await http_world.taken() == 1


@pytest.mark.no_replay  # nobody knows whose call it is, so nothing is kept of it
async def test_a_descriptor_that_nobody_has_described_is_over_its_limit(
    http_world: World, upstream: FakeUpstream
) -> None:
    await http_world.publish(limited(upstream.address))
    unknown = [
        asking((("api", "messages"),)),
        asking((("agent", "marketing-bot"), ("api", "messages"))),
        asking((("api", "news"), ("agent", "marketing-bot"), ("customer", "ada"))),
        asking(API, domain="other"),
        asking(API, (("remote_address", "10.0.0.1"),)),
    ]
    for request in unknown:
        assert why(await ask(http_world, request)) == "METHOD_UNDESCRIBED"
    kept = await http_world.settled(len(unknown), tenant="_")
    assert {each.record.verdict for each in kept} == {Verdict.DENY}
    assert [each.record.method for each in kept] == ["/ratelimit/vendors/-"] * 3 + [
        "/ratelimit/-/-",
        "/ratelimit/vendors/-",
    ]


async def test_what_cannot_be_counted_is_over_its_limit_too(http_world: World, upstream: FakeUpstream) -> None:
    await http_world.publish(limited(upstream.address))
    negative = asking(API)
    negative.descriptors[0].is_negative_hits = True
    unclear = [
        (asking(TO_ADA, hits_addend=2), "a contact counts once"),
        (asking((("api", b"\xff"), ("agent", "marketing-bot"))), "must be UTF-8"),
        (asking(API, hits_addend=4_000_000_000), "must be at most"),
        (asking(*[API] * 21), "At most 20 descriptors"),
        (negative, "no negative hits"),
    ]
    for request, said in unclear:
        answer = await ask(http_world, request)
        assert why(answer) == "ARGUMENT_INVALID"
        assert said in answer.raw_body.decode()
    nobody = await ask(http_world, asking((("api", "messages"), ("agent", "nobody"))))
    assert why(nobody) == "AGENT_UNAUTHENTICATED"


async def test_rules_speak_of_descriptors_too(http_world: World, upstream: FakeUpstream) -> None:
    rule = {
        "name": "no-news",
        "effect": "deny",
        "methods": ["ratelimit/vendors/*"],
        "when": 'request.entries.api == "news" && request.hits > 1.0',
    }
    await http_world.publish(limited(upstream.address, rules=[rule, allow_all()]))
    news = (("api", "news"), API[1])
    assert (await ask(http_world, asking(news))).overall_code == Answer.OK
    assert why(await ask(http_world, asking(news, hits_addend=2))) == "POLICY_DENIED"


@pytest.mark.parametrize("metadata", [(), (("x-pilote-envoy-key", "x" * 40),), credential("sales-bot")])
async def test_only_who_has_a_key_of_envoy_may_ask(http_world: World, metadata: Any) -> None:
    stub: Any = RateLimitServiceStub(http_world.channel())
    end = await told(stub.ShouldRateLimit(asking(API), metadata=metadata))
    assert (end.code, end.reason) == (grpc.StatusCode.UNAUTHENTICATED, "AGENT_UNAUTHENTICATED")


@pytest.mark.no_replay  # a replay does not know that it came over gRPC
async def test_a_descriptor_cannot_be_called_over_grpc(http_world: World, upstream: FakeUpstream) -> None:
    await http_world.publish(limited(upstream.address))
    call = http_world.raw().unary_unary("/ratelimit/vendors/api")
    assert (await told(call(b"", metadata=credential("sales-bot")))).reason == "METHOD_UNDESCRIBED"
