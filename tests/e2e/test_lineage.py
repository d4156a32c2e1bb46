"""An action names the inference that led to it: whose version that was is recorded, and rules may ask for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from open_inference.grpc import service as oip_service

from services.crm.server import running as crm_running
from services.models.server import running as model_running
from tests.e2e.policy import scoring
from tests.e2e.requests import infer, send
from tests.e2e.world import Told, World, credential, told

NOBODY = "01a20fbbaf23734d984fc59139ee30ce"
NO_SUCH_CONTACT = "NOT_FOUND"
"""What the CRM itself says of the contact: the gateway has let the call through."""
CANARIES_READ = {
    "name": "canaries-only-read",
    "operations": ["CONTACT"],
    "when": 'call.lineage.arm == "challenger"',
    "effect": "deny",
}


class Traced:
    """The demonstration before a real CRM and two real versions of its model, with one agent that has no version."""

    def __init__(self, world: World, addresses: tuple[str, str, str]) -> None:
        self.world = world
        self._addresses = addresses
        make: Any = oip_service.GRPCInferenceServiceStub
        self._models = make(world.channel())

    async def publish(self, *rules: dict[str, Any], weights: tuple[int, int] = (9_000, 1_000), **sections: Any) -> None:
        data = scoring(self._addresses[0], self._addresses[1], crm=self._addresses[2], weights=weights)
        data["rules"] += rules
        for agent in data["agents"]:
            agent["version"] = "3.1" if agent["name"] == "sales-bot" else ""
            agent["labels"] = {"access": "contact"}
        await self.world.publish(data | sections)

    async def score(self, **asked: str) -> Told:
        return await told(self._models.ModelInfer(infer(**asked), metadata=credential("research-bot")))

    async def write(self, inference: str = "", *, agent: str = "marketing-bot", category: str = "service") -> Told:
        named = (("pilote-inference-id", inference),) if inference else ()
        request = send("contacts/ada", category=category)
        return await told(self.world.agent().messages.SendMessage(request, metadata=credential(agent, *named)))


@pytest.fixture
async def traced(empty_world: World, tmp_path: Path) -> AsyncIterator[Traced]:
    await empty_world.gateway()
    async with (
        crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as crm,
        model_running(listen="127.0.0.1:0", version="1", drain_seconds=1) as one,
        model_running(listen="127.0.0.1:0", version="2", drain_seconds=1) as two,
    ):
        yield Traced(empty_world, (f"127.0.0.1:{one}", f"127.0.0.1:{two}", f"127.0.0.1:{crm}"))


async def test_an_action_belongs_to_the_version_that_led_to_it(traced: Traced) -> None:
    await traced.publish(weights=(0, 10_000))
    scored = await traced.score(subject="contacts/ada")
    written = await traced.write(scored.decision)
    kept = (await traced.world.kept())[written.decision].record
    assert kept.lineage is not None
    assert (kept.lineage.model, kept.lineage.version, kept.version) == ("lead-score", "2", "2")
    assert (kept.lineage.route, kept.lineage.arm) == ("scoring", "challenger")


async def test_a_canary_may_infer_but_what_follows_from_it_may_not_contact(traced: Traced) -> None:
    await traced.publish(CANARIES_READ)
    champion, challenger = await traced.score(version="1"), await traced.score(version="2")
    assert challenger.code is grpc.StatusCode.OK
    refused = await traced.write(challenger.decision)
    assert (refused.reason, refused.detail(error_details_pb2.ErrorInfo).metadata["rule"]) == (
        "POLICY_DENIED",
        "canaries-only-read",
    )
    passed = await traced.write(champion.decision)
    assert passed.reason == NO_SUCH_CONTACT


async def test_a_contact_that_must_name_an_inference_is_refused_without_a_known_one(traced: Traced) -> None:
    await traced.publish(lineage={"required_for": ["CONTACT"]})
    for named in ("", NOBODY):
        refused = await traced.write(named)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LINEAGE_UNKNOWN")
        assert "PreconditionFailure" in refused.kinds
    scored = await traced.score(subject="contacts/ada")
    assert (await traced.write(scored.decision)).reason == NO_SUCH_CONTACT


async def test_what_is_exempt_and_who_has_a_version_of_their_own_need_name_none(traced: Traced) -> None:
    await traced.publish(lineage={"required_for": ["CONTACT"]})
    assert (await traced.write(category="transactional")).reason == NO_SUCH_CONTACT
    assert (await traced.write(agent="sales-bot")).reason == NO_SUCH_CONTACT


async def test_a_version_that_was_taken_out_of_the_policy_leads_to_nothing_any_more(traced: Traced) -> None:
    await traced.publish()
    scored = await traced.score(version="2")
    data = scoring("127.0.0.1:1", "127.0.0.1:1", crm="127.0.0.1:1")
    for agent in data["agents"]:
        agent["labels"] = {"access": "contact"}
    del data["models"][0]["versions"][1]
    data["routes"][1]["arms"] = [{"name": "champion", "version": "1"}]
    await traced.world.publish(data)
    refused = await traced.write(scored.decision)
    assert (refused.reason, refused.detail(error_details_pb2.ErrorInfo).metadata["inference"]) == (
        "LINEAGE_UNKNOWN",
        f"decisions/{scored.decision}",
    )


async def test_another_tenant_cannot_name_an_inference(traced: Traced) -> None:
    await traced.publish(lineage={"required_for": ["CONTACT"]})
    scored = await traced.score(subject="contacts/ada")
    known = [
        tenant
        for tenant in ("acme", "rival")
        if await traced.world.redis.exists(f"pilote:{{{tenant}/0}}:inference:{scored.decision}")
    ]
    assert known == ["acme"]


async def test_a_refused_inference_leads_to_nothing(traced: Traced) -> None:
    await traced.publish({"name": "no-scores", "operations": ["INFER"], "effect": "deny"})
    refused = await traced.score(subject="contacts/ada")
    assert refused.reason == "POLICY_DENIED"
    assert await traced.world.redis.exists(f"pilote:{{acme/0}}:inference:{refused.decision}") == 0


async def test_a_call_that_waits_for_a_person_can_still_be_traced_when_it_is_made(traced: Traced) -> None:
    hold = {"name": "people-look", "operations": ["CONTACT"], "effect": "hold"}
    await traced.publish(hold, lineage={"keep": "1m"}, holds={"expires": "24h"})
    scored = await traced.score(subject="contacts/ada")
    assert (await traced.write(scored.decision)).reason == "APPROVAL_REQUIRED"
    left_ms = await traced.world.redis.pttl(f"pilote:{{acme/0}}:inference:{scored.decision}")
    assert left_ms > 24 * 3_600_000
