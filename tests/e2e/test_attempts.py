"""What was tried is seen: in the decision, in words, in traces and metrics; and beforehand in an evaluation."""

import grpc

from gateway.core.explain import explain
from gateway.wire.reading import entries_in
from pilote.decision.v1 import decision_pb2
from pilote.decision.v1.decision_service_pb2 import EvaluateCallRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.policy import allow_all
from tests.e2e.requests import get
from tests.e2e.test_fallback import either
from tests.e2e.test_trying import DOWN, PATIENT, fakes, routed
from tests.e2e.world import Agent, Auditor, World, credential, told
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream, answering, failing, first
from tests.services.ports import free

SALES = credential("sales-bot", ("accept-language", "fr"))
GET = "/pilote.crm.v1.ContactService/GetContact"


async def test_the_decision_tells_every_try_and_which_arm_answered(
    world: World, agent: Agent, auditor: Auditor, upstream: FakeUpstream
) -> None:
    await world.publish(either(f"127.0.0.1:{free(1)[0]}", upstream.address))
    ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
    decision = await auditor.decision(ended.decision)
    causes = [decision_pb2.ATTEMPT_CAUSE_FIRST, decision_pb2.ATTEMPT_CAUSE_FALLBACK]
    assert [(each.cause, each.arm, each.status) for each in decision.attempts] == [
        (causes[0], "main", "UNAVAILABLE"),
        (causes[1], "spare", "OK"),
    ]
    assert (decision.arm, decision.served_arm, decision.served_upstream) == ("main", "spare", "other")
    (standby,) = [each for each in await auditor.listed() if each.standby]
    assert standby.parent == decision.name
    record, outcome, settlement = entries_in(decision)
    in_words = explain(record, outcome, settlement=settlement, language="fr")
    assert any("Un essai sur spare, qui prenait le relais, a reçu une réponse" in each for each in in_words)
    assert settlement is not None
    assert settlement.attempts == (await world.kept())[ended.decision].settlement.attempts  # type: ignore[union-attr]


async def test_an_evaluation_says_where_the_call_would_go_and_where_the_rules_would_not_let_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    document = either(upstream.address, upstream.address, rules=[allow_all()])
    route = document["routes"][0]
    route["arms"].append({"name": "third", "upstream": "other", "weight": 0})
    route |= {"fallback": ["third", "spare"], "retries": PATIENT}
    document["rules"].append({"name": "no-third", "when": 'route.arm == "third"', "effect": "deny"})
    await world.publish(document)
    request = EvaluateCallRequest(method=GET, request=get().SerializeToString())
    answer = await DecisionServiceStub(agent.channel).EvaluateCall(request, metadata=SALES)
    assert [(way.arm, way.upstream, way.max_attempts, way.reason) for way in answer.ways] == [
        ("main", "one", 3, ""),
        ("third", "other", 1, "POLICY_DENIED"),
        ("spare", "other", 1, ""),
    ]
    assert "Si main ne pouvait pas le traiter, spare le ferait." in answer.explanation
    assert upstream.asked == []


async def test_tries_breakers_and_ejections_are_metrics_and_tries_are_in_the_span(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    async with fakes(1) as (sick,), empty_world.started(otlp_endpoint=collector.endpoint) as gateway:
        upstream.behave, sick.behave = first(1, failing(DOWN), then=answering(b"")), failing(DOWN)
        guarding = {"outliers": {"failures": 1}, "breaker": {"min_calls": 2, "percent": 100}}
        await empty_world.publish(
            routed([sick.address, upstream.address], upstream=guarding, retries=PATIENT | {"attempts": 2})
        )
        agent = empty_world.agent(gateway)
        ended = await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert ended.code is grpc.StatusCode.UNAVAILABLE
    tries = {
        (said["pilote.upstream"], said["pilote.why"], said["pilote.status"]): count
        for said, count in collector.metrics.named("pilote.upstream.attempts")
    }
    assert tries == {("crm", "first", "UNAVAILABLE"): 1, ("crm", "retry", "UNAVAILABLE"): 1}
    assert collector.metrics.gauges("pilote.upstream.breaker") == [({"pilote.upstream": "crm"}, 2)]
    assert collector.metrics.gauges("pilote.upstream.ejected") == [({"pilote.upstream": "crm"}, 1)]
    assert collector.metrics.named("pilote.upstream.ejections") == [({"pilote.upstream": "crm"}, 1)]
    (span,) = collector.spans
    (made,) = [each.value.array_value.values for each in span.attributes if each.key == "pilote.attempts"]
    assert [each.string_value for each in made] == ["first crm UNAVAILABLE", "retry crm UNAVAILABLE"]
