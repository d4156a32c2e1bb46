"""A rule that fails at run time is seen: as a metric and as a finding, added up exactly over all gateways."""

import pytest

from gateway.adapters.failures import failures
from gateway.core.failures import NO_KEY, RuleFailure
from pilote.decision.v1.decision_service_pb2 import EvaluateCallRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from services.commands import findings
from services.control.access.rights import Role
from tests.e2e.policy import Data, allow_all, cap, policy
from tests.e2e.requests import get, one_by_one, send, send_one
from tests.e2e.steering import steering
from tests.e2e.waiting import eventually
from tests.e2e.world import World, credential, together, told
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")
GET = "/pilote.crm.v1.ContactService/GetContact"
COUNTED = "It was counted, not estimated: it cannot be a false alarm."


def failing() -> Data:
    """A rule that fails for everybody whose consent is not known, and only watches."""
    return {"name": "asks-consent", "effect": "deny", "mode": "monitor", "when": '!facts.consents["email"]'}


async def found(world: World, count: int, *, tenant: str = "acme") -> RuleFailure:
    """The tenant's one finding, once it counts so many failures."""

    async def look() -> RuleFailure | None:
        kept = await failures(world.redis, tenant)
        return kept[0] if len(kept) == 1 and kept[0].count >= count else None

    finding = await eventually(look, what=f"{count} failures")
    assert finding.count == count
    return finding


async def test_failures_on_two_gateways_add_up_to_one_metric_and_one_finding(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with (
        empty_world.started(otlp_endpoint=collector.endpoint) as one,
        empty_world.started(otlp_endpoint=collector.endpoint) as other,
    ):
        await empty_world.publish(policy(upstream.address, rules=[allow_all(), failing()]))
        agents = (empty_world.agent(one), empty_world.agent(other))
        calls = [agents[n % 2].contacts.GetContact(get(f"contacts/c{n}"), metadata=SALES) for n in range(30)]
        ended = await together(*calls)
        refused = await told(agents[0].contacts.GetContact(get()))
        finding = await found(empty_world, 30)

    assert {each.reason for each in ended} == {""}
    assert (finding.rule, finding.revision, finding.error) == ("asks-consent", 1, f'{NO_KEY}: "email"')
    assert finding.decision in {each.decision for each in ended}
    assert finding.first_ms <= finding.last_ms
    failed = collector.metrics.named("pilote.rule.failures")
    assert sum(count for _, count in failed) == 30
    assert len(failed) == 2
    assert all(said == {"pilote.rule": "asks-consent", "pilote.revision": 1, "rpc.method": GET} for said, _ in failed)
    decisions = collector.metrics.named("pilote.decisions")
    allowed = {"pilote.verdict": "ALLOW", "pilote.route": "crm"}
    assert sum(count for said, count in decisions if said == allowed) == 30
    unknown = {"pilote.verdict": "DENY", "pilote.reason": refused.reason}
    assert [count for said, count in decisions if said == unknown] == [1]
    assert sum(count for _, count in collector.metrics.named("pilote.overhead")) == 31


async def test_each_message_of_a_stream_that_is_decided_about_counts(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(policy(upstream.address, rules=[allow_all(), failing()]))
        agent = empty_world.agent()
        await told(agent.messages.SendMessages(one_by_one([send_one()] * 3), metadata=SALES))
        await found(empty_world, 3)
    assert sum(count for _, count in collector.metrics.named("pilote.rule.failures")) == 3
    assert sum(count for _, count in collector.metrics.named("pilote.decisions")) == 3
    assert sum(count for _, count in collector.metrics.named("pilote.overhead")) == 1


async def test_a_finding_never_says_what_the_request_said(world: World, upstream: FakeUpstream) -> None:
    rule = failing() | {
        "when": 'facts.traits[request.message.body] == "x"',
        "methods": ["/pilote.crm.v1.MessageService/SendMessage"],
    }
    await world.publish(policy(upstream.address, rules=[allow_all(), rule]))
    await told(world.agent().messages.SendMessage(send(body="ada@example.org"), metadata=SALES))
    finding = await found(world, 1)
    assert finding.error == NO_KEY
    (kept,) = await world.settled(1)
    assert [look.error for look in kept.record.rules] == ["", NO_KEY]


async def test_a_dry_run_is_no_finding_and_each_tenant_has_its_own(world: World, upstream: FakeUpstream) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), failing()]))
    agent = world.agent()
    evaluate = DecisionServiceStub(agent.channel).EvaluateCall
    asked = await told(evaluate(EvaluateCallRequest(method=GET, request=get().SerializeToString()), metadata=SALES))
    assert asked.response.decision.rules[1].error
    await told(agent.contacts.GetContact(get(), metadata=credential("globex-bot")))
    assert (await found(world, 1, tenant="globex")).rule == "asks-consent"
    assert await failures(world.redis, "acme") == ()


