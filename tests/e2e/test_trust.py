"""Gateways run only what people whom they trust have agreed to, whatever stands in the store."""

import logging
from typing import Any

import grpc
import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.workers import Report, Workers
from gateway.core import keys
from gateway.core.authority import authority_in
from tests.e2e.policy import Data, policy
from tests.e2e.requests import get
from tests.e2e.waiting import eventually, until
from tests.e2e.world import World, credential, told
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE, entry, person, published

SALES = credential("sales-bot")
NOBODY: Data = {"rules": [{"name": "none", "effect": "deny"}]}


class Press:
    """Publishes signed policies, or what somebody else would like to."""

    def __init__(self, world: World, crm: str) -> None:
        self.world = world
        self.store = RevisionStore(world.redis)
        self.crm = crm

    async def publish(self, *approvers: str, author: str = "ada", people: Any = PEOPLE, **sections: Any) -> int:
        """Activate a policy as these people have signed it; does not wait."""
        document = self.world.document(policy(self.crm, people=people, **sections))
        base = await self.store.active()
        revision = published(document, author=author)
        return await self.store.add(
            revision, entry(revision, *approvers, base=base, before=await self.store.entry(base))
        )

    async def reported(self, number: int, *, refused: int | None = None) -> Report:
        """The report of the one worker, once it says this."""

        async def look() -> Report | None:
            for report in await Workers(self.world.redis).all():
                refuses = None if report.refused is None else report.refused.revision
                if (report.revision, refuses) == (number, refused):
                    return report
            return None

        return await eventually(look, what=f"a report of {number}, refusing {refused}")


@pytest.fixture
async def press(empty_world: World, upstream: FakeUpstream) -> Press:
    """A gateway that runs a policy with people, as revision 1."""
    await empty_world.gateway()
    press = Press(empty_world, upstream.address)
    await press.publish("bob")
    await empty_world.wait_for(1)
    return press


async def asked(press: Press) -> tuple[grpc.StatusCode, str]:
    """How a call ends, and the revision it went by."""
    ended = await told(press.world.agent().contacts.GetContact(get(), metadata=SALES))
    return ended.code, str(ended.trailers["pilote-revision"])


async def test_what_was_signed_and_approved_runs_and_the_worker_says_so(press: Press) -> None:
    await press.publish("eve", author="dan")
    await press.world.wait_for(2)
    report = await press.reported(2)
    assert report.worker.startswith("gateway-")
    assert (report.sha256, report.refused) == (press.world.gateways[0].pipeline.revision.sha256, None)  # type: ignore[union-attr]
    assert await asked(press) == (grpc.StatusCode.OK, "2")


@pytest.mark.parametrize(
    "case",
    [
        ("", (), PEOPLE, "unsigned"),
        ("ada", (), PEOPLE, "approvals"),
        ("ada", ("ada",), PEOPLE, "approvals"),
        ("mallory", ("mallet",), [person("mallory"), person("mallet")], "author"),
        ("", (), [], "unsigned"),
    ],
)
async def test_what_was_not_is_refused_told_and_does_not_stop_what_runs(
    press: Press, caplog: pytest.LogCaptureFixture, case: tuple[str, tuple[str, ...], Any, str]
) -> None:
    author, approvers, people, why = case
    with caplog.at_level(logging.ERROR):
        number = await press.publish(*approvers, author=author, people=people, **NOBODY)
        report = await press.reported(1, refused=number)
    assert report.refused is not None
    assert report.refused.why == why
    assert f"revision {number} must not run" in caplog.text
    assert await asked(press) == (grpc.StatusCode.OK, "1")


async def test_after_a_refusal_the_next_good_revision_runs(press: Press) -> None:
    evil = await press.publish(author="", **NOBODY)
    await press.reported(1, refused=evil)
    await press.world.redis.set(keys.ACTIVE_REVISION, "1")  # whoever looks after the store puts it right
    number = await press.publish("bob", rules=[{"name": "all", "effect": "allow"}])
    await press.world.wait_for(number)
    assert (await press.reported(number)).refused is None


