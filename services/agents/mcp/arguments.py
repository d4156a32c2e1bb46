"""Arguments of tools as encoded requests, and answers as JSON. A mistake is told with the path of its field."""

import math
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from services.agents.catalogue import Method
from services.agents.mcp.tools import (
    MOST_PAGE_SIZE,
    MOST_REQUESTS,
    MOST_STREAM_ITEMS,
    PAGE_SIZE,
    STREAM_ITEMS,
    Tool,
)

MOST_NESTED: Final = 64
"""How deep arguments may lie within each other."""


class ArgumentsInvalid(Exception):
    """The arguments are no such request; the text says which and why, without repeating their values at length."""


class Window:
    """Which items of a stream are told: `skip` are left out, then at most `most` come."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.skip = _count(arguments.pop("skip_items", 0), "skip_items", least=0, most=1_000_000)
        self.most = _count(arguments.pop("max_items", STREAM_ITEMS), "max_items", least=1, most=MOST_STREAM_ITEMS)


def encoded(tool: Tool, arguments: Mapping[str, Any]) -> list[bytes]:
    """The request, or for a tool that takes many all of them.

    Raises:
        ArgumentsInvalid: they do not fit the contract.
    """
    if tool.kind != "many":
        return [_encoded(tool.method, _paged(arguments) if tool.paged else arguments, where="")]
    requests = arguments.get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS or len(arguments) != 1:
        raise ArgumentsInvalid(f"requests must be a list of 1 to {MOST_REQUESTS}, and the only argument")
    return [_encoded(tool.method, each, where=f"requests[{index}]") for index, each in enumerate(requests)]


def decoded(message_class: type[Message], blob: bytes) -> dict[str, Any]:
    """The message as JSON has it, its fields named as the contract names them.

    Raises:
        ValueError: the bytes are no such message, or hold an `Any` whose type nobody knows here.
    """
    try:
        message = message_class.FromString(blob)
        return json_format.MessageToDict(message, preserving_proto_field_name=True)
    except (DecodeError, TypeError) as error:
        raise ValueError("The answer is no such message.") from error


def _encoded(method: Method, arguments: Any, *, where: str) -> bytes:
    if not isinstance(arguments, Mapping):
        raise ArgumentsInvalid(f"{where or 'arguments'} must be an object")
    _check(arguments, depth=0)
    message = method.input()
    try:
        json_format.ParseDict(dict(arguments), message, max_recursion_depth=MOST_NESTED)
    except (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise ArgumentsInvalid(_said(error, where)) from error
    return message.SerializeToString()


def _check(value: Any, *, depth: int) -> None:
    """Look for what JSON does not have, or what lies too deep."""
    if depth > MOST_NESTED:
        raise ArgumentsInvalid(f"they are nested deeper than {MOST_NESTED}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentsInvalid("a number is not finite")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _check(each, depth=depth + 1)


def _said(error: Exception, where: str) -> str:
    text = " ".join(str(error).split())[:300].rstrip(".")
    return f"{where}: {text}" if where else text


def _paged(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same with a page that a model can read: 25 where nothing is said, at most 100."""
    size = arguments.get("page_size", arguments.get("pageSize", 0))
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return arguments  # the contract says what is wrong with it
    rest = {name: value for name, value in arguments.items() if name != "pageSize"}
    return rest | {"page_size": min(size or PAGE_SIZE, MOST_PAGE_SIZE)}


def _count(value: Any, name: str, *, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ArgumentsInvalid(f"{name} must be a whole number from {least} to {most}")
    return value