@pytest.mark.parametrize(
    ("language", "titled", "said"),
    [
        (
            "en",
            "A rule fails: rule asks-consent",
            f'It failed 2 times, the last time under revision 2: {NO_KEY}: "email".',
        ),
        ("fr", "Règle en échec : règle asks-consent", "2 échecs, le dernier sous la révision 2 : une table n’a pas"),
    ],
)
async def test_people_read_what_failed_how_often_and_where_to_look(
    world: World, upstream: FakeUpstream, language: str, titled: str, said: str
) -> None:
    assert await findings.found(world.redis, tenant="", now_ms=world.clock()) == ()
    await world.publish(policy(upstream.address, rules=[allow_all(), failing()]))
    for _ in range(2):
        ended = await told(world.agent().contacts.GetContact(get(), metadata=SALES))
    await found(world, 2)
    kept = await findings.found(world.redis, tenant="", now_ms=world.clock())
    _, row = findings.rows(kept, language=language)
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in findings.lines(kept[0], language=language)]
    assert (row[0], row[1], row[5]) == (kept[0].id, "acme", "2")
    assert lines[0] == titled
    assert said in lines[3]
    assert any(line.endswith(f"pilote explain {ended.decision}") for line in lines)
    assert any('rule = "asks-consent" AND rule.error:*' in line for line in lines)
    assert findings.one_of(kept, f"findings/acme/{kept[0].id}") == findings.one_of(kept, kept[0].id[:6]) == kept[0]
    assert findings.one_of(kept, "") is None


async def test_a_rule_that_fails_only_when_another_channel_is_tried_is_noted_too(
    world: World, upstream: FakeUpstream
) -> None:
    by_mail: Data = failing() | {"operations": ["CONTACT"], "when": 'call.channel == "email" && !facts.consents["x"]'}
    caps = [cap(0, channels=["phone"], on_exceed="downgrade", downgrade_to="email")]
    await world.publish(policy(upstream.address, caps=caps, rules=[allow_all(), by_mail]))
    sent = await told(world.agent().messages.SendMessage(send("contacts/ada", channel="phone"), metadata=SALES))
    assert sent.trailers["pilote-channel"] == "email"
    assert (await found(world, 1)).decision == sent.decision


async def test_a_rule_that_fails_is_seen_over_http_by_who_may_see_that_tenant(
    empty_world: World, upstream: FakeUpstream
) -> None:
    async with empty_world.started() as gateway:
        await empty_world.publish(policy(upstream.address, rules=[allow_all(), failing()]))
        for number in range(3):
            await told(empty_world.agent(gateway).contacts.GetContact(get(f"contacts/c{number}"), metadata=SALES))
        finding = await found(empty_world, 3)
    async with steering(empty_world) as desk:
        status, shown = await desk.ask("GET", "/v1/findings")
        (one,) = shown["findings"]
        assert (status, one["kind"], one["about"]) == (200, "rule-failing", [{"name": "rule", "value": "asks-consent"}])
        assert (one["reach"], one["state"], one["shown"]["revision"]) == (3, "OPEN", 1)
        assert (one["shown"]["error"], one["decisions"]) == (f'{NO_KEY}: "email"', [f"decisions/{finding.decision}"])
        assert one["firstTime"] <= one["endTime"]
        assert one["text"].endswith(f'under revision 1: {NO_KEY}: "email". {COUNTED}')
        assert await desk.ask("GET", f"/v1/{one['name']}") == (200, one)
        _, french = await desk.ask("GET", "/v1/findings", accept_language="fr")
        assert french["findings"][0]["title"] == "Règle en échec\N{NO-BREAK SPACE}: règle asks-consent"
        globex = {"globex": [Role.MODERATOR]}
        assert (await desk.ask("GET", "/v1/findings", roles=globex))[1]["findings"] == []
        assert (await desk.ask("GET", "/v1/findings?tenant=acme", roles=globex))[0] == 403
        assert (await desk.ask("GET", f"/v1/{one['name']}", roles=globex))[0] == 404
        assert (await desk.ask("GET", "/v1/findings?pageToken=nonsense"))[1]["reason"] == "ARGUMENT_INVALID"
