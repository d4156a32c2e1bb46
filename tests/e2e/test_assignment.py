"""Who gets what, through real gateways: conditions, aliases, sessions, experiments, rollouts."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from open_inference.grpc import protocol as oip

from gateway.adapters import facts as fact_store
from gateway.core.assignment import point
from gateway.core.call import Facts
from gateway.core.explain import explain
from gateway.core.record import Exposure, session_ref, subject_ref
from gateway.wire.reading import entries_in
from pilote.decision.v1.decision_service_pb2 import EvaluateCallRequest
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub
from tests.e2e.policy import INFER, Data, cap, policy, scoring
from tests.e2e.requests import ADA, infer, one_by_one, send, send_one
from tests.e2e.world import KEY, Agent, Auditor, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream

SALES = credential("sales-bot")
TONE: Data = {
    "name": "tone",
    "arms": [{"name": "plain", "weight": 5000}, {"name": "warm", "weight": 5000}],
    "operations": ["CONTACT"],
}
MODEL: Data = {
    "name": "better-model",
    "route": "scoring",
    "arms": [
        {"name": "old", "weight": 5000, "arm": "champion"},
        {"name": "new", "weight": 5000, "arm": "candidate"},
    ],
}


def ref(name: str) -> str:
    return subject_ref(KEY, tenant="acme", subject=name)


def variation(name: str, *, experiment: Data = TONE) -> str:
    """The variation that the documented hash gives a customer."""
    first, second = experiment["arms"]
    return str(first["name"] if point(experiment["name"], ref(name)) < 5000 else second["name"])


class Models:
    """One gateway before models of three versions; the third has no weight."""

    def __init__(self, world: World, versions: list[FakeUpstream]) -> None:
        self.world = world
        self.versions = versions
        self._infer: Any = world.channel().unary_unary(INFER)

    async def use(self, *, route: Data | None = None, **sections: Any) -> None:
        one, two, three = (fake.address for fake in self.versions)
        data = scoring(one, two, crm=three)
        data["upstreams"].append({"name": "lead-score-3", "address": three, "version": "2026.11"})
        data["models"][0]["versions"].append({"version": "3", "upstream": "lead-score-3", "prompt": "scorer@4"})
        data["models"][0]["aliases"] = {"champion": "1", "challenger": "2"}
        data["prompts"] = [{"name": "scorer", "versions": [{"version": "4", "text": "Score."}]}]
        data["routes"][1]["arms"].append({"name": "candidate", "version": "3", "weight": 0})
        data["routes"][1] |= route or {}
        await self.world.publish(data | sections)

    async def infer(self, *, agent: str = "research-bot", session: str = "", **asked: str) -> Told:
        more = [("pilote-session-id", session)] if session else []
        request = infer(**asked).SerializeToString()
        return await told(self._infer(request, metadata=credential(agent, *more)))

    def arrived(self) -> list[list[str]]:
        """The versions that each upstream was asked for."""
        return [
            [oip.ModelInferRequest.FromString(each).model_version for each in fake.messages] for fake in self.versions
        ]


@pytest.fixture
async def models(empty_world: World, upstream: FakeUpstream) -> AsyncIterator[Models]:
    await empty_world.gateway()
    async with fake_upstream() as two, fake_upstream() as three:
        yield Models(empty_world, [upstream, two, three])


async def test_every_version_that_arrives_is_a_real_one_whatever_the_caller_or_the_policy_writes(
    models: Models,
) -> None:
    arms = [
        {"name": "champion", "version": "@champion", "weight": 5000},
        {"name": "challenger", "version": "@challenger", "weight": 5000},
    ]
    await models.use(route={"arms": arms})
    for n in range(30):
        await models.infer(subject=f"contacts/c-{n}")
    for version in ("@champion", "@challenger", "1", "2"):
        assert (await models.infer(version=version)).code is grpc.StatusCode.OK
    one, two, three = models.arrived()
    assert (set(one), set(two), three) == ({"1"}, {"2"}, [])
    assert len(one) + len(two) == 34


@pytest.mark.parametrize("version", ["3", "@nobody", "@", "champion"])
async def test_what_nobody_may_ask_for_reaches_nobody(models: Models, version: str) -> None:
    await models.use()
    ended = await models.infer(subject=ADA, version=version)
    assert (ended.code, ended.reason) == (grpc.StatusCode.NOT_FOUND, "ROUTE_NOT_FOUND")
    assert models.arrived() == [[], [], []]


async def test_an_alias_that_moves_moves_the_calls_with_it(models: Models) -> None:
    await models.use(route={"arms": [{"name": "only", "version": "@champion"}]})
    assert (await models.infer(subject=ADA)).trailers["pilote-version"] == "1"
    await models.use(route={"arms": [{"name": "only", "version": "@challenger"}]})
    assert (await models.infer(subject=ADA)).trailers["pilote-version"] == "2"


async def test_a_session_keeps_its_arm_and_only_its_pseudonym_is_recorded(models: Models) -> None:
    await models.use(route={"sticky": "session"})
    for n in range(8):
        versions = {
            (await models.infer(subject=f"contacts/c-{i}", session=f"s-{n}")).trailers["pilote-version"]
            for i in range(4)
        }
        assert len(versions) == 1
    kept = await models.world.settled(32)
    wanted = {session_ref(KEY, tenant="acme", session=f"s-{n}") for n in range(8)}
    assert {each.record.unit_ref for each in kept} == wanted
    for fake in models.versions:
        assert all(not asked.values("pilote-session-id") for asked in fake.asked)


async def test_a_session_that_cannot_be_governed_is_refused_by_its_name(models: Models) -> None:
    await models.use()
    ended = await models.infer(session="a b")
    assert (ended.code, ended.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert "session" in ended.text


async def test_a_customer_who_was_deleted_and_created_anew_keeps_the_arm(models: Models) -> None:
    await models.use()
    for n in range(20):
        first = await models.infer(subject=f"contacts/old-{n}")
        facts = Facts(unit=ref(f"contacts/old-{n}"))
        await fact_store.put(models.world.redis, "acme", subject_ref=ref(f"contacts/new-{n}"), facts=facts)
        again = await models.infer(subject=f"contacts/new-{n}")
        assert again.trailers["pilote-version"] == first.trailers["pilote-version"]
    kept = await models.world.settled(40)
    units = [each.record.unit_ref for each in kept if each.record.unit_ref]
    assert units == [ref(f"contacts/old-{n}") for n in range(20)]


async def test_an_experiment_chooses_the_arm_and_the_caller_and_the_record_hear_of_it(
    models: Models, auditor: Auditor
) -> None:
    await models.use(experiments=[MODEL])
    for n in range(12):
        name = f"contacts/c-{n}"
        ended = await models.infer(subject=name)
        shown = variation(name, experiment=MODEL)
        assert ended.trailers["pilote-exposures"] == f"better-model={shown}"
        assert ended.trailers["pilote-version"] == {"old": "1", "new": "3"}[shown]
    kept = await models.world.settled(12)
    assert {each.record.exposures for each in kept} == {(Exposure("better-model", each),) for each in ("old", "new")}
    new = next(each.record for each in kept if each.record.version == "3")
    assert (new.prompt, new.connector_version, new.arm) == ("scorer@4", "2026.11", "candidate")
    told_of = await auditor.decision(new.id)
    assert [(each.experiment, each.variation) for each in told_of.exposures] == [("better-model", "new")]
    assert (told_of.prompt, told_of.connector_version) == ("scorer@4", "2026.11")
    record, outcome, settlement = entries_in(told_of)
    names = ("exposures", "rollout", "prompt", "connector_version", "unit_ref")
    assert [getattr(record, name) for name in names] == [getattr(new, name) for name in names]
    sentences = explain(record, outcome, settlement=settlement)
    assert "It fell to the variation new of the experiment better-model." in sentences
    assert {"The prompt was scorer@4.", "lead-score-3 was at version 2026.11."} <= set(sentences)


async def test_a_stopped_experiment_shows_nobody_anything(models: Models) -> None:
    await models.use(experiments=[MODEL | {"state": "stopped"}])
    ended = await models.infer(subject=ADA)
    assert "pilote-exposures" not in ended.trailers
    (kept,) = await models.world.settled(1)
    assert kept.record.exposures == ()


ROLLOUT: Data = {"name": "up", "route": "scoring", "arm": "candidate", "against": "champion", "state": "running"}


async def test_a_rollout_widens_and_nobody_leaves_it(models: Models) -> None:
    names = [f"contacts/c-{n}" for n in range(60)]
    inside: set[str] = set()
    for share in (1000, 4000, 10_000):
        await models.use(rollouts=[ROLLOUT | {"steps": [{"share": share}]}])
        ended = {name: await models.infer(subject=name) for name in names}
        now = {name for name in names if ended[name].trailers["pilote-version"] == "3"}
        assert now == {name for name in names if point("up", ref(name)) < share}
        assert inside <= now
        inside = now
    kept = await models.world.settled(180)
    assert {each.record.rollout for each in kept if each.record.arm == "candidate"} == {"up"}
    assert {each.record.rollout for each in kept if each.record.arm != "candidate"} == {""}


async def test_a_canary_may_infer_and_a_rule_denies_what_it_must_not_do(models: Models) -> None:
    denial = {
        "name": "canary-may-not-score-lawyers",
        "methods": [INFER],
        "when": 'route.rollout == "up" && request.id == "r-1" && agent.name == "sales-bot"',
        "effect": "deny",
    }
    rules = [{"name": "all", "effect": "allow"}, denial]
    await models.use(rollouts=[ROLLOUT | {"steps": [{"share": 5000}]}], rules=rules)
    for n in range(20):
        name = f"contacts/c-{n}"
        inside = point("up", ref(name)) < 5000
        assert (await models.infer(subject=name)).code is grpc.StatusCode.OK
        ended = await models.infer(subject=name, agent="sales-bot")
        assert ended.reason == ("POLICY_DENIED" if inside else "")


async def test_a_contact_exposes_once_and_a_repeat_exposes_nobody_anew(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, experiments=[TONE]))
    first, again = [
        await told(agent.messages.SendMessage(send(ADA, request_id="k-1"), metadata=SALES)) for _ in range(2)
    ]
    assert first.trailers["pilote-exposures"] == f"tone={variation(ADA)}"
    assert "pilote-exposures" not in again.trailers
    one, repeat = await world.settled(2)
    assert one.record.exposures == (Exposure("tone", variation(ADA)),)
    assert (repeat.outcome.first, repeat.record.exposures) == (one.record.id, ())
    assert repeat.record.subject_ref == one.record.subject_ref


async def test_a_refused_call_tells_the_caller_of_no_variation_and_the_record_keeps_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, experiments=[TONE], caps=[cap(0)]))
    ended = await told(agent.messages.SendMessage(send(), metadata=SALES))
    assert ended.reason == "CAP_EXCEEDED"
    assert "pilote-exposures" not in ended.trailers
    (kept,) = await world.settled(1)
    assert kept.record.exposures == (Exposure("tone", variation(ADA)),)


async def test_an_evaluation_says_the_variation_in_words_and_exposes_nobody(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, experiments=[TONE]))
    method = "/pilote.crm.v1.MessageService/SendMessage"
    request = EvaluateCallRequest(method=method, request=send().SerializeToString())
    evaluate = DecisionServiceStub(agent.channel).EvaluateCall
    answer = (await told(evaluate(request, metadata=credential("sales-bot", ("accept-language", "fr"))))).response
    assert [(each.experiment, each.variation) for each in answer.decision.exposures] == [("tone", variation(ADA))]
    assert f"Il relevait de la variante {variation(ADA)} de l’expérience tone." in answer.explanation
    assert await world.kept() == {}


async def test_each_message_of_a_stream_exposes_its_own_customer(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, experiments=[TONE]))
    names = [f"contacts/c-{n}" for n in range(6)]
    messages = [send_one(name, request_id=name) for name in names]
    ended = await told(agent.messages.SendMessages(one_by_one(messages), metadata=SALES))
    assert ended.code is grpc.StatusCode.OK
    kept = {each.record.subject_ref: each.record.exposures for each in await world.settled(6)}
    assert kept == {ref(name): (Exposure("tone", variation(name)),) for name in names}


async def test_a_contact_that_is_moved_to_another_channel_takes_that_channels_route(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    async with fake_upstream() as texting:
        upstreams = [{"name": "crm", "address": upstream.address}, {"name": "sms", "address": texting.address}]
        routes = [
            {
                "name": "texts",
                "methods": ["/pilote.crm.v1.*"],
                "when": 'call.channel == "sms"',
                "arms": [{"name": "sms", "upstream": "sms"}],
            },
            {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm"}]},
        ]
        caps = [cap(0, channels=["email"], on_exceed="downgrade", downgrade_to="sms")]
        await world.publish(policy(upstream.address, upstreams=upstreams, routes=routes, caps=caps))
        ended = await told(agent.messages.SendMessage(send(), metadata=SALES))
        assert (ended.code, ended.trailers["pilote-channel"]) == (grpc.StatusCode.OK, "sms")
        assert (len(upstream.messages), len(texting.messages)) == (0, 1)
        _, moved = await world.settled(2)
        assert (moved.record.route, moved.record.upstream) == ("texts", "sms")
