"""What servers of the OpenAI-compatible API answer, as far as it is read. What they add of their own is ignored."""

from typing import Annotated, Any, TypeVar

import msgspec

Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Index = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
T = TypeVar("T")


class MalformedAnswer(Exception):
    """A server's answer is not what the API says. The text names the place, and nothing of what stands there."""


class ErrorInAnswer(Exception):
    """A server reports an error in the middle of a stream."""


class CachedTokens(msgspec.Struct):
    """`usage.prompt_tokens_details`."""

    cached_tokens: Tokens | None = None


class ReasoningTokens(msgspec.Struct):
    """`usage.completion_tokens_details`."""

    reasoning_tokens: Tokens | None = None


class UsageAnswer(msgspec.Struct):
    """`usage`."""

    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    total_tokens: Tokens | None = None
    prompt_tokens_details: CachedTokens | None = None
    completion_tokens_details: ReasoningTokens | None = None


class Function(msgspec.Struct):
    """`function` of a tool call, or of a piece of one."""

    name: str | None = None
    arguments: str | None = None


class ToolCallAnswer(msgspec.Struct):
    """One of `tool_calls`, or a piece of one."""

    id: str | None = None
    index: Index | None = None
    function: Function | None = None


class MessageAnswer(msgspec.Struct):
    """`message` of a choice, or `delta` in a stream."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallAnswer] | None = None


class Choice(msgspec.Struct):
    """One of `choices`."""

    message: MessageAnswer | None = None
    delta: MessageAnswer | None = None
    text: str | None = None
    index: Index = 0
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """The answer of `chat/completions` and `completions`, and each piece of a streamed one."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: UsageAnswer | None = None
    error: Any = None


class Vector(msgspec.Struct):
    """One of the `data` of an embedding."""

    embedding: list[float]
    index: Index


class Embeddings(msgspec.Struct):
    """The answer of `embeddings`."""

    data: list[Vector]
    model: str | None = None
    usage: UsageAnswer | None = None


class ErrorText(msgspec.Struct):
    """`error` of a refusal."""

    message: str | None = None


class Refusal(msgspec.Struct):
    """The answer that goes with a status of 400 and above."""

    error: ErrorText | None = None


def read(kind: type[T], answer: bytes) -> T:
    """The answer, decoded.

    Raises:
        MalformedAnswer: it is none.
    """
    try:
        return msgspec.json.decode(answer, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        place = str(error).partition("`$")[2].rstrip("`") if isinstance(error, msgspec.ValidationError) else ""
        raise MalformedAnswer(place) from error
