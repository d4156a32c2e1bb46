"""What the contract of language models promises: each call is governed from its annotations and nothing else."""

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from pilote.governance.v1 import annotations_pb2 as governance
from pilote.inference.v1 import chat_pb2, inference_service_pb2

FILES = (chat_pb2.DESCRIPTOR, inference_service_pb2.DESCRIPTOR)
METHODS: tuple[MethodDescriptor, ...] = tuple(
    inference_service_pb2.DESCRIPTOR.services_by_name["InferenceService"].methods
)
MESSAGES: tuple[Descriptor, ...] = tuple(message for file in FILES for message in file.message_types_by_name.values())
WORDS = {"text", "refusal", "arguments", "prompt", "suffix", "inputs", "url"}
"""Fields that hold what people or models say."""

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@every_method
def test_every_call_asks_a_model_whose_version_can_be_pinned_and_told(method: MethodDescriptor) -> None:
    call = method.GetOptions().Extensions[governance.call]
    assert call.operation == governance.OPERATION_INFER
    assert {call.model, call.model_version, call.subject, call.session} <= set(method.input_type.fields_by_name)
    assert {call.served_version, call.usage} <= set(method.output_type.fields_by_name)
    assert method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    assert not method.client_streaming


@every_method
def test_chats_take_the_prompt_of_their_version_and_nothing_else_does(method: MethodDescriptor) -> None:
    call = method.GetOptions().Extensions[governance.call]
    assert (call.instructions == "instructions") == ("Chat" in method.name)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.full_name)
def test_whatever_is_said_is_personal(message: Descriptor) -> None:
    for field in message.fields:
        level = field.GetOptions().Extensions[governance.sensitivity]
        assert (level == governance.SENSITIVITY_PERSONAL) == (
            field.name in WORDS or field.full_name.endswith("ChatMessage.name")
        )
