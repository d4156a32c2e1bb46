"""Whatever an agent sends and whatever a server answers, each is either taken or refused, and nothing else happens."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.openai.answers import ErrorInAnswer, MalformedAnswer
from gateway.adapters.openai.chat import chat_body, chat_piece
from gateway.adapters.openai.methods import METHODS
from gateway.core.errors import CallEnded, Reason
from pilote.inference.v1 import chat_pb2
from pilote.inference.v1.inference_service_pb2 import CreateChatCompletionRequest
from tests.examples import thoroughly

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("id", "model", "choices", "usage", "error", "message", "delta", "content", "refusal", "tool_calls", "function",
         "name", "arguments", "index", "finish_reason", "text", "data", "embedding", "total_tokens")  # fmt: skip
LIKELY = st.recursive(
    JSON | st.sampled_from(["stop", "length", 0, 1, 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda name: name.rpartition("/")[2])


@every_method
@given(answer=LIKELY)
def test_any_answer_is_read_or_is_malformed(method: str, answer: Any) -> None:
    raw = json.dumps(answer).encode()
    reply = METHODS[method].reply
    try:
        if reply is None:
            chat_piece(raw)
        else:
            reply(raw, {"input": ["a"]})
    except (MalformedAnswer, ErrorInAnswer):
        pass
    except ValueError as error:  # such as a lone surrogate, which the adapter takes for malformed too
        assert "surrogate" in str(error)  # noqa: PT017


@every_method
@given(request=st.binary(max_size=60))
def test_any_request_is_sent_or_refused_for_a_field(method: str, request: bytes) -> None:
    try:
        body = METHODS[method].body(request)
    except DecodeError:  # the gateway has decoded it by then
        return
    except CallEnded as ended:
        told = ended
    else:
        assert json.loads(json.dumps(body)) == body
        return
    assert (told.reason, len(told.violations)) == (Reason.ARGUMENT_INVALID, 1)


@given(st.lists(st.tuples(st.integers(1, 4), TEXT), min_size=1, max_size=5), TEXT)
def test_messages_arrive_in_their_order_after_the_instructions(said: list[tuple[int, str]], instructions: str) -> None:
    request = CreateChatCompletionRequest(model_version="m", instructions=instructions)
    for role, text in said:
        request.chat.messages.add(role=role, text=text)
    roles = {1: "system", 2: "user", 3: "assistant", 4: "tool"}
    first = [{"role": "system", "content": instructions}] if instructions else []
    wanted = first + [{"role": roles[role], "content": text} for role, text in said]
    assert chat_body(request)["messages"] == wanted


@thoroughly(100)
@given(st.dictionaries(TEXT, st.recursive(st.none() | st.booleans() | TEXT | st.integers(-1000, 1000), st.lists)))
def test_a_schema_arrives_as_it_was_written(schema: dict[str, Any]) -> None:
    request = CreateChatCompletionRequest(model_version="m")
    request.chat.messages.add(role=chat_pb2.ROLE_USER, text="a")
    request.chat.tools.add(name="f", parameters=json_format.ParseDict(schema, Struct()))
    (tool,) = chat_body(request)["tools"]
    assert tool["function"]["parameters"] == schema
