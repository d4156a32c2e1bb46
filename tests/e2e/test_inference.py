"""INFER: the revision chooses the model's version, and says which."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service

from services.crm.server import running as crm_running
from services.models.server import running as model_running
from tests.e2e.policy import INFER, scoring
from tests.e2e.requests import infer, send
from tests.e2e.world import Told, World, credential, told
from tests.fakes.upstream import FakeUpstream, answering

RESEARCH = credential("research-bot")
UNKNOWN_FIELD = b"\xf2\x3f\x05extra"


@pytest.fixture
async def models(empty_world: World, tmp_path: Path) -> AsyncIterator[World]:
    """The demonstration's policy before a real CRM and two real versions of the model."""
    await empty_world.gateway()
    async with (
        crm_running(listen="127.0.0.1:0", home=tmp_path / "crm", drain_seconds=1) as crm,
        model_running(listen="127.0.0.1:0", version="1", drain_seconds=1) as one,
        model_running(listen="127.0.0.1:0", version="2", drain_seconds=1) as two,
    ):
        addresses = [f"127.0.0.1:{port}" for port in (one, two, crm)]
        await empty_world.publish(scoring(addresses[0], addresses[1], crm=addresses[2]))
        yield empty_world


@pytest.fixture
def stub(models: World) -> Any:
    """Asks over the Open Inference Protocol."""
    make: Any = oip_service.GRPCInferenceServiceStub
    return make(models.channel())


async def _infer(stub: Any, **asked: str) -> Told:
    return await told(stub.ModelInfer(infer(**asked), metadata=RESEARCH))


async def test_the_revision_chooses_the_version_and_says_which(models: World, stub: Any) -> None:
    ended = await _infer(stub, subject="contacts/ada")
    assert ended.code is grpc.StatusCode.OK
    assert ended.response.model_version == ended.trailers["pilote-version"]
    (kept,) = await models.settled(1)
    record = kept.record
    assert (record.model, record.version) == ("lead-score", ended.response.model_version)
    assert record.arm == {"1": "champion", "2": "challenger"}[record.version]
    assert (record.operation, record.route) == ("INFER", "scoring")


async def test_a_customer_always_gets_the_same_version_and_many_split_by_the_weights(models: World, stub: Any) -> None:
    first = {n: (await _infer(stub, subject=f"contacts/c-{n}")).trailers["pilote-version"] for n in range(400)}
    again = {n: (await _infer(stub, subject=f"contacts/c-{n}")).trailers["pilote-version"] for n in range(0, 400, 20)}
    assert again == {n: first[n] for n in again}
    share = Counter(first.values())["2"] / len(first)
    assert 0.22 < share < 0.38  # 0.30 by the policy; three standard deviations are 0.07


async def test_calls_without_a_subject_are_spread(models: World, stub: Any) -> None:
    versions = Counter([(await _infer(stub)).trailers["pilote-version"] for _ in range(60)])
    assert set(versions) == {"1", "2"}


@pytest.mark.parametrize("version", ["1", "2"])
async def test_an_explicit_version_is_honoured_whoever_is_asked_about(stub: Any, version: str) -> None:
    for n in range(10):
        ended = await _infer(stub, subject=f"contacts/c-{n}", version=version)
        assert (ended.response.model_version, ended.trailers["pilote-version"]) == (version, version)


@pytest.mark.parametrize("asked", [{"version": "9"}, {"model": "churn"}, {"model": ""}, {"version": " 1"}])
async def test_a_model_or_version_that_is_not_listed_is_not_found(
    models: World, stub: Any, asked: dict[str, str]
) -> None:
    ended = await _infer(stub, **asked)
    assert (ended.code, ended.reason) == (grpc.StatusCode.NOT_FOUND, "ROUTE_NOT_FOUND")
    (kept,) = await models.settled(1)
    assert (kept.outcome.granted, kept.reason) == (False, "ROUTE_NOT_FOUND")


async def test_an_action_is_linked_to_the_inference_that_led_to_it(models: World, stub: Any) -> None:
    scored = await _infer(stub, subject="contacts/ada")
    metadata = credential("sales-bot", ("pilote-inference-id", scored.decision))
    contact = await told(
        models.agent().messages.SendMessage(send("contacts/ada", category="service"), metadata=metadata)
    )
    kept = (await models.kept())[contact.decision]
    assert kept.record.inference == scored.decision


async def test_the_version_is_written_into_a_request_that_is_otherwise_the_same(
    world: World, upstream: FakeUpstream
) -> None:
    upstream.behave = answering(b"")
    await world.publish(scoring(upstream.address, upstream.address, crm=upstream.address, weights=(0, 10_000)))
    sent = infer(subject="contacts/ada").SerializeToString() + UNKNOWN_FIELD
    await world.raw().unary_unary(INFER)(sent, metadata=RESEARCH)
    (arrived,) = upstream.messages
    assert UNKNOWN_FIELD in arrived
    wanted = infer(subject="contacts/ada", version="2")
    assert oip.ModelInferRequest.FromString(arrived.replace(UNKNOWN_FIELD, b"")) == wanted


async def test_an_empty_version_is_never_sent(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = answering(b"")
    data = scoring(upstream.address, upstream.address, crm=upstream.address)
    data["models"][0]["versions"][1]["served_as"] = "score-b"
    await world.publish(data)
    call = world.raw().unary_unary(INFER)
    for n in range(40):
        for version in ("", "2"):
            await call(infer(subject=f"contacts/c-{n}", version=version).SerializeToString(), metadata=RESEARCH)
    sent = Counter(oip.ModelInferRequest.FromString(each).model_version for each in upstream.messages)
    assert set(sent) == {"1", "score-b"}
    assert sent["score-b"] > 40  # those that asked for it, in the policy's words, and some of the others


async def test_a_server_that_answers_with_another_version_is_found_out(world: World, upstream: FakeUpstream) -> None:
    answer = oip.ModelInferResponse(model_name="lead-score", model_version="7\nforged")
    upstream.behave = answering(answer.SerializeToString())
    await world.publish(scoring(upstream.address, upstream.address, crm=upstream.address, weights=(10_000, 0)))
    await world.raw().unary_unary(INFER)(infer().SerializeToString(), metadata=RESEARCH)
    (kept,) = await world.settled(1)
    assert kept.settlement is not None
    assert (kept.record.version, kept.settlement.served) == ("1", "7?forged")
