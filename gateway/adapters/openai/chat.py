"""Chats: from our contract's request to the API's body, and back. Pure."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from gateway.adapters.openai.answers import (
    Choice,
    Completion,
    ErrorInAnswer,
    MalformedAnswer,
    MessageAnswer,
    ToolCallAnswer,
    UsageAnswer,
    read,
)
from gateway.core.errors import CallEnded, Reason
from pilote.inference.v1 import chat_pb2, inference_service_pb2

Body = dict[str, Any]
ChatRequest = inference_service_pb2.CreateChatCompletionRequest | inference_service_pb2.StreamChatCompletionRequest

MOST_MESSAGES: Final = 1_000
MOST_TOOLS: Final = 128
MAX_TOKENS: Final = "max_completion_tokens"
"""What the API calls the most tokens of a chat's answer."""

_ROLES: Final[Mapping[int, str]] = {
    chat_pb2.ROLE_SYSTEM: "system",
    chat_pb2.ROLE_USER: "user",
    chat_pb2.ROLE_ASSISTANT: "assistant",
    chat_pb2.ROLE_TOOL: "tool",
}
_MODES: Final[Mapping[int, str]] = {
    chat_pb2.ToolChoice.MODE_NONE: "none",
    chat_pb2.ToolChoice.MODE_AUTO: "auto",
    chat_pb2.ToolChoice.MODE_REQUIRED: "required",
}
_FINISH: Final[Mapping[str, chat_pb2.FinishReason.ValueType]] = {
    "stop": chat_pb2.FINISH_REASON_STOP,
    "length": chat_pb2.FINISH_REASON_LENGTH,
    "tool_calls": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "function_call": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": chat_pb2.FINISH_REASON_CONTENT_FILTER,
}


def chat_body(request: ChatRequest) -> Body:
    """The body of `chat/completions`.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field that cannot be sent.
    """
    chat = request.chat
    _bounded("chat.messages", len(chat.messages), least=1, most=MOST_MESSAGES)
    _bounded("chat.tools", len(chat.tools), least=0, most=MOST_TOOLS)
    first = [{"role": "system", "content": request.instructions}] if request.instructions else []
    body: Body = {
        "model": request.model_version,
        "messages": first + [_message(message, f"chat.messages[{n}]") for n, message in enumerate(chat.messages)],
        **sampling(chat.sampling, most=MAX_TOKENS),
    }
    if chat.tools:
        body["tools"] = [_tool(tool, f"chat.tools[{n}]") for n, tool in enumerate(chat.tools)]
    if chat.HasField("tool_choice"):
        body.update(_tool_choice(chat.tool_choice))
    if chat.HasField("parallel_tool_calls"):
        body["parallel_tool_calls"] = chat.parallel_tool_calls
    if chat.HasField("response_format"):
        body.update(_response_format(chat.response_format))
    return body


def chat_reply(answer: bytes) -> inference_service_pb2.CreateChatCompletionResponse:
    """The reply to CreateChatCompletion.

    Raises:
        MalformedAnswer: the answer is none.
    """
    completion = read(Completion, answer)
    choice = first_choice(completion)
    if choice.message is None:
        raise MalformedAnswer("choices[0].message")
    message = choice.message
    return inference_service_pb2.CreateChatCompletionResponse(
        id=completion.id or "",
        served_model=completion.model or "",
        message=chat_pb2.ChatMessage(
            role=chat_pb2.ROLE_ASSISTANT,
            text=message.content or "",
            refusal=message.refusal or "",
            tool_calls=_tool_calls(message),
        ),
        finish_reason=finish_reason(choice),
        usage=usage(completion.usage),
    )


def chat_piece(data: bytes) -> inference_service_pb2.StreamChatCompletionResponse:
    """One message of the reply to StreamChatCompletion.

    Raises:
        MalformedAnswer: the event's data is no piece of an answer.
        ErrorInAnswer: it says that the server has failed.
    """
    completion = read(Completion, data)
    if completion.error is not None:
        raise ErrorInAnswer
    choice = next((each for each in completion.choices or () if each.index == 0), Choice())
    delta = choice.delta or MessageAnswer()
    return inference_service_pb2.StreamChatCompletionResponse(
        id=completion.id or "",
        served_model=completion.model or "",
        text=delta.content or "",
        refusal=delta.refusal or "",
        tool_calls=_tool_calls(delta),
        finish_reason=finish_reason(choice),
        usage=usage(completion.usage),
    )


