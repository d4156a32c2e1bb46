"""The methods of our contract for language models, each with its place in the API. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gateway.adapters.openai.answers import Completion, Embeddings, MalformedAnswer, read
from gateway.adapters.openai.chat import Body, chat_body, chat_reply, finish_reason, first_choice, invalid, usage
from gateway.adapters.openai.chat import sampling as drawn
from pilote.inference.v1 import inference_service_pb2 as service

MOST_INPUTS: Final = 2_048


class Method(msgspec.Struct, frozen=True):
    """How one method is asked for over HTTP."""

    path: str
    body: Callable[[bytes], Body]
    """From the request; raises `CallEnded`, ARGUMENT_INVALID."""
    reply: Callable[[bytes, Body], bytes] | None
    """From the answer, and what was asked for; raises `MalformedAnswer`. `None` where answers come piece by piece."""


def _chat(request: bytes) -> Body:
    return chat_body(service.CreateChatCompletionRequest.FromString(request))


def _streamed_chat(request: bytes) -> Body:
    body = chat_body(service.StreamChatCompletionRequest.FromString(request))
    return body | {"stream": True, "stream_options": {"include_usage": True}}


def _completion(request: bytes) -> Body:
    asked = service.CreateCompletionRequest.FromString(request)
    if not asked.prompt:
        raise invalid("prompt", "is required")
    body: Body = {"model": asked.model_version, "prompt": asked.prompt, **drawn(asked.sampling, most="max_tokens")}
    return body | {"suffix": asked.suffix} if asked.suffix else body


def _completed(answer: bytes, _asked: Body) -> bytes:
    completion = read(Completion, answer)
    choice = first_choice(completion)
    if choice.text is None:
        raise MalformedAnswer("choices[0].text")
    reply = service.CreateCompletionResponse(
        id=completion.id or "",
        served_model=completion.model or "",
        text=choice.text,
        finish_reason=finish_reason(choice),
        usage=usage(completion.usage),
    )
    return reply.SerializeToString()


def _embeddings(request: bytes) -> Body:
    asked = service.CreateEmbeddingsRequest.FromString(request)
    if not 1 <= len(asked.inputs) <= MOST_INPUTS:
        raise invalid("inputs", f"has {len(asked.inputs)} entries; 1 to {MOST_INPUTS} are taken")
    for place, text in enumerate(asked.inputs):
        if not text:
            raise invalid(f"inputs[{place}]", "is empty")
    body: Body = {"model": asked.model_version, "input": list(asked.inputs), "encoding_format": "float"}
    return body | {"dimensions": asked.dimensions} if asked.HasField("dimensions") else body


def _embedded(answer: bytes, asked: Body) -> bytes:
    found = read(Embeddings, answer)
    vectors: dict[int, Any] = {vector.index: vector.embedding for vector in found.data}
    if sorted(vectors) != list(range(len(asked["input"]))):
        raise MalformedAnswer("data")
    reply = service.CreateEmbeddingsResponse(
        served_model=found.model or "",
        embeddings=[service.Embedding(values=vectors[place]) for place in sorted(vectors)],
        usage=usage(found.usage),
    )
    return reply.SerializeToString()


_SERVICE: Final = "/pilote.inference.v1.InferenceService"
METHODS: Final[Mapping[str, Method]] = {
    f"{_SERVICE}/CreateChatCompletion": Method(
        "/chat/completions", _chat, lambda answer, _: chat_reply(answer).SerializeToString()
    ),
    f"{_SERVICE}/StreamChatCompletion": Method("/chat/completions", _streamed_chat, None),
    f"{_SERVICE}/CreateCompletion": Method("/completions", _completion, _completed),
    f"{_SERVICE}/CreateEmbeddings": Method("/embeddings", _embeddings, _embedded),
}
