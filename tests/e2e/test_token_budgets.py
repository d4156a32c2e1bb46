"""Budgets of tokens: what a model's server counts is what is spent, and what nobody counted its estimate."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from pilote.inference.v1.inference_service_pb2 import CreateEmbeddingsRequest
from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from tests.e2e.language_models import WRITER, asked, streamed, writing
from tests.e2e.policy import Data
from tests.e2e.waiting import eventually
from tests.e2e.world import World, told
from tests.fakes import openai_server
from tests.fakes.openai_server import Asked, FakeOpenAI, answering, fake_openai, refusing

if TYPE_CHECKING:
    from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceAsyncStub

ESTIMATE = 40


def budget(most: int, actual: str = "response.usage.total_tokens") -> Data:
    return {
        "name": "tokens",
        "methods": ["/pilote.inference.v1.*"],
        "by": ["tenant"],
        "max": most,
        "window": "1d",
        "cost": {"unit": "token", "estimate": str(ESTIMATE), "actual": actual},
    }


@pytest.fixture
async def llm() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        yield server


@pytest.fixture
async def models(empty_world: World, llm: FakeOpenAI, tmp_path: Path) -> World:
    await empty_world.gateway()
    await empty_world.publish(writing(llm.url, tmp_path, limits=[budget(100_000)]))
    return empty_world


@pytest.fixture
def stub(models: World) -> "InferenceServiceAsyncStub":
    return InferenceServiceStub(models.channel())


async def spent(world: World, count: int) -> int:
    """What the budget holds, once so many calls are settled."""
    await world.settled(count)

    async def look() -> int | None:
        found = [key async for key in world.redis.scan_iter("*:bucket:budget:tokens:*")]
        values = [value for key in found for value in await world.redis.hvals(key)]
        return sum(int(value) for value in values)

    return await eventually(look, what="settled calls")


async def test_a_budget_is_spent_by_what_the_server_counts(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI
) -> None:
    await told(stub.CreateChatCompletion(asked("one two"), metadata=WRITER))
    assert await spent(models, 1) == 12
    await told(stub.StreamChatCompletion(streamed("one two three"), metadata=WRITER))
    assert await spent(models, 2) == 12 + 13
    await told(
        stub.CreateEmbeddings(CreateEmbeddingsRequest(model="writer", model_version="1", inputs=["a"]), metadata=WRITER)
    )
    assert await spent(models, 3) == 12 + 13 + 4
    kept = await models.settled(3)
    costs = [each.settlement.costs for each in kept if each.settlement]
    assert costs == [{"tokens": 12}, {"tokens": 13}, {"tokens": 4}]


async def test_a_budget_can_be_of_money_by_the_price_of_each_kind_of_token(
    models: World, llm: FakeOpenAI, tmp_path: Path
) -> None:
    price = "response.usage.prompt_tokens * 3 + response.usage.completion_tokens * 15"
    await models.publish(writing(llm.url, tmp_path, limits=[budget(100_000, price)]))
    stub: InferenceServiceAsyncStub = InferenceServiceStub(models.channel())
    await told(stub.CreateChatCompletion(asked("one two"), metadata=WRITER))
    assert await spent(models, 1) == 10 * 3 + 2 * 15


async def test_a_used_up_budget_lets_nothing_through(models: World, llm: FakeOpenAI, tmp_path: Path) -> None:
    await models.publish(writing(llm.url, tmp_path, limits=[budget(60)]))
    stub: InferenceServiceAsyncStub = InferenceServiceStub(models.channel())
    for count in (1, 2):
        assert (await told(stub.CreateChatCompletion(asked("one two"), metadata=WRITER))).code is grpc.StatusCode.OK
        assert await spent(models, count) == 12 * count
    for call in (
        stub.CreateChatCompletion(asked("three"), metadata=WRITER),
        stub.StreamChatCompletion(streamed("three"), metadata=WRITER),
    ):
        ended = await told(call)
        assert ended.reason == "LIMIT_EXCEEDED"
        assert f"does not suffice for {ESTIMATE}: 24 of 60 are spent" in ended.text
    assert len(llm.asked) == 2


async def test_a_hundred_at_once_never_ask_for_more_than_the_budget(
    models: World, llm: FakeOpenAI, tmp_path: Path
) -> None:
    await models.publish(writing(llm.url, tmp_path, limits=[budget(10 * ESTIMATE)]))
    stub: InferenceServiceAsyncStub = InferenceServiceStub(models.channel())
    llm.behave = llm.hang
    calls = [asyncio.ensure_future(told(stub.CreateChatCompletion(asked("x"), metadata=WRITER))) for _ in range(100)]

    async def refused() -> bool | None:
        return sum(call.done() for call in calls) == 90 or None

    await eventually(refused, what="90 refusals")
    llm.let_go.set()
    ends = [await call for call in calls]
    assert sum(end.code is grpc.StatusCode.OK for end in ends) == len(llm.asked) == 10


@pytest.mark.parametrize(
    "answer", [b'{"choices": [{"message": {"content": "a"}}]}', b'{"choices": [{"message": {}}], "usage": null}']
)
async def test_where_the_server_counts_nothing_the_estimate_stands(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI, answer: bytes
) -> None:
    llm.behave = answering(answer)
    assert (await told(stub.CreateChatCompletion(asked("a"), metadata=WRITER))).code is grpc.StatusCode.OK
    assert await spent(models, 1) == ESTIMATE


async def test_a_stream_that_breaks_off_costs_its_estimate(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI
) -> None:
    async def behave(got: Asked, request: Any) -> Any:
        return await openai_server.streamed(request, list(llm.chunks(got.body))[:1], cut_when=llm.let_go)

    llm.behave = behave
    call = stub.StreamChatCompletion(streamed("one two"), metadata=WRITER)
    await call.read()
    llm.let_go.set()
    assert (await told(call)).code is not grpc.StatusCode.OK
    assert await spent(models, 1) == ESTIMATE


async def test_a_stream_that_breaks_off_after_its_usage_costs_that(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI
) -> None:
    async def behave(got: Asked, request: Any) -> Any:
        return await openai_server.streamed(request, llm.chunks(got.body), cut_when=llm.let_go)

    llm.behave = behave
    call = stub.StreamChatCompletion(streamed("one"), metadata=WRITER)
    for _ in range(3):
        await call.read()
    llm.let_go.set()
    assert (await told(call)).code is not grpc.StatusCode.OK
    assert await spent(models, 1) == 11


async def test_what_a_caller_did_not_wait_for_may_have_been_worked_out_and_costs_its_estimate(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI
) -> None:
    llm.behave = llm.hang
    late = await told(stub.CreateChatCompletion(asked("a"), metadata=WRITER, timeout=1))
    assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await spent(models, 1) == ESTIMATE
    llm.arrived.clear()
    call = stub.StreamChatCompletion(streamed("a"), metadata=WRITER)
    await llm.arrived.wait()
    call.cancel()
    assert await spent(models, 2) == 2 * ESTIMATE


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_what_the_server_did_not_answer_costs_nothing(
    models: World, stub: "InferenceServiceAsyncStub", llm: FakeOpenAI, status: int
) -> None:
    llm.behave = refusing(status)
    await told(stub.CreateChatCompletion(asked("a"), metadata=WRITER))
    await told(stub.StreamChatCompletion(streamed("a"), metadata=WRITER))
    assert await spent(models, 2) == 0