def sampling(chosen: chat_pb2.Sampling, *, most: str) -> Body:
    """How the answer is drawn; `most` is what the API calls the most tokens of an answer.

    Raises:
        CallEnded: ARGUMENT_INVALID where a number is none.
    """
    body: Body = {
        name: getattr(chosen, name)
        for name in ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
        if chosen.HasField(name)
    }
    for name, number in body.items():
        if not math.isfinite(number):
            raise invalid(f"sampling.{name}", "must be a number")
    if chosen.HasField("max_tokens"):
        body[most] = chosen.max_tokens
    if chosen.stop:
        body["stop"] = list(chosen.stop)
    return body


def first_choice(completion: Completion) -> Choice:
    """The only choice that was asked for.

    Raises:
        MalformedAnswer: there is none.
    """
    if not completion.choices:
        raise MalformedAnswer("choices")
    return completion.choices[0]


def finish_reason(choice: Choice) -> chat_pb2.FinishReason.ValueType:
    """Why the answer ends."""
    return _FINISH.get(choice.finish_reason or "", chat_pb2.FINISH_REASON_UNSPECIFIED)


def usage(answer: UsageAnswer | None) -> chat_pb2.Usage | None:
    """What the answer has used; `None` where the server does not say."""
    if answer is None:
        return None
    prompt, completion = answer.prompt_tokens or 0, answer.completion_tokens or 0
    prompt_details, completion_details = answer.prompt_tokens_details, answer.completion_tokens_details
    return chat_pb2.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion if answer.total_tokens is None else answer.total_tokens,
        cached_tokens=(prompt_details.cached_tokens or 0) if prompt_details is not None else 0,
        reasoning_tokens=(completion_details.reasoning_tokens or 0) if completion_details is not None else 0,
    )


def invalid(field: str, text: str) -> CallEnded:
    """What ends a call whose field cannot be sent."""
    return CallEnded(
        Reason.ARGUMENT_INVALID, f"{field} {text}.", metadata={"field": field}, violations=((field, text),)
    )


def _bounded(field: str, count: int, *, least: int, most: int) -> None:
    if not least <= count <= most:
        raise invalid(field, f"has {count} entries; {least} to {most} are taken")


def _message(message: chat_pb2.ChatMessage, field: str) -> Body:
    role = _ROLES.get(message.role)
    if role is None:
        raise invalid(f"{field}.role", "is required: say who says the message")
    body: Body = {"role": role, "content": _content(message)}
    if message.name:
        body["name"] = message.name
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
        body["content"] = body["content"] or None
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    if message.refusal:
        body["refusal"] = message.refusal
    return body


def _content(message: chat_pb2.ChatMessage) -> str | list[Body]:
    if not message.images:
        return message.text
    parts: list[Body] = [{"type": "text", "text": message.text}] if message.text else []
    for image in message.images:
        shown = {"url": image.url} | ({"detail": image.detail} if image.detail else {})
        parts.append({"type": "image_url", "image_url": shown})
    return parts


def _tool(tool: chat_pb2.Tool, field: str) -> Body:
    if not tool.name:
        raise invalid(f"{field}.name", "is required")
    function: Body = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.HasField("parameters"):
        function["parameters"] = _json(tool.parameters, f"{field}.parameters")
    if tool.HasField("strict"):
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: chat_pb2.ToolChoice) -> Body:
    if choice.function:
        return {"tool_choice": {"type": "function", "function": {"name": choice.function}}}
    mode = _MODES.get(choice.mode)
    return {} if mode is None else {"tool_choice": mode}


def _response_format(wanted: chat_pb2.ResponseFormat) -> Body:
    if wanted.kind == chat_pb2.ResponseFormat.KIND_JSON_OBJECT:
        return {"response_format": {"type": "json_object"}}
    if wanted.kind != chat_pb2.ResponseFormat.KIND_JSON_SCHEMA:
        return {}
    field = "chat.response_format"
    if not wanted.schema_name:
        raise invalid(f"{field}.schema_name", "is required for a schema")
    schema: Body = {"name": wanted.schema_name, "schema": _json(wanted.schema, f"{field}.schema")}
    if wanted.HasField("strict"):
        schema["strict"] = wanted.strict
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _json(struct: Struct, field: str) -> Body:
    try:
        return json_format.MessageToDict(struct)
    except json_format.SerializeToJsonError as error:  # not a number, or none at all
        raise invalid(field, "holds what JSON cannot say") from error


def _tool_calls(message: MessageAnswer) -> Iterable[chat_pb2.ToolCall]:
    return [_tool_call(call, place) for place, call in enumerate(message.tool_calls or ())]


def _tool_call(call: ToolCallAnswer, place: int) -> chat_pb2.ToolCall:
    function = call.function
    return chat_pb2.ToolCall(
        id=call.id or "",
        name=(function.name or "") if function is not None else "",
        arguments=(function.arguments or "") if function is not None else "",
        index=place if call.index is None else call.index,
    )
