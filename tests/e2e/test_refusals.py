"""Every row of the design's table of statuses, read off a real stub."""

import asyncio
import datetime as dt
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details

from gateway.core.zones import DAYS
from gateway.rpc.status import DOMAIN
from pilote.crm.v1.activity_service_pb2 import GetActivityRequest
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import DeleteMessageRequest, SendMessageRequest
from tests.conftest import RedisProcess
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Agent, Told, World, credential, told
from tests.fakes.link import link_to
from tests.fakes.upstream import FakeUpstream, failing

SALES = credential("sales-bot")
IN_FRENCH = credential("sales-bot", ("accept-language", "fr-FR,fr;q=0.9,en;q=0.5"))
WEEK_MS = 7 * 24 * 3_600_000


def _deny(reason: str, *, name: str = "no", **more: Any) -> Data:
    return {"name": name, "effect": "deny", "operations": ["CONTACT"], "reason": reason} | more


def _ms(wait: Duration) -> int:
    return int(wait.ToMilliseconds())


def _info(refused: Told) -> details.ErrorInfo:
    """The `ErrorInfo` of a refusal, once what all refusals share is checked."""
    info: details.ErrorInfo = refused.detail(details.ErrorInfo)
    assert info.domain == DOMAIN
    assert info.reason == refused.reason
    assert len(set(refused.kinds)) == len(refused.kinds)
    assert refused.status.message == refused.text
    assert refused.status.code == refused.code.value[0]
    assert "pilote-decision-id" in refused.trailers
    return info


def _french(refused: Told) -> str:
    localized = refused.detail(details.LocalizedMessage)
    assert localized.locale == "fr"
    assert localized.message != refused.text
    return str(localized.message)


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ((), "MISSING"),
        ((("x-api-key", "guessed"),), "API_KEY_UNKNOWN"),
        ((("authorization", "Basic YTpi"),), "MALFORMED"),
        ((("authorization", "Bearer not-a-token"),), "TOKEN_MALFORMED"),
        ((("pilote-agent", "sales-bot"),), "MISSING"),
    ],
)
async def test_a_bad_credential_is_unauthenticated(
    agent: Agent, upstream: FakeUpstream, metadata: tuple[tuple[str, str], ...], problem: str
) -> None:
    refused = await told(agent.contacts.GetContact(get(), metadata=(*metadata, ("accept-language", "fr"))))
    assert refused.code is grpc.StatusCode.UNAUTHENTICATED
    assert _info(refused).metadata == {"problem": problem}
    assert refused.kinds == ["ErrorInfo", "LocalizedMessage"]
    assert _french(refused)
    assert upstream.asked == []


async def test_a_bad_shape_is_an_invalid_argument_with_the_field(agent: Agent, upstream: FakeUpstream) -> None:
    request = SendMessageRequest(message=Message(channel="email", category="marketing"))
    refused = await told(agent.messages.SendMessage(request, metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert _info(refused).metadata == {"field": "message.customer"}
    (violation,) = refused.detail(details.BadRequest).field_violations
    assert (violation.field, violation.description) == ("message.customer", refused.text)
    assert "message.customer" in _french(refused)
    assert upstream.asked == []


async def test_a_rule_that_denies_says_which_in_its_own_words(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    words = {"en": "{agent} may not write.", "fr": "{agent} ne peut pas écrire."}
    number = await world.publish(
        policy(upstream.address, rules=[allow_all(), _deny("POLICY_DENIED", name="no-writing", message=words)])
    )
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "POLICY_DENIED")
    info = _info(refused).metadata
    assert (info["rule"], info["revision"], info["agent"]) == ("no-writing", str(number), "sales-bot")
    assert refused.text == "sales-bot may not write."
    assert _french(refused) == "sales-bot ne peut pas écrire."
    assert refused.trailers["pilote-revision"] == str(number)
    assert upstream.asked == []


async def test_what_no_rule_allows_is_denied(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all() | {"operations": ["READ"]}]))
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "POLICY_DENIED")
    assert _info(refused).metadata["rule"] == ""
    assert "sales-bot" in _french(refused)


