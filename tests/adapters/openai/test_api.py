"""The official client and our adapter ask the same of one server, and read the same out of its answers.

So the fake server is not our imagination, and neither is the API that our adapter speaks.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc
import openai
import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from gateway.adapters.openai.upstreams import OpenAIUpstreams
from gateway.core.policy.upstreams import Upstream
from pilote.inference.v1 import chat_pb2
from pilote.inference.v1 import inference_service_pb2 as service
from tests.fakes.openai_server import Asked, FakeOpenAI, answering, fake_openai, refusing, streamed

KEY = "sk-the-very-key"
SERVICE = "/pilote.inference.v1.InferenceService"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:,x"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "This?"}, IMAGE]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "rain", "tool_call_id": "c1"},
    {"role": "user", "content": "so what now"},
]


class Client(Protocol):
    """Asks a server, and says what it has read."""

    async def chat(self, *, full: bool = False) -> Any:
        """(text, served model, finish reason, total tokens, cached tokens)."""

    async def streamed(self) -> Any:
        """(pieces of the text, finish reason, total tokens)."""

    async def complete(self) -> Any:
        """(text, total tokens)."""

    async def embed(self) -> Any:
        """The vectors."""


class Official:
    """The client that the API's makers publish."""

    def __init__(self, url: str) -> None:
        self.client = openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0)

    async def chat(self, *, full: bool = False) -> Any:
        more: dict[str, Any] = {}
        if full:
            more = {
                "tools": [TOOL],
                "tool_choice": {"type": "function", "function": {"name": "weather"}},
                "parallel_tool_calls": False,
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "s", "schema": SCHEMA, "strict": True},
                },
                "temperature": 0.5,
                "top_p": 0.25,
                "seed": 7,
                "stop": ["END"],
                "presence_penalty": -1.0,
                "frequency_penalty": 1.0,
                "max_completion_tokens": 99,
            }
        got = await self.client.chat.completions.create(model="m-1", messages=MESSAGES, **more)
        choice, used = got.choices[0], got.usage
        assert used is not None
        assert used.prompt_tokens_details is not None
        cached = used.prompt_tokens_details.cached_tokens
        return choice.message.content, got.model, choice.finish_reason, used.total_tokens, cached

    async def streamed(self) -> Any:
        pieces, finish, total = [], None, 0
        asked: Any = {"stream": True, "stream_options": {"include_usage": True}}
        async for chunk in await self.client.chat.completions.create(model="m-1", messages=MESSAGES, **asked):
            for choice in chunk.choices:
                pieces += [choice.delta.content] if choice.delta.content else []
                finish = choice.finish_reason or finish
            total = chunk.usage.total_tokens if chunk.usage is not None else total
        return pieces, finish, total

    async def complete(self) -> Any:
        got = await self.client.completions.create(model="m-1", prompt="Once", max_tokens=5, suffix="end")
        assert got.usage is not None
        return got.choices[0].text, got.usage.total_tokens

    async def embed(self) -> Any:
        got = await self.client.embeddings.create(
            model="m-1", input=["a", "bcd"], encoding_format="float", dimensions=3
        )
        return [each.embedding for each in sorted(got.data, key=lambda each: each.index)]


class Ours:
    """Our adapter, spoken to with the bytes of our contract."""

    def __init__(self, upstreams: OpenAIUpstreams, upstream: Upstream) -> None:
        self.upstreams, self.upstream = upstreams, upstream

    async def unary(self, method: str, request: Any) -> bytes:
        call = self.upstreams.unary(self.upstream, f"{SERVICE}/{method}")
        return await call(request.SerializeToString(), timeout=5.0, metadata=())

    async def chat(self, *, full: bool = False) -> Any:
        request = service.CreateChatCompletionRequest(model_version="m-1", chat=chat(full=full))
        got = service.CreateChatCompletionResponse.FromString(await self.unary("CreateChatCompletion", request))
        return got.message.text, got.served_model, finish(got.finish_reason), *tokens(got.usage)

    async def streamed(self) -> Any:
        stream = self.upstreams.stream(self.upstream, f"{SERVICE}/StreamChatCompletion")(timeout=5.0, metadata=())
        request = service.StreamChatCompletionRequest(model_version="m-1", chat=chat())
        await stream.send(request.SerializeToString())
        await stream.done_writing()
        got = [service.StreamChatCompletionResponse.FromString(each) async for each in stream]
        finished = [finish(each.finish_reason) for each in got if each.finish_reason]
        return [each.text for each in got if each.text], finished[-1], got[-1].usage.total_tokens

    async def complete(self) -> Any:
        request = service.CreateCompletionRequest(
            model_version="m-1", prompt="Once", suffix="end", sampling=chat_pb2.Sampling(max_tokens=5)
        )
        got = service.CreateCompletionResponse.FromString(await self.unary("CreateCompletion", request))
        return got.text, got.usage.total_tokens

    async def embed(self) -> Any:
        request = service.CreateEmbeddingsRequest(model_version="m-1", inputs=["a", "bcd"], dimensions=3)
        got = service.CreateEmbeddingsResponse.FromString(await self.unary("CreateEmbeddings", request))
        return [list(each.values) for each in got.embeddings]


