"""Objectives through a real gateway: which one a call serves, a budget that holds exactly, and what rules see of it."""

import datetime as dt
import json
from typing import Any, Final

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from gateway.adapters import facts as fact_store
from gateway.adapters.progress import ObjectiveStore
from gateway.core.call import Facts
from gateway.core.progress import GuardrailLook, Progress
from gateway.core.record import subject_ref
from pilote.audit.v1 import audit_service_pb2
from pilote.objective.v1 import objective_service_pb2 as pb
from pilote.objective.v1.objective_service_pb2_grpc import ObjectiveServiceStub
from tests.e2e.mcp_clients import LEGACY, MODERN, client, fronting
from tests.e2e.policy import allow_all, key_of, policy
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


HALF: Final = Progress(
    at_ms=1_767_600_000_000,
    value=0.025,
    low=0.02,
    high=0.03,
    n=4000,
    contacts=18,
    spent_cents=900,
    guardrails=(GuardrailLook(measure="opt_out_rate", value=0.04, low=0.03, high=0.05, n=4000),),
)
GUARDED: Final[dict[str, Any]] = {
    "campaign": "Été 2026",
    "title": {"en": "Summer offer", "fr": "Offre d’été"},
    "guardrails": [{"measure": "opt_out_rate", "most": 0.01}],
    "budget": {"contacts": 20, "cents": 5000, "cents_per_contact": 50},
}


async def test_rules_follow_what_somebody_works_out_without_a_read_in_a_calls_way(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    harmful = {"name": "harmful", "effect": "deny", "when": '"opt_out_rate" in objective.breached'}
    data = policy(upstream.address, objectives=[objective("spring", **GUARDED)], rules=[allow_all(), harmful])
    await world.publish(data)
    request = send(ADA, campaign="été 2026")
    assert (await told(agent.messages.SendMessage(request, metadata=SALES))).reason == ""
    await ObjectiveStore(world.redis).put("acme", {"spring": HALF})
    for each in world.gateways:
        await each.pipeline.progress.look(["acme"])
    refused = await told(agent.messages.SendMessage(request, metadata=SALES))
    assert refused.detail(details.ErrorInfo).metadata["rule"] == "harmful"
    await ObjectiveStore(world.redis).put("acme", {})
    for each in world.gateways:
        await each.pipeline.progress.look(["acme"])
    assert (await told(agent.messages.SendMessage(request, metadata=SALES))).reason == ""


async def test_an_agent_asks_the_gateway_for_its_objectives_and_how_they_stand(
    world: World, upstream: FakeUpstream
) -> None:
    stated = [
        objective("spring", **GUARDED),
        objective("theirs", tenant="globex"),
        objective("marketing", agents=["marketing-bot"], campaign="x"),
        objective("past", campaign="y", period={"first": "2024-01-01", "last": "2024-01-31"}),
    ]
    await ObjectiveStore(world.redis).put("acme", {"spring": HALF})
    await world.publish(policy(upstream.address, objectives=stated))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{world.gateways[0].port}") as channel:
        stub: Any = ObjectiveServiceStub(channel)
        first = await stub.ListObjectives(pb.ListObjectivesRequest(page_size=1), metadata=FRENCH)
        request = pb.ListObjectivesRequest(page_size=1, page_token=first.next_page_token)
        second = await stub.ListObjectives(request, metadata=FRENCH)
        found = [*first.objectives, *second.objectives]
        assert [each.name for each in found] == ["objectives/past", "objectives/spring"]
        assert second.next_page_token == ""
        assert [each.state for each in found] == [pb.OBJECTIVE_STATE_OVER, pb.OBJECTIVE_STATE_RUNNING]
        spring = found[1]
        assert (spring.title, spring.campaign, spring.budget.contacts) == ("Offre d’été", "ete-2026", 20)
        assert (spring.progress.value, spring.progress.contacts, spring.progress.share_of_target) == (0.025, 18, 0.5)
        assert [(each.measure, each.breached, each.low) for each in spring.guardrails] == [("opt_out_rate", True, 0.03)]
        for name, status in (
            ("objectives/theirs", grpc.StatusCode.NOT_FOUND),
            ("objectives/marketing", grpc.StatusCode.NOT_FOUND),
            ("spring", grpc.StatusCode.INVALID_ARGUMENT),
        ):
            ended = await told(stub.GetObjective(pb.GetObjectiveRequest(name=name), metadata=SALES))
            assert ended.code is status, name
        for wrong in (pb.ListObjectivesRequest(page_size=-1), pb.ListObjectivesRequest(page_token="?")):
            assert (await told(stub.ListObjectives(wrong, metadata=SALES))).code is grpc.StatusCode.INVALID_ARGUMENT
        nobody = await told(stub.ListObjectives(pb.ListObjectivesRequest()))
        assert nobody.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("mode", [MODERN, LEGACY])
async def test_objectives_are_resources_of_mcp_and_plain_http(world: World, upstream: FakeUpstream, mode: str) -> None:
    await ObjectiveStore(world.redis).put("acme", {"spring": HALF})
    await world.publish(policy(upstream.address, objectives=[objective("spring", **GUARDED)]))
    async with fronting(world) as port, client(port, mode=mode) as found, create_mcp_http_client() as http:
        (shown,) = (await found.list_resources()).resources
        assert (str(shown.uri), shown.title) == ("pilote://objectives/spring", "Summer offer")
        read = (await found.read_resource(str(shown.uri))).contents[0]
        assert json.loads(read.text)["progress"]["shareOfTarget"] == 0.5  # type: ignore[union-attr]
        for uri in ("pilote://objectives/none", "pilote://holds/x", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await found.read_resource(uri)
        answer = await http.get(f"http://127.0.0.1:{port}/v1/objectives", headers={"x-api-key": key_of("sales-bot")})
        assert [each["name"] for each in answer.json()["objectives"]] == ["objectives/spring"]
        assert (await http.get(f"http://127.0.0.1:{port}/v1/objectives")).status_code == 401