async def test_another_document_under_a_good_signature_is_refused(press: Press) -> None:
    number = await press.publish("bob")
    await press.world.wait_for(number)
    stored = await press.store.read(number)
    assert stored is not None
    evil = canonical(load(policy(press.crm, people=PEOPLE, **NOBODY)).document)
    good = await press.store.entry(number)
    assert good is not None
    forged = msgspec.structs.replace(stored, document=msgspec.Raw(evil))
    await press.world.redis.hset(keys.ALL_REVISIONS, "9", msgspec.json.encode(forged))
    after = msgspec.structs.replace(good, after=number)
    await press.world.redis.hset(keys.REVISION_ENTRIES, "9", msgspec.json.encode(after))
    await press.world.redis.set(keys.ACTIVE_REVISION, "9")
    await press.reported(number, refused=9)
    assert await asked(press) == (grpc.StatusCode.OK, str(number))


async def test_an_older_revision_that_is_put_back_by_hand_is_refused(press: Press) -> None:
    await press.publish("bob")
    await press.world.wait_for(2)
    await press.world.redis.set(keys.ACTIVE_REVISION, "1")
    await press.reported(2, refused=1)
    assert await asked(press) == (grpc.StatusCode.OK, "2")


async def test_a_gateway_with_trusted_people_runs_nothing_of_others(empty_world: World, upstream: FakeUpstream) -> None:
    press = Press(empty_world, upstream.address)
    root = authority_in(canonical(load(policy(upstream.address, people=PEOPLE)).document))
    await press.publish("mallet", author="mallory", people=[person("mallory"), person("mallet")])
    careful = await empty_world.stack.enter_async_context(empty_world.started(trusted_people=root))
    await press.reported(0, refused=1)
    ended = await told(empty_world.agent(careful).contacts.GetContact(get(), metadata=SALES))
    assert ended.reason == "REVISION_MISSING"


async def test_a_rollout_moves_without_people(press: Press) -> None:
    arms = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}]
    rolling: Data = {
        "routes": [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}],
        "rollouts": [{"name": "up", "route": "crm", "arm": "new", "against": "old"}],
    }
    number = await press.publish("bob", **rolling)
    await press.world.wait_for(number)
    running = press.world.gateways[0].pipeline.revision
    assert running is not None
    rollout = msgspec.structs.replace(running.document.rollouts[0], state="running", since_ms=1, reason="started")
    step = await press.store.advance(rollout, base=number, reason="started", now_ms=1)
    await press.world.wait_for(step)


async def test_a_worker_that_ends_is_forgotten(empty_world: World, upstream: FakeUpstream) -> None:
    async with empty_world.started():
        press = Press(empty_world, upstream.address)
        await press.reported(0)
    assert await Workers(empty_world.redis).all() == ()


async def test_a_revision_with_mistakes_is_reported_as_refused(world: World, upstream: FakeUpstream) -> None:
    press = Press(world, upstream.address)
    await world.publish_raw(b'{"agents": 3}')
    report = await press.reported(1, refused=2)
    assert report.refused is not None
    assert report.refused.why == "unusable"
    assert isinstance(await press.store.read(2), Published)
    await until(lambda: world.gateways[0].standing.report == report, what="the same report")


async def test_what_runs_and_what_is_refused_are_metrics(
    empty_world: World, upstream: FakeUpstream, collector: Collector
) -> None:
    press = Press(empty_world, upstream.address)
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await press.publish("bob")
        await press.reported(1)
        await press.reported(1, refused=await press.publish(author="", **NOBODY))
    assert collector.metrics.gauges("pilote.revision.active") == [({}, 1)]
    assert collector.metrics.gauges("pilote.revision.refused") == [({}, 2)]
