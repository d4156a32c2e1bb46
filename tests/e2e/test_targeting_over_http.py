"""Programs read who is contacted too much or never, of tenants that are theirs, with corrections that can be tried."""

from typing import Any

import pytest

from services.control.access.rights import Role
from services.findings.targeting import TargetingStore
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.steering import steering
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream
from tests.services.findings.targetings import targeting

pytestmark = pytest.mark.one_store
NO_COAST = {"name": "no-coast", "operations": ["CONTACT"], "effect": "deny", "when": '"coast" in facts.segments'}


async def test_each_sees_their_tenants_only_and_what_could_be_tried_against_what_is_proven(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), NO_COAST], caps=[cap(3)]))
    async with steering(world, audit=auditor.address) as people:
        mine = {"acme": [Role.COPILOT]}
        nothing = {"targetings": [], "nextPageToken": ""}
        assert (await people.ask("GET", "/v1/targetings", roles=mine))[1] == nothing
        for tenant in ("acme", "globex"):
            await TargetingStore(world.redis).keep(targeting(tenant))
        status, told = await people.ask("GET", "/v1/targetings", roles=mine)
        (found,) = told["targetings"]
        assert (status, found["name"], found["endTime"]) == (200, "targetings/acme", "1971-01-29T00:00:00Z")
        tried = {(each["segment"], each["question"]): each["correction"] for each in found["skews"]}
        assert _edit(tried["gold", "much"])["value"] == {
            "name": "segment-gold", "segments": ["gold"], "max": 4, "window": "7d",
        }  # fmt: skip
        assert _edit(tried["country", "never"]) | {"kind": "set"} == {
            "kind": "set", "section": "caps", "name": "pressure", "path": ["max"], "value": 4, "after": None,
        }  # fmt: skip
        assert (tried["coast", "never"]["kind"], _edit(tried["coast", "never"])["value"]) == ("note", "monitor")
        # A consent is the customer's to change, and of what is not proven nothing is proposed.
        assert {name for name, each in tried.items() if each is None} == {
            ("islands", "never"), ("gold", "never"), ("few", "much"),
        }  # fmt: skip
        refused, _ = await people.ask("GET", "/v1/targetings?tenant=globex", roles=mine)
        assert refused == 403


def _edit(correction: Any) -> Any:
    (edit,) = correction["edits"]
    return edit