def chat(*, full: bool = False) -> chat_pb2.Chat:
    """The conversation of these tests."""
    role, call = chat_pb2, chat_pb2.ToolCall(id="c1", name="weather", arguments="{}")
    said = [
        chat_pb2.ChatMessage(role=role.ROLE_SYSTEM, text="Be brief."),
        chat_pb2.ChatMessage(role=role.ROLE_USER, text="This?", images=[chat_pb2.Image(url="data:,x")]),
        chat_pb2.ChatMessage(role=role.ROLE_ASSISTANT, tool_calls=[call]),
        chat_pb2.ChatMessage(role=role.ROLE_TOOL, text="rain", tool_call_id="c1"),
        chat_pb2.ChatMessage(role=role.ROLE_USER, text="so what now"),
    ]
    if not full:
        return chat_pb2.Chat(messages=said)
    schema = json_format.ParseDict(SCHEMA, Struct())
    kind = chat_pb2.ResponseFormat.KIND_JSON_SCHEMA
    return chat_pb2.Chat(
        messages=said,
        tools=[chat_pb2.Tool(name="weather", description="Tells it.", parameters=schema)],
        tool_choice=chat_pb2.ToolChoice(function="weather"),
        parallel_tool_calls=False,
        response_format=chat_pb2.ResponseFormat(kind=kind, schema_name="s", schema=schema, strict=True),
        sampling=chat_pb2.Sampling(
            temperature=0.5,
            top_p=0.25,
            seed=7,
            stop=["END"],
            presence_penalty=-1.0,
            frequency_penalty=1.0,
            max_tokens=99,
        ),
    )


def finish(reason: int) -> str:
    return chat_pb2.FinishReason.Name(reason).removeprefix("FINISH_REASON_").lower()  # type: ignore[arg-type]


def tokens(usage: chat_pb2.Usage) -> tuple[int, int]:
    return usage.total_tokens, usage.cached_tokens


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        yield server


@pytest.fixture
async def ours(fake: FakeOpenAI, tmp_path: Any) -> AsyncIterator[Ours]:
    key = tmp_path / "key"
    key.write_text(KEY + "\n")
    upstreams = OpenAIUpstreams()
    upstream = Upstream(name="llm", kind="openai", url=fake.url, key_file=str(key))
    upstreams.use([upstream])
    yield Ours(upstreams, upstream)
    await upstreams.close()


@pytest.fixture(params=["official", "ours"])
async def client(request: pytest.FixtureRequest, fake: FakeOpenAI, ours: Ours) -> AsyncIterator[Client]:
    if request.param == "ours":
        yield ours
        return
    official = Official(fake.url)
    yield official
    await official.client.close()


