"""A challenger in the shadow of a champion: real model servers, real answers, versions pinned and stopped."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from open_inference.grpc import service as oip_service

from gateway.adapters.stops import StopStore
from gateway.copies import looks
from gateway.core.explain_copies import explain_copies
from gateway.core.shadows import CopyEnd
from gateway.core.stops import Stop
from pilote.audit.v1 import shadows_pb2
from services.models.server import running as model_running
from tests.e2e.policy import INFER, Data, scoring
from tests.e2e.requests import infer
from tests.e2e.waiting import eventually
from tests.e2e.world import World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream

RESEARCH = credential("research-bot")
SCORES = "outputs.*.contents.fp64_contents.*"


def shadowed(one: int | str, two: int | str, *, shadow: Data, **sections: Any) -> Data:
    """The demonstration's policy with the second version in the first one's shadow."""
    data = scoring(_address(one), _address(two), crm="127.0.0.1:1", weights=(10_000, 0))
    data["routes"][1]["shadow"] = {"arm": "challenger"} | shadow
    return data | sections


def _address(port: int | str) -> str:
    return port if isinstance(port, str) else f"127.0.0.1:{port}"


@pytest.fixture
async def ports() -> AsyncIterator[tuple[int, int]]:
    async with (
        model_running(listen="127.0.0.1:0", version="1", drain_seconds=1) as one,
        model_running(listen="127.0.0.1:0", version="2", drain_seconds=1) as two,
    ):
        yield one, two


def stub(world: World) -> Any:
    make: Any = oip_service.GRPCInferenceServiceStub
    return make(world.channel())


async def test_two_versions_are_compared_field_by_field_and_summed(
    empty_world: World, ports: tuple[int, int], redis_url: str, tmp_path: Path
) -> None:
    world = empty_world
    await world.gateway()
    await world.publish(shadowed(*ports, shadow={}))
    ended = [await told(stub(world).ModelInfer(infer(subject=f"contacts/c-{n}"), metadata=RESEARCH)) for n in range(8)]
    assert {each.response.model_version for each in ended} == {"1"}
    copies = await world.copied(8)
    assert {(copy.arm, copy.version, copy.end, copy.sent) for copy in copies} == {
        ("challenger", "2", CopyEnd.DIFFERED, True),
    }
    paths = {each.path for copy in copies for each in copy.differences}
    assert "model_version" in paths
    assert SCORES in paths or any(path.startswith("outputs.") for path in paths)

    ignore = sorted(path for path in paths if not path.isdigit())
    await world.publish(shadowed(*ports, shadow={"ignore": ignore}))
    await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH))
    assert (await world.copied(9))[-1].end is CopyEnd.AGREED

    async with auditing(redis_url, tmp_path / "audit") as auditor:

        async def summed() -> shadows_pb2.ShadowSummary | None:
            found = await auditor.stub.SummarizeShadows(shadows_pb2.SummarizeShadowsRequest(route="scoring"))
            return found.summaries[0] if found.summaries and found.summaries[0].copies == 9 else None

        summary = await eventually(summed, what="sums of copies")
        decision = await auditor.with_copies(ended[0].decision)
    assert (summary.arm, summary.model_version, summary.agreed, summary.differed) == ("challenger", "2", 1, 8)
    assert {field.path for field in summary.fields} == paths
    assert summary.latency.p50.ToMicroseconds() > 0
    sentences = explain_copies(looks.results(decision))
    assert sentences[0] == "A shadow copy for challenger (2) came to something else."
    assert any("model_version (changed)" in sentence for sentence in sentences)


async def test_a_stop_of_the_candidates_version_halts_its_copies_and_nothing_else(
    empty_world: World, ports: tuple[int, int]
) -> None:
    world = empty_world
    await world.gateway()
    await world.publish(shadowed(*ports, shadow={}))
    await StopStore(world.redis).stop("acme", Stop(what="version=lead-score/2", reason="it drifts", since_ms=0))
    ended = await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH))
    assert ended.code is grpc.StatusCode.OK
    (copy,) = await world.copied(1)
    assert (copy.end, copy.stop, copy.sent, copy.verdict) == (CopyEnd.STOPPED, "version=lead-score/2", False, "")


async def test_the_candidate_is_asked_for_its_own_version_and_both_costs_are_told(
    empty_world: World, ports: tuple[int, int]
) -> None:
    world = empty_world
    await world.gateway()
    price = {
        "name": "spend",
        "methods": [INFER],
        "by": ["tenant"],
        "max": 1_000_000,
        "window": "1d",
        "cost": {"unit": "EUR/1000000", "estimate": "5", "actual": 'route.version == "2" ? 30 : 10'},
    }
    async with fake_upstream() as candidate:
        await world.publish(shadowed(ports[0], candidate.address, shadow={}, limits=[price]))
        await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH))
        (copy,) = await world.copied(1)
        asked = infer(subject="contacts/c-1", version="2")
        assert candidate.messages == [asked.SerializeToString()]
    assert (copy.costs, copy.served_costs) == ({"spend": 30}, {"spend": 10})
    taken = [key async for key in world.redis.scan_iter("*:bucket:budget:spend:*")]
    assert sum([int(value) for key in taken for value in await world.redis.hvals(key)]) == 10  # the call's own only


async def test_a_candidate_that_takes_longer_than_the_route_allows_has_failed(
    empty_world: World, ports: tuple[int, int]
) -> None:
    world = empty_world
    await world.gateway()
    async with fake_upstream() as candidate:
        candidate.behave = candidate.hang
        data = shadowed(ports[0], candidate.address, shadow={})
        data["routes"][1]["timeout"] = "300ms"
        await world.publish(data)
        await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH, timeout=60))
        (copy,) = await world.copied(1)
        assert (copy.end, copy.status) == (CopyEnd.FAILED, "DEADLINE_EXCEEDED")
        assert 250_000 < copy.took_us < 30_000_000


async def test_where_the_candidate_itself_has_served_nothing_is_compared(
    empty_world: World, ports: tuple[int, int], upstream: FakeUpstream
) -> None:
    world = empty_world
    await world.gateway()
    data = shadowed("127.0.0.1:1", ports[1], shadow={})
    data["routes"][1]["fallback"] = ["challenger"]
    await world.publish(data)
    ended = await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH))
    assert ended.response.model_version == "2"
    await world.settled(2)
    await world.publish(shadowed(*ports, shadow={}))
    await told(stub(world).ModelInfer(infer(subject="contacts/c-1"), metadata=RESEARCH))
    assert len(await world.copied(1)) == 1
