"""Rollouts, all real but the upstreams: calls through a gateway, their sums, the controller, the next revision."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest

from gateway.adapters.revisions import RevisionStore
from gateway.core.movement import rollouts_in
from gateway.core.policy.learning import Rollout
from gateway.core.rollouts import Act
from pilote.audit.v1 import arms_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.decision.v1.decision_service_pb2 import Outcome, ReportOutcomesRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from services.rollouts.controller import Controller
from services.rollouts.moves import Rollouts
from tests.e2e.policy import Data, allow_all, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Auditor, World, auditing, credential, together, told
from tests.fakes.upstream import Asked, FakeUpstream, answering, failing, fake_upstream
from tests.services.ports import free

SALES = credential("sales-bot")
MINUTE_MS = 60_000
AT_A_TIME = 100


class Ramp:
    """A gateway before two versions of the CRM, the audit service, and a rollout from one to the other."""

    def __init__(self, world: World, auditor: Auditor, *, old: FakeUpstream, new: FakeUpstream) -> None:
        self.world = world
        self.auditor = auditor
        self.old = old
        self.new = new
        self.store = RevisionStore(world.redis)
        self.ahead_ms = 0
        self._agent = world.agent()
        self._calls = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def controller(self, audit: Any = None) -> Controller:
        return Controller(self.store, audit or self.auditor.stub, clock_ms=self.now_ms)

    async def publish(self, *, route: Data | None = None, rules: Sequence[Data] = (), **rollout: Any) -> None:
        arms = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm-2", "weight": 0}]
        measured = {"success": [{"measure": "error_rate", "margin": 0.3}], "guardrails": [{"measure": "error_rate"}]}
        data = policy(
            self.old.address,
            routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms} | (route or {})],
            rules=list(rules) or [allow_all()],
            rollouts=[{"name": "up", "route": "crm", "arm": "new", "against": "old", **measured, **rollout}],
        )
        data["upstreams"].append({"name": "crm-2", "address": self.new.address, "timeout": "10s"})
        await self.world.publish(data)

    async def do(self, what: Act) -> None:
        rollouts = Rollouts(self.world.redis, language="en", clock_ms=self.now_ms)
        number, _ = await rollouts.do("up", what, reason=f"{what} it", by="")
        await self.world.wait_for(number)

    async def look(self) -> Rollout:
        """Let the controller look, and every gateway hear of what it did; the rollout as it stands now."""
        await self.controller().look()
        await self.world.wait_for(await self.store.active())
        return await self.rollout()

    async def rollout(self) -> Rollout:
        published = await self.store.read(await self.store.active())
        assert published is not None
        return rollouts_in(bytes(published.document))[0]

    async def call(self, people: Sequence[int], *, at_a_time: int = AT_A_TIME) -> set[int]:
        """Each of these people is read once; those whom the candidate served, once all of it is summed."""
        before = len(self.new.asked)
        for first in range(0, len(people), at_a_time):
            batch = people[first : first + at_a_time]
            await together(*(self._agent.contacts.GetContact(get(f"contacts/cnt_{n}"), metadata=SALES) for n in batch))
        self._calls += len(people)
        await self.summed()
        served = [asked.messages[0] for asked in self.new.asked[before:]]
        return {int(message.decode().rpartition("_")[2]) for message in served}

    async def summed(self) -> None:
        """Wait until the audit service has all calls, and how they ended."""
        request = arms_pb2.SummarizeArmsRequest(tenant="acme", route="crm", measures=["error_rate", "refusal_rate"])

        async def look() -> bool | None:
            arms = (await self.auditor.stub.SummarizeArms(request)).arms
            ended = sum(failures.d + refusals.y for failures, refusals in (arm.measures for arm in arms))
            lone = sum(arm.subjects for arm in arms)
            return (sum(arm.calls for arm in arms) == self._calls and ended >= lone) or None

        await eventually(look, what=f"{self._calls} calls summed")


@pytest.fixture
async def ramp(world: World, upstream: FakeUpstream) -> AsyncIterator[Ramp]:
    async with auditing(world.redis_url, world.home) as auditor, fake_upstream() as candidate:
        yield Ramp(world, auditor, old=upstream, new=candidate)


async def test_a_good_candidate_takes_over_step_by_step_and_nobody_leaves_it(ramp: Ramp) -> None:
    people = range(1_400)
    shares = ({"share": share, "hold": "1ms", "min_sample": 500} for share in (4_000, 6_000, 10_000))
    await ramp.publish(steps=list(shares))
    assert await ramp.call(people[:100]) == set()
    await ramp.do("start")
    served: list[set[int]] = []
    while (await ramp.rollout()).state == "running":
        served.append(await ramp.call(people))
        step = (await ramp.rollout()).step
        moved = await ramp.look()
        assert moved.step == step + (moved.state == "running")
    served.append(await ramp.call(people[:100]))
    assert (await ramp.rollout()).state == "completed"
    assert [len(each) for each in served[2:]] == [1_400, 100]
    assert 490 < len(served[0]) < 630
    assert served[0] < served[1] < served[2]
    reasons = [await ramp.store.read(number) for number in range(2, await ramp.store.active() + 1)]
    proven = "up: The candidate is proven not to be worse than its margins allow."
    assert [each.reason for each in reasons if each] == [
        "",
        "up: start it",
        proven,
        proven,
        "up: The candidate has served everybody for as long as the last step asks.",
    ]


async def test_a_harmful_candidate_is_rolled_back_and_gets_no_call_any_more(ramp: Ramp) -> None:
    await ramp.publish(steps=[{"share": 3_000}, {"share": 10_000}])
    await ramp.do("start")
    ramp.old.behave, ramp.new.behave = answering(b""), failing(grpc.StatusCode.UNAVAILABLE)
    assert len(await ramp.call(range(300))) > 50
    after = await ramp.look()
    assert (after.state, after.cause, after.about) == ("rolled_back", "harm", ("error_rate",))
    assert await ramp.call(range(300)) == set()
    assert await ramp.look() == after


async def test_a_candidate_whose_calls_the_rules_refuse_is_rolled_back(ramp: Ramp) -> None:
    canaries = {"name": "no-canary", "effect": "deny", "when": 'route.rollout != ""'}
    steps = [{"share": 3_000}, {"share": 10_000}]
    await ramp.publish(guardrails=[{"measure": "refusal_rate"}], steps=steps, rules=[allow_all(), canaries])
    await ramp.do("start")
    assert await ramp.call(range(300)) == set()
    after = await ramp.look()
    assert (after.state, after.about) == ("rolled_back", ("refusal_rate",))


async def test_a_slower_candidate_is_rolled_back(ramp: Ramp) -> None:
    slower = [{"measure": "latency_ms", "margin": 1, "relative": True}]
    await ramp.publish(guardrails=slower, steps=[{"share": 5_000, "hold": "1d"}, {"share": 10_000}])
    await ramp.do("start")

    async def slow(_asked: Asked, _context: Any) -> bytes:
        await asyncio.sleep(1)
        return b""

    ramp.new.behave = slow
    await ramp.call(range(1_200), at_a_time=200)
    after = await ramp.look()
    assert (after.state, after.about) == ("rolled_back", ("latency_ms",))


@pytest.mark.parametrize(("measure", "outcome"), [("opt_out_rate", "unsubscribed"), ("complaint_rate", "complained")])
async def test_a_candidate_whose_contacts_people_do_not_want_is_rolled_back(
    ramp: Ramp, agent: Agent, measure: str, outcome: str
) -> None:
    await ramp.publish(guardrails=[{"measure": measure}], steps=[{"share": 3_000}, {"share": 10_000}])
    await ramp.do("start")
    sent = await together(
        *(agent.messages.SendMessage(send(f"contacts/cnt_{n}", category="service"), metadata=SALES) for n in range(300))
    )
    kept = {each.record.id: each.record.arm for each in await ramp.world.settled(300)}
    assert {each.code for each in sent} == {grpc.StatusCode.OK}
    told_of = [
        Outcome(decision=f"decisions/{decision}", type=outcome if arm == "new" else "opened", event_id="1")
        for decision, arm in kept.items()
    ]
    esp = DecisionServiceStub(agent.channel).ReportOutcomes
    await told(esp(ReportOutcomesRequest(outcomes=told_of), metadata=credential("marketing-bot")))

    async def rolled_back() -> Rollout | None:
        found = await ramp.look()
        return found if found.state == "rolled_back" else None

    assert (await eventually(rolled_back, what="a roll-back")).about == (measure,)


async def test_a_candidate_whose_calls_another_arm_must_answer_is_rolled_back_though_nobody_saw_a_failure(
    ramp: Ramp,
) -> None:
    await ramp.publish(route={"fallback": ["old"]}, steps=[{"share": 3_000}, {"share": 10_000}])
    await ramp.do("start")
    ramp.old.behave, ramp.new.behave = answering(b""), failing(grpc.StatusCode.UNAVAILABLE)
    await ramp.call(range(300))
    assert len(ramp.old.asked) == 300
    after = await ramp.look()
    assert (after.state, after.about) == ("rolled_back", ("error_rate",))


async def test_a_candidate_of_whom_nothing_is_proven_stays_where_it_is(ramp: Ramp) -> None:
    narrow = [{"measure": "error_rate", "margin": 0.001}]
    await ramp.publish(success=narrow, steps=[{"share": 5_000, "hold": "1ms", "min_sample": 500}, {"share": 10_000}])
    await ramp.do("start")
    await ramp.call(range(1_200))
    before = await ramp.store.active()
    (standing,) = await ramp.controller().look()
    assert standing.wait is not None
    assert (standing.wait.code, standing.wait.about) == ("unproven", ("error_rate",))
    assert await ramp.store.active() == before


async def test_while_the_audit_service_is_away_a_rollout_neither_goes_on_nor_back(ramp: Ramp) -> None:
    await ramp.publish(steps=[{"share": 5_000, "hold": "1ms", "min_sample": 500}, {"share": 10_000}])
    await ramp.do("start")
    await ramp.call(range(1_200))
    before = await ramp.store.active()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{free(1)[0]}") as nobody:
        (standing,) = await ramp.controller(AuditServiceStub(nobody)).look()
    assert standing.problem
    assert await ramp.store.active() == before
    assert (await ramp.look()).step == 1


async def test_an_outcome_that_nobody_reports_any_more_pauses_it(ramp: Ramp, world: World, agent: Agent) -> None:
    watched = [{"measure": "complaint_rate"}]
    await ramp.publish(guardrails=watched, success=[], steps=[{"share": 5_000}, {"share": 10_000}], stale_after="1h")
    ramp.ahead_ms = -61 * MINUTE_MS
    await ramp.do("start")
    sent = [
        await told(agent.messages.SendMessage(send(f"contacts/cnt_{n}", category="service"), metadata=SALES))
        for n in range(10)
    ]
    ramp.ahead_ms = 40 * MINUTE_MS
    await eventually(lambda: _heard_of(ramp, 10), what="ten contacts")
    stale = await ramp.look()
    assert (stale.state, stale.share, stale.about) == ("paused", 5_000, ("complaint_rate",))

    opened = [Outcome(decision=f"decisions/{each.decision}", type="opened", event_id="1") for each in sent]
    esp = DecisionServiceStub(agent.channel).ReportOutcomes
    await told(esp(ReportOutcomesRequest(outcomes=opened), metadata=credential("marketing-bot")))

    async def arrived() -> bool | None:
        found = (await ramp.auditor.stub.SummarizeArms(summary)).arms
        return all(any(each.HasField("last_time") for each in arm.measures) for arm in found) or None

    summary = arms_pb2.SummarizeArmsRequest(tenant="acme", route="crm", measures=["complaint_rate"])
    await eventually(arrived, what="reports in the log")
    ramp.ahead_ms = -61 * MINUTE_MS
    await ramp.do("resume")
    ramp.ahead_ms = 40 * MINUTE_MS

    async def waits() -> bool | None:
        (standing,) = await ramp.controller().look()
        judged = standing.judged
        return (judged is not None and all(arm.heard_ms for arm in judged.arms.values())) or None

    await eventually(waits, what="reports of both arms")
    assert (await ramp.rollout()).state == "running"


async def _heard_of(ramp: Ramp, calls: int) -> bool | None:
    request = arms_pb2.SummarizeArmsRequest(tenant="acme", route="crm")
    return sum(arm.calls for arm in (await ramp.auditor.stub.SummarizeArms(request)).arms) == calls or None


async def test_a_step_with_approval_waits_for_a_person(ramp: Ramp) -> None:
    steps = [{"share": 5_000, "hold": "1ms", "min_sample": 500, "approval": True}, {"share": 10_000, "hold": "1ms"}]
    await ramp.publish(steps=steps)
    await ramp.do("start")
    await ramp.call(range(1_200))
    assert (await ramp.look()).state == "ready"
    assert (await ramp.look()).state == "ready"
    await ramp.do("approve")
    assert await ramp.call(range(50)) == set(range(50))