class TestEitherClient:
    async def test_a_chat_is_answered(self, client: Client, fake: FakeOpenAI) -> None:
        assert await client.chat() == ("so what now", "m-1", "stop", 13, 3)
        (asked,) = fake.asked
        assert (asked.path, asked.headers["authorization"]) == ("/chat/completions", f"Bearer {KEY}")
        assert asked.body == {"model": "m-1", "messages": MESSAGES}

    async def test_all_that_a_chat_can_say_arrives(self, client: Client, fake: FakeOpenAI) -> None:
        await client.chat(full=True)
        (asked,) = fake.asked
        assert asked.body["tools"] == [TOOL]
        assert asked.body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
        assert asked.body["parallel_tool_calls"] is False
        wanted = {"name": "s", "schema": SCHEMA, "strict": True}
        assert asked.body["response_format"] == {"type": "json_schema", "json_schema": wanted}
        names = (
            "temperature",
            "top_p",
            "seed",
            "stop",
            "presence_penalty",
            "frequency_penalty",
            "max_completion_tokens",
        )
        assert [asked.body[name] for name in names] == [0.5, 0.25, 7, ["END"], -1.0, 1.0, 99]

    async def test_a_streamed_chat_comes_piece_by_piece_with_its_usage(self, client: Client, fake: FakeOpenAI) -> None:
        assert await client.streamed() == (["so ", "what ", "now "], "stop", 13)
        (asked,) = fake.asked
        assert asked.body == {
            "model": "m-1",
            "messages": MESSAGES,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def test_a_text_is_gone_on_with(self, client: Client, fake: FakeOpenAI) -> None:
        assert await client.complete() == ("Once!", 11)
        assert fake.asked[0].body == {"model": "m-1", "prompt": "Once", "max_tokens": 5, "suffix": "end"}

    async def test_texts_are_embedded_in_their_order(self, client: Client, fake: FakeOpenAI) -> None:
        assert await client.embed() == [[1.0, 0.5, -1.0], [3.0, 0.5, -1.0]]
        assert fake.asked[0].body == {
            "model": "m-1",
            "input": ["a", "bcd"],
            "encoding_format": "float",
            "dimensions": 3,
        }

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
    async def test_a_refusal_is_one(self, client: Client, fake: FakeOpenAI, status: int) -> None:
        fake.behave = refusing(status)
        with pytest.raises((openai.APIStatusError, grpc.aio.AioRpcError)):
            await client.chat()

    async def test_an_error_in_the_middle_of_a_stream_ends_it(self, client: Client, fake: FakeOpenAI) -> None:
        async def behave(asked: Asked, request: Any) -> Any:
            first = next(iter(fake.chunks(asked.body)))
            return await streamed(request, [first, {"error": {"message": "out of memory"}}])

        fake.behave = behave
        with pytest.raises((openai.APIError, grpc.aio.AioRpcError)):
            await client.streamed()

    async def test_a_connection_that_breaks_in_the_middle_ends_the_stream(
        self, client: Client, fake: FakeOpenAI
    ) -> None:
        async def behave(asked: Asked, request: Any) -> Any:
            return await streamed(request, list(fake.chunks(asked.body))[:2], cut_when=fake.let_go)

        fake.behave = behave
        fake.let_go.set()
        with pytest.raises(Exception):  # noqa: B017, PT011 - the official client raises its HTTP library's own
            await client.streamed()


async def test_tool_calls_come_whole_or_in_pieces(ours: Ours, fake: FakeOpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Lyon"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    fake.behave = answering(json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode())
    request = service.CreateChatCompletionRequest(model_version="m-1", chat=chat())
    got = service.CreateChatCompletionResponse.FromString(await ours.unary("CreateChatCompletion", request))
    assert got.message.tool_calls[0] == chat_pb2.ToolCall(id="c1", name="weather", arguments='{"city": "Lyon"}')
    assert (got.message.text, finish(got.finish_reason), got.HasField("usage")) == ("", "tool_calls", False)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'{"choices": []}', b'{"choices": [{}]}', b'{"choices": [{"message": {"content": 7}}]}',
     b'{"choices": [{"message": {}}], "usage": {"total_tokens": -1}}',
     b'{"choices": [{"message": {"content": "\\ud800"}}]}',
     b"<html>", b"\xff", b"[" * 100_000],
)  # fmt: skip
async def test_what_is_no_answer_is_a_failure(ours: Ours, fake: FakeOpenAI, raw: bytes) -> None:
    fake.behave = answering(raw)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ours.chat()
    assert caught.value.code() is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("change", [{"data": []}, {"data": [{"index": 0, "embedding": [1.0]}] * 2}])
async def test_embeddings_that_are_not_one_for_each_text_are_a_failure(
    ours: Ours, fake: FakeOpenAI, change: dict[str, Any]
) -> None:
    fake.behave = answering(json.dumps(change).encode())
    with pytest.raises(grpc.aio.AioRpcError):
        await ours.embed()


async def test_connections_are_kept_alive_after_answers_and_after_streams(ours: Ours, fake: FakeOpenAI) -> None:
    for _ in range(3):
        await ours.chat()
        await ours.streamed()
    assert len({asked.peer for asked in fake.asked}) == 1
