"""What a reply says of its tokens is read from whichever fields count them."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.contract import TokenUsage
from gateway.messages.field_paths import token_usage
from pilote.inference.v1 import chat_pb2, inference_service_pb2

COUNTS = st.integers(0, 2**53)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_our_own_contract_says_all_four(prompt: int, completion: int, cached: int, reasoning: int) -> None:
    reply = inference_service_pb2.CreateChatCompletionResponse(
        usage=chat_pb2.Usage(
            prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached, reasoning_tokens=reasoning
        )
    )
    read = token_usage(reply.DESCRIPTOR, "usage")
    assert read is not None
    assert read(reply) == TokenUsage(prompt, completion, cached, reasoning)


def _reply(**fields: "descriptor_pb2.FieldDescriptorProto.Type.ValueType") -> Descriptor:
    """A reply with a message `spent` of these fields."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="foreign.proto", package="foreign", syntax="proto3")
    spent = file.message_type.add(name="Spent")
    for number, (name, kind) in enumerate(fields.items(), 1):
        spent.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    reply = file.message_type.add(name="Reply")
    reply.field.add(
        name="spent", number=1, type=kinds.TYPE_MESSAGE, type_name=".foreign.Spent", label=kinds.LABEL_OPTIONAL
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindMessageTypeByName("foreign.Reply")


INT = descriptor_pb2.FieldDescriptorProto.TYPE_INT32
TEXT = descriptor_pb2.FieldDescriptorProto.TYPE_STRING


def test_a_foreign_contract_may_call_them_by_their_other_names() -> None:
    kind = _reply(input_tokens=INT, output_tokens=INT)
    read = token_usage(kind, "spent")
    assert read is not None
    reply = message_factory.GetMessageClass(kind)()
    reply.spent.input_tokens, reply.spent.output_tokens = 7, 5  # type: ignore[attr-defined]
    assert read(reply) == TokenUsage(7, 5)


@pytest.mark.parametrize(
    "fields", [{"cents": INT}, {"input_tokens": INT}, {"input_tokens": TEXT, "output_tokens": TEXT}]
)
def test_what_counts_no_tokens_is_no_usage(
    fields: dict[str, "descriptor_pb2.FieldDescriptorProto.Type.ValueType"],
) -> None:
    assert token_usage(_reply(**fields), "spent") is None


def test_a_path_that_leads_to_no_message_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        token_usage(inference_service_pb2.CreateChatCompletionResponse.DESCRIPTOR, "served_model")
