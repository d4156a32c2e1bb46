"""A version of a language model in the shadow of another one, at servers that speak HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from gateway.core.shadows import CopyEnd
from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from tests.e2e.language_models import KEY, PROMPT, WRITER, asked, writing
from tests.e2e.policy import Data
from tests.e2e.world import World, told
from tests.fakes.openai_server import FakeOpenAI, fake_openai, refusing

Servers = tuple[FakeOpenAI, FakeOpenAI]


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """The one that serves, and the candidate's."""
    async with fake_openai() as llm, fake_openai() as candidate:
        yield llm, candidate


def shadowed(llm: FakeOpenAI, candidate: FakeOpenAI, home: Path, *, ignore: tuple[str, ...] = ()) -> Data:
    """The second version, which has no prompt, at a server of its own."""
    data = writing(llm.url, home)
    data["upstreams"].append(data["upstreams"][0] | {"name": "new-llm", "url": candidate.url})
    data["models"][0]["versions"][1]["upstream"] = "new-llm"
    for arm, weight in zip(data["routes"][0]["arms"], (10_000, 0), strict=True):
        arm["weight"] = weight
    data["routes"][0]["shadow"] = {"arm": "challenger", "ignore": list(ignore)}
    return data


async def test_a_chat_is_asked_of_both_versions_each_by_its_own_name_prompt_and_key(
    empty_world: World, servers: Servers, tmp_path: Path
) -> None:
    world, (llm, candidate) = empty_world, servers
    await world.gateway()
    await world.publish(shadowed(llm, candidate, tmp_path))
    stub = InferenceServiceStub(world.channel())
    ended = await told(stub.CreateChatCompletion(asked("Hello there", version=""), metadata=WRITER))
    assert ended.response.served_model == "gpt-4o-2024-08-06"
    (copy,) = await world.copied(1)
    assert (copy.version, copy.answered, copy.status) == ("2", "gpt-4o-2024-11-20", "OK")
    assert copy.end is CopyEnd.DIFFERED
    assert {each.path for each in copy.differences} == {"served_model"}
    (theirs,) = candidate.asked
    assert theirs.body["model"] == "gpt-4o-2024-11-20"
    assert theirs.headers["authorization"] == f"Bearer {KEY}"
    assert [message["content"] for message in theirs.body["messages"]] == ["Hello there"]
    assert [message["content"] for message in llm.asked[0].body["messages"]] == [PROMPT, "Hello there"]
    assert all(KEY.encode() not in entry[b"r"] and b"Hello" not in entry[b"r"] for entry in await world.entries())

    await world.publish(shadowed(llm, candidate, tmp_path, ignore=("served_model",)))
    await told(stub.CreateChatCompletion(asked("Hello there", version=""), metadata=WRITER))
    assert (await world.copied(2))[-1].end is CopyEnd.AGREED


@pytest.mark.parametrize(("http", "status"), [(500, "INTERNAL"), (429, "RESOURCE_EXHAUSTED")])
async def test_a_candidate_that_fails_or_has_no_room_is_no_disagreement(
    empty_world: World, servers: Servers, tmp_path: Path, http: int, status: str
) -> None:
    world, (llm, candidate) = empty_world, servers
    await world.gateway()
    await world.publish(shadowed(llm, candidate, tmp_path))
    stub = InferenceServiceStub(world.channel())
    candidate.behave = refusing(http, "not now")
    assert (await told(stub.CreateChatCompletion(asked("a", version=""), metadata=WRITER))).code is grpc.StatusCode.OK
    (copy,) = await world.copied(1)
    assert (copy.end, copy.status, copy.compared, copy.answered) == (CopyEnd.FAILED, status, False, "")
