"""Objectives through a real gateway: which one a call serves, a budget that holds exactly, and what rules see of it."""

import datetime as dt
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2 as details

from gateway.adapters import facts as fact_store
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from pilote.audit.v1 import audit_service_pb2
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Agent, Auditor, World, credential, together, told
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES, GLOBEX = credential("sales-bot"), credential("globex-bot")
FRENCH = credential("sales-bot", ("accept-language", "fr"))


def objective(name: str, **more: Any) -> dict[str, Any]:
    """An objective whose period is on."""
    today = dt.datetime.now(dt.UTC).date()
    period = {"first": str(today - dt.timedelta(days=10)), "last": str(today + dt.timedelta(days=10))}
    return {"name": name, "tenant": "acme", "kpi": "conversion_rate", "target": 0.05, "period": period} | more


@pytest.fixture
def stated() -> list[dict[str, Any]]:
    return [
        objective("all-year"),
        objective("spring", campaign="Été 2026", budget={"contacts": 20}),
        objective("spring-vip", campaign="ete 2026", segment="vip", agents=["sales-bot"]),
    ]


async def test_every_decision_carries_the_objective_it_serves_and_is_found_by_it(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, stated: list[dict[str, Any]]
) -> None:
    await world.publish(policy(upstream.address, objectives=stated))
    ref = subject_ref(KEY, tenant="acme", subject="contacts/vip")
    await fact_store.put(world.redis, "acme", subject_ref=ref, facts=Facts(segments=("vip",)))
    for metadata, request in (
        (SALES, send(ADA, campaign="ÉTÉ 2026")),
        (SALES, send("contacts/vip", campaign="ete_2026")),
        (credential("marketing-bot"), send("contacts/vip", campaign="ete_2026")),
        (SALES, send(ADA)),
        (GLOBEX, send(ADA, campaign="ete_2026")),
    ):
        assert (await told(agent.messages.SendMessage(request, metadata=metadata))).code is grpc.StatusCode.OK
    read = await told(agent.contacts.GetContact(get(), metadata=SALES))
    kept = await world.settled(5)
    assert [each.record.objective for each in kept] == ["spring", "spring-vip", "spring", "all-year", "all-year"]
    assert [each.record.campaign for each in kept] == ["ete-2026", "ete-2026", "ete-2026", "", ""]
    assert (await auditor.decision(read.decision)).objective == "all-year"

    async def found() -> list[str] | None:
        request = audit_service_pb2.ListDecisionsRequest(filter='objective = "spring" AND campaign = "ete-2026"')
        names = [each.objective for each in (await auditor.stub.ListDecisions(request)).decisions]
        return names if len(names) == 2 else None

    assert await eventually(found, what="two decisions of an objective") == ["spring", "spring"]


async def test_of_two_hundred_contacts_at_once_as_many_pass_as_the_budget_allows(
    world: World, agent: Agent, upstream: FakeUpstream, stated: list[dict[str, Any]]
) -> None:
    await world.publish(policy(upstream.address, objectives=stated))
    calls = [
        agent.messages.SendMessage(send(f"contacts/c-{n}", campaign="été 2026"), metadata=SALES) for n in range(200)
    ]
    ended = await together(*calls)
    assert [each.reason for each in ended].count("") == 20
    assert len(upstream.messages) == 20
    refused = await told(agent.messages.SendMessage(send(ADA, campaign="été 2026"), metadata=FRENCH))
    assert refused.reason == "LIMIT_EXCEEDED"
    assert refused.detail(details.QuotaFailure).violations[0].subject.startswith("spring.contacts")
    assert (await told(agent.messages.SendMessage(send(ADA), metadata=SALES))).reason == ""


async def test_what_was_not_sent_is_given_back_and_money_is_counted_by_contact(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    budget = {"contacts": 3, "cents": 100, "cents_per_contact": 50}
    await world.publish(policy(upstream.address, objectives=[objective("spring", budget=budget)]))
    upstream.behave = failing(grpc.StatusCode.FAILED_PRECONDITION)
    assert (
        await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
    ).code is grpc.StatusCode.FAILED_PRECONDITION
    await world.settled(1)
    upstream.behave = answering(b"")
    ended = [(await told(agent.messages.SendMessage(send(ADA), metadata=SALES))).reason for _ in range(3)]
    assert ended == ["", "", "LIMIT_EXCEEDED"]  # two of 50 cents


async def test_a_rule_that_reads_progress_decides_also_where_nobody_knows_any(
    world: World, agent: Agent, upstream: FakeUpstream, stated: list[dict[str, Any]]
) -> None:
    slow = {"name": "reached", "effect": "deny", "when": "objective.progress >= 1.0 || objective.late"}
    unaimed = {"name": "unaimed", "effect": "deny", "operations": ["CONTACT"], "when": 'objective.name == ""'}
    await world.publish(policy(upstream.address, objectives=stated[1:], rules=[allow_all(), slow, unaimed]))
    assert (await told(agent.messages.SendMessage(send(ADA, campaign="été 2026"), metadata=SALES))).reason == ""
    refused = await told(agent.messages.SendMessage(send(ADA), metadata=SALES))
    assert refused.detail(details.ErrorInfo).metadata["rule"] == "unaimed"
    assert (await told(agent.contacts.GetContact(get(), metadata=SALES))).reason == ""
