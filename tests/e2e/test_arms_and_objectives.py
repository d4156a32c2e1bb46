"""From calls through a gateway to sums of arms and alerts of routes, all of it real but the upstream."""

import grpc
from google.protobuf.duration_pb2 import Duration

from pilote.audit.v1 import arms_pb2
from pilote.audit.v1 import objectives_pb2 as objectives
from pilote.decision.v1.decision_service_pb2 import Outcome, ReportOutcomesRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.policy import policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Auditor, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream, answering, failing

SALES = credential("sales-bot")
ESP = credential("marketing-bot")


async def test_outcomes_of_contacts_are_summed_by_the_arm_that_made_them(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    arms = [{"name": name, "upstream": "crm", "weight": 5_000} for name in ("calm", "bold")]
    route = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}
    await world.publish(policy(upstream.address, routes=[route]))
    by_arm: dict[str, list[str]] = {"calm": [], "bold": []}
    for number in range(24):
        customer = f"contacts/cnt_{number}"
        sent = await told(agent.messages.SendMessage(send(customer, category="service"), metadata=SALES))
        kept = (await world.settled(number + 1))[-1]
        by_arm[kept.record.arm].append(sent.decision)
    told_of = [Outcome(decision=f"decisions/{each}", type="complained", event_id="1") for each in by_arm["bold"]]
    told_of += [Outcome(decision=f"decisions/{each}", type="opened", event_id="1") for each in by_arm["calm"]]
    stub = DecisionServiceStub(agent.channel)
    for _ in range(2):
        await told(stub.ReportOutcomes(ReportOutcomesRequest(outcomes=told_of), metadata=ESP))

    async with auditing(world.redis_url, world.home) as auditor:
        request = arms_pb2.SummarizeArmsRequest(
            tenant="acme",
            route="crm",
            measures=["complaint_rate", "open_rate", "error_rate"],
            attribution_window=Duration(seconds=3_600),
        )

        async def summed() -> dict[str, arms_pb2.ArmSummary] | None:
            answer = await auditor.stub.SummarizeArms(request)
            done = sum(measure.y for arm in answer.arms for measure in arm.measures) == 24
            return {arm.arm: arm for arm in answer.arms} if done else None

        found = await eventually(summed, what="sums of all outcomes")
    assert {name: arm.subjects for name, arm in found.items()} == {name: len(own) for name, own in by_arm.items()}
    assert [(each.y, each.d) for each in found["bold"].measures] == [
        *((len(by_arm["bold"]), len(by_arm["bold"])), (0, len(by_arm["bold"])), (0, len(by_arm["bold"]))),
    ]
    assert [each.y for each in found["calm"].measures] == [0, len(by_arm["calm"]), 0]
    assert all(len(own) > 3 for own in by_arm.values())


async def _standing(auditor: Auditor, *, calls: int, bad: int) -> objectives.Objective:
    """How the one objective stands, once so many calls are counted, of which so many have failed."""

    async def look() -> objectives.Objective | None:
        found = (await auditor.stub.GetObjectives(objectives.GetObjectivesRequest())).objectives
        # A call is counted when it is admitted, and as a bad one once it has ended.
        counted = [(each.windows[0].calls, each.windows[0].bad) for each in found]
        return found[0] if counted == [(calls, bad)] else None

    return await eventually(look, what=f"an objective with {calls} calls, {bad} of them bad")


async def test_a_route_that_fails_raises_an_alert_and_refusals_do_not(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    route = {
        "name": "crm",
        "methods": ["/pilote.crm.v1.*"],
        "arms": [{"name": "crm", "upstream": "crm"}],
        "objectives": {"availability": 99.9},
    }
    no = {"name": "no-mail", "effect": "deny", "methods": ["/pilote.crm.v1.MessageService/SendMessage"]}
    rules = [*policy(upstream.address)["rules"], no]
    await world.publish(policy(upstream.address, routes=[route], rules=rules))
    async with auditing(world.redis_url, world.home) as auditor:
        upstream.behave = answering(b"")
        for _ in range(10):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        upstream.behave = failing(grpc.StatusCode.NOT_FOUND)  # an answer
        for _ in range(2):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
            await told(
                agent.messages.SendMessage(send(), metadata=SALES)
            )  # refused by the policy: no call of the route
        good = await _standing(auditor, calls=12, bad=0)
        upstream.behave = failing(grpc.StatusCode.UNAVAILABLE)
        for _ in range(3):
            await told(agent.contacts.GetContact(get(), metadata=SALES))
        bad = await _standing(auditor, calls=15, bad=3)

    assert (good.state, good.budget_left) == (objectives.OBJECTIVE_STATE_MET, 1)
    assert bad.state == objectives.OBJECTIVE_STATE_ALERT
    assert bad.alerts[0].severity == objectives.ALERT_SEVERITY_PAGE
