"""What a span says of a call, and which other span it follows from."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.core import keys
from pilote.inference.v1.inference_service_pb2 import CreateEmbeddingsRequest
from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceStub
from tests.e2e.language_models import WRITER, asked, streamed, writing
from tests.e2e.policy import Data, allow_all
from tests.e2e.requests import send
from tests.e2e.world import World, credential, told
from tests.fakes.collector import Collector, attributes
from tests.fakes.openai_server import FakeOpenAI, fake_openai
from tests.fakes.upstream import FakeUpstream

if TYPE_CHECKING:
    from pilote.inference.v1.inference_service_pb2_grpc import InferenceServiceAsyncStub


@pytest.fixture
async def llm() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        yield server


def _both(llm: FakeOpenAI, upstream: FakeUpstream, home: Path, **sections: Any) -> Data:
    """A language model and a CRM, for one agent."""
    data = writing(llm.url, home, **sections)
    data["upstreams"].append({"name": "crm", "address": upstream.address})
    data["routes"].append({"name": "crm", "methods": ["/pilote.*"], "arms": [{"name": "crm", "upstream": "crm"}]})
    return data


def _stub(world: World) -> "InferenceServiceAsyncStub":
    stub: InferenceServiceAsyncStub = InferenceServiceStub(world.channel())
    return stub


def _of(collector: Collector, decision: str) -> Span:
    (span,) = [span for span in collector.spans if attributes(span)["pilote.decision"] == decision]
    return span


def _named(inference: str) -> tuple[tuple[str, str | bytes], ...]:
    return (*WRITER, ("pilote-inference-id", inference))


async def test_an_inference_says_what_the_conventions_for_generative_ai_ask_for(
    empty_world: World, llm: FakeOpenAI, collector: Collector, tmp_path: Path
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(writing(llm.url, tmp_path))
        stub = _stub(empty_world)
        whole = await told(stub.CreateChatCompletion(asked("one two three"), metadata=WRITER))
        pieces = await told(stub.StreamChatCompletion(streamed("one two"), metadata=WRITER))
        inputs = CreateEmbeddingsRequest(model="writer", model_version="1", inputs=["a"])
        embedded = await told(stub.CreateEmbeddings(inputs, metadata=WRITER))
    said = attributes(_of(collector, whole.decision))
    assert {name: value for name, value in said.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "writer",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.prompt.name": "polite@1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 1,
    }
    streaming = _of(collector, pieces.decision)
    assert attributes(streaming)["gen_ai.usage.output_tokens"] == 2
    assert [each.value.bool_value for each in streaming.attributes if each.key == "gen_ai.request.stream"] == [True]
    counted = attributes(_of(collector, embedded.decision))
    assert (counted["gen_ai.operation.name"], counted["gen_ai.usage.input_tokens"]) == ("embeddings", 4)


async def test_an_action_is_linked_to_the_span_of_the_inference_that_led_to_it(
    empty_world: World, llm: FakeOpenAI, upstream: FakeUpstream, collector: Collector, tmp_path: Path
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(_both(llm, upstream, tmp_path))
        led = await told(_stub(empty_world).CreateChatCompletion(asked("write to Ada"), metadata=WRITER))
        metadata = (*_named(led.decision), ("pilote-conversation", "thread-7"))
        sent = await told(empty_world.agent().messages.SendMessage(send(), metadata=metadata))
    inference, action = _of(collector, led.decision), _of(collector, sent.decision)
    assert inference.trace_id != action.trace_id
    (link,) = action.links
    assert (link.trace_id, link.span_id) == (inference.trace_id, inference.span_id)
    assert attributes(link) == {"pilote.link": "inference"}
    assert list(inference.links) == []
    assert attributes(action)["gen_ai.conversation.id"] == "thread-7"


async def test_another_gateway_knows_the_inferences_span_and_a_refused_action_has_the_link_too(
    empty_world: World, llm: FakeOpenAI, upstream: FakeUpstream, collector: Collector, tmp_path: Path
) -> None:
    rules = [allow_all(), {"name": "no", "effect": "deny", "operations": ["CONTACT"]}]
    async with (
        empty_world.started(otlp_endpoint=collector.endpoint, trace_ratio=0.0),
        empty_world.started(otlp_endpoint=collector.endpoint, trace_ratio=0.0) as other,
    ):
        await empty_world.publish(_both(llm, upstream, tmp_path, rules=rules))
        led = await told(_stub(empty_world).CreateChatCompletion(asked("write to Ada"), metadata=WRITER))
        sent = await told(empty_world.agent(other).messages.SendMessage(send(), metadata=_named(led.decision)))
    record = (await empty_world.kept())[led.decision].record
    (action,) = collector.spans
    assert attributes(action)["pilote.decision"] == sent.decision
    (link,) = action.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (record.trace_id, record.span_id)
    assert link.flags & 1 == 0  # nobody has exported the inference's span


async def test_an_inference_that_an_earlier_version_has_kept_leads_to_an_action_without_a_link(
    empty_world: World, llm: FakeOpenAI, upstream: FakeUpstream, collector: Collector, tmp_path: Path
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(_both(llm, upstream, tmp_path, lineage={"required_for": ["CONTACT"]}))
        earlier = "01a20fbbaf23734d984fc59139ee30ce"
        parts = ("writer", "1", "writing", "champion", "polite@1")
        await empty_world.redis.set(keys.inference(keys.cell("acme"), earlier), msgspec.msgpack.encode(parts))
        sent = await told(empty_world.agent().messages.SendMessage(send(), metadata=_named(earlier)))
    assert sent.reason == ""
    (action,) = collector.spans
    assert list(action.links) == []


@pytest.mark.parametrize("garbage", [b"", b"garbage", msgspec.msgpack.encode(("writer", "1")), b"\xc1"])
async def test_what_is_kept_of_an_inference_and_cannot_be_read_counts_as_unknown(
    empty_world: World, llm: FakeOpenAI, upstream: FakeUpstream, tmp_path: Path, garbage: bytes
) -> None:
    await empty_world.gateway()
    await empty_world.publish(_both(llm, upstream, tmp_path, lineage={"required_for": ["CONTACT"]}))
    damaged = "01a20fbbaf23734d984fc59139ee30ce"
    await empty_world.redis.set(keys.inference(keys.cell("acme"), damaged), garbage)
    sent = await told(empty_world.agent().messages.SendMessage(send(), metadata=_named(damaged)))
    assert sent.reason == "LINEAGE_UNKNOWN"


async def test_a_method_that_nobody_has_described_is_named_nowhere_in_a_span(
    empty_world: World, upstream: FakeUpstream, collector: Collector, llm: FakeOpenAI, tmp_path: Path
) -> None:
    async with empty_world.started(otlp_endpoint=collector.endpoint):
        await empty_world.publish(_both(llm, upstream, tmp_path))
        unknown: Any = empty_world.channel().unary_unary("/made.up/ada.lovelace@example.com")
        ended = await told(unknown(b"", metadata=credential("writer-bot")))
    assert ended.reason == "METHOD_UNDESCRIBED"
    (span,) = collector.spans
    said = attributes(span)
    assert (span.name, said["rpc.method"]) == ("grpc", "_OTHER")
    assert b"ada.lovelace" not in b"".join(collector.raw)
    assert said["error.type"] == said["rpc.response.status_code"] == "PERMISSION_DENIED"