async def test_a_method_that_nobody_described_is_denied(world: World, upstream: FakeUpstream) -> None:
    refused = await told(world.raw().unary_unary("/vendor.Crm/Wipe")(b"", metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.PERMISSION_DENIED, "METHOD_UNDESCRIBED")
    assert _info(refused).metadata["method"] == "/vendor.Crm/Wipe"
    assert _french(refused)
    assert upstream.asked == []


async def test_a_used_up_limit_says_when_to_come_back(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    limit = {"name": "slow", "by": ["agent"], "rate": 1, "per": "1m", "burst": 2}
    await world.publish(policy(upstream.address, limits=[limit]))
    first = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert first.trailers["ratelimit-policy"] == '"slow";q=2;w=120'
    assert str(first.trailers["ratelimit"]).startswith('"slow";r=1;t=')
    await agent.contacts.GetContact(get(), metadata=SALES)
    refused = await told(agent.contacts.GetContact(get(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    info = _info(refused).metadata
    assert (info["rule"], info["used"], info["capacity"]) == ("slow", "2", "2")
    (violation,) = refused.detail(details.QuotaFailure).violations
    assert (violation.subject, violation.description) == ("slow", refused.text)
    assert 50_000 < _ms(refused.detail(details.RetryInfo).retry_delay) <= 60_000
    assert "slow" in _french(refused)
    assert len(upstream.asked) == 2


async def test_a_used_up_cap_says_when_to_come_back(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    await agent.messages.SendMessage(send(), metadata=SALES)
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAP_EXCEEDED")
    assert _info(refused).metadata["rule"] == "pressure"
    assert refused.detail(details.QuotaFailure).violations[0].subject == "pressure"
    assert WEEK_MS - 60_000 < _ms(refused.detail(details.RetryInfo).retry_delay) <= WEEK_MS
    assert "1 sur 1 en 7 j" in _french(refused)
    assert len(upstream.asked) == 1


async def test_a_cap_of_nothing_names_no_time_to_come_back(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, caps=[cap(0)]))
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAP_EXCEEDED")
    assert refused.kinds == ["ErrorInfo", "QuotaFailure", "LocalizedMessage"]


async def test_a_limit_by_something_the_call_lacks_says_so(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, limits=[{"name": "each", "by": ["subject"], "rate": 1}]))
    request = GetActivityRequest(name="activities/a")
    refused = await told(agent.activities.GetActivity(request, metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")
    assert _info(refused).metadata["rule"] == "each"
    assert "{" not in refused.text + _french(refused)
    assert refused.detail(details.QuotaFailure).violations[0].subject == "each"


@pytest.mark.parametrize("reason", ["CONSENT_MISSING", "QUIET_HOURS"])
async def test_a_missing_consent_and_quiet_hours_are_preconditions(
    world: World, agent: Agent, upstream: FakeUpstream, reason: str
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), _deny(reason, retry_after="8h")]))
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert _ms(refused.detail(details.RetryInfo).retry_delay) == 8 * 3_600_000
    assert _info(refused).metadata["rule"] == "no"
    (violation,) = refused.detail(details.PreconditionFailure).violations
    assert (violation.type, violation.subject) == (reason, "no")
    assert _french(refused)
    assert upstream.asked == []


async def test_quiet_hours_say_when_they_open(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    later = {"days": [DAYS[(dt.datetime.now(dt.UTC).weekday() + 2) % 7]], "from": "00:00", "to": "24:00"}
    hours = {"name": "nights", "zone": "UTC", "open": [later]}
    await world.publish(policy(upstream.address, rules=[allow_all()], quiet_hours=[hours]))
    refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUIET_HOURS")
    wait_ms = _ms(refused.detail(details.RetryInfo).retry_delay)
    assert 24 * 3_600_000 - 60_000 < wait_ms <= 48 * 3_600_000  # the day after tomorrow
    opens = dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=wait_ms)
    assert abs((opens - opens.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()) < 60
    assert "Réessayez dans" in _french(refused)
    assert upstream.asked == []


async def test_a_consent_nobody_recorded_is_missing_and_a_recorded_one_is_not(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    rule = _deny("CONSENT_MISSING", when="!facts.consents[call.channel]")
    await world.publish(policy(upstream.address, rules=[allow_all(), rule]))
    refused = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert refused.reason == "CONSENT_MISSING"
    (kept,) = await world.settled(1)
    await world.redis.set(f"pilote:{{acme/0}}:facts:{kept.record.subject_ref}", b'{"consents":{"email":true}}')

    async def allowed() -> bool | None:
        return (await told(agent.messages.SendMessage(send(), metadata=SALES))).code is grpc.StatusCode.OK or None

    assert await eventually(allowed, what="the consent counts")


async def test_a_key_used_with_another_request_already_exists(agent: Agent, upstream: FakeUpstream) -> None:
    await agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES)
    refused = await told(agent.messages.SendMessage(send(request_id="k-1", body="Other"), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")
    assert _info(refused).metadata["agent"] == "sales-bot"
    assert _french(refused)
    assert len(upstream.asked) == 1


async def test_a_key_whose_call_still_runs_is_aborted_for_a_retry(agent: Agent, upstream: FakeUpstream) -> None:
    upstream.behave = upstream.hang
    first = asyncio.ensure_future(told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES)))
    await asyncio.wait_for(upstream.arrived.wait(), 30)
    refused = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "IDEMPOTENCY_KEY_RUNNING")
    assert _info(refused)
    assert 0 < _ms(refused.detail(details.RetryInfo).retry_delay) <= 5_000
    assert _french(refused)
    upstream.let_go.set()
    assert (await first).code is grpc.StatusCode.OK
    assert len(upstream.asked) == 1


async def test_a_store_that_is_down_is_unavailable(
    fragile_world: World, own_redis: RedisProcess, upstream: FakeUpstream
) -> None:
    agent = fragile_world.agent()
    await agent.contacts.GetContact(get(), metadata=SALES)
    own_redis.kill()
    refused = await told(agent.contacts.GetContact(get(), metadata=IN_FRENCH))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    assert _info(refused)
    assert 0 < _ms(refused.detail(details.RetryInfo).retry_delay) <= 5_000
    assert _french(refused)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("contact", [True, False])
async def test_an_upstream_that_cannot_be_reached_is_unavailable_and_nothing_is_taken(
    world: World, agent: Agent, upstream: FakeUpstream, *, contact: bool
) -> None:
    async with link_to(upstream.port) as link:
        link.refuses = True
        await world.publish(policy(link.address, caps=[cap(1)]))
        call: Any = (
            agent.messages.SendMessage(send(), metadata=IN_FRENCH)
            if contact
            else agent.contacts.GetContact(get(), metadata=IN_FRENCH)
        )
        refused = await told(call)
    if contact and world.engine == "envoy" and refused.code is grpc.StatusCode.UNKNOWN:
        assert refused.reason == "UPSTREAM_IN_DOUBT"  # it had sent the call before the connection broke, as mostly
        return
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert _info(refused)
    assert 0 < _ms(refused.detail(details.RetryInfo).retry_delay) <= 5_000
    assert _french(refused)
    (kept,) = await world.settled(1)
    assert kept.settlement is not None
    assert (kept.settlement.gave_back, kept.settlement.in_doubt) == (True, False)
    assert await world.taken() == 0


async def test_an_upstream_that_is_far_away_is_reached_by_the_first_call(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    async with link_to(upstream.port) as link:
        link.there.latency_s = 0.3
        await world.publish(policy(link.address))
        assert await agent.contacts.GetContact(get(), metadata=SALES)


async def test_a_call_in_doubt_is_unknown_marked_and_keeps_what_it_took(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    async with link_to(upstream.port) as link:
        await world.publish(policy(link.address, caps=[cap(1)]))

        async def act_and_die(_asked: Any, _context: Any) -> bytes:
            link.reset()
            return b""

        upstream.behave = act_and_die
        refused = await told(agent.messages.SendMessage(send(), metadata=IN_FRENCH))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNKNOWN, "UPSTREAM_IN_DOUBT")
        assert _info(refused)
        assert refused.kinds == ["ErrorInfo", "LocalizedMessage"]
        (kept,) = await world.settled(1)
        assert kept.settlement is not None
        assert (kept.settlement.in_doubt, kept.settlement.gave_back) == (True, False)
        assert await world.taken() == 1
        again = await told(agent.messages.SendMessage(send(), metadata=SALES))
        assert again.reason == "CAP_EXCEEDED"
        assert len(upstream.asked) == 1


async def test_a_read_that_broke_off_is_not_in_doubt(world: World, agent: Agent, upstream: FakeUpstream) -> None:
    async with link_to(upstream.port) as link:
        await world.publish(policy(link.address))

        async def die(_asked: Any, _context: Any) -> bytes:
            link.reset()
            return b""

        upstream.behave = die
        refused = await told(agent.contacts.GetContact(get(ADA), metadata=SALES))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE]
)
async def test_an_error_after_acting_is_in_doubt_for_a_contact_and_a_failure_for_a_read(
    world: World, agent: Agent, upstream: FakeUpstream, code: grpc.StatusCode
) -> None:
    upstream.behave = failing(code, "panic at /srv/crm.py:17")
    contact = await told(agent.messages.SendMessage(send(), metadata=SALES))
    read = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert (contact.code, contact.reason) == (grpc.StatusCode.UNKNOWN, "UPSTREAM_IN_DOUBT")
    assert read.reason in ("UPSTREAM_FAILED", "UPSTREAM_UNAVAILABLE")
    assert "crm.py" not in contact.text + read.text


async def test_before_any_revision_everything_is_unavailable(empty_world: World) -> None:
    await empty_world.gateway()
    agent = empty_world.agent()
    for call in (
        agent.contacts.GetContact(get(), metadata=IN_FRENCH),
        agent.messages.DeleteMessage(DeleteMessageRequest(name="messages/m"), metadata=IN_FRENCH),
    ):
        refused = await told(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "REVISION_MISSING")
        assert _info(refused)
        assert _ms(refused.detail(details.RetryInfo).retry_delay) > 0
        assert _french(refused)
        assert refused.trailers["pilote-revision"] == "0"


async def test_a_gateway_that_drains_takes_no_new_call_and_ends_running_ones(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    upstream.behave = upstream.hang
    running = asyncio.ensure_future(told(agent.messages.SendMessage(send(), metadata=SALES)))
    await asyncio.wait_for(upstream.arrived.wait(), 30)
    world.gateways[0].pipeline.draining = True
    refused = await told(agent.contacts.GetContact(get(), metadata=IN_FRENCH))
    upstream.let_go.set()
    assert (await running).code is grpc.StatusCode.OK
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert _info(refused)
    assert _ms(refused.detail(details.RetryInfo).retry_delay) > 0
    assert _french(refused)
    await until(lambda: len(upstream.asked) == 1, what="only the running call was asked")
    kept = await world.settled(2)
    assert {each.reason for each in kept} == {"", "DRAINING"}
