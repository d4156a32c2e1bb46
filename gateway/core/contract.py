"""What is known of a method: how it is governed, and how its messages are read.

Built from descriptors in `gateway.contracts`; nothing here knows protobuf.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from gateway.core.call import Operation

DEFAULT_MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest message where the contract names no limit of its own."""

Reader = Callable[[object], str]
"""Reads one text from a decoded request message; empty where the field is unset."""


TextsReader = Callable[[object], tuple[str, ...]]
"""Reads several texts from a decoded request message."""


def read_nothing(_request: object) -> str:
    """The reader of a field that the contract does not have."""
    return ""


def read_none(_request: object) -> tuple[str, ...]:
    """The reader of texts that the contract does not have."""
    return ()


class MethodContract(msgspec.Struct, frozen=True, kw_only=True):
    """One described method.

    `decode` turns request bytes into a message (raises `ValueError` on malformed ones), `pin` returns the bytes of the
    same message with the model version written into it.
    """

    method: str
    operation: Operation
    request_type: str
    decode: Callable[[bytes], object]
    reply_type: str = ""
    decode_reply: Callable[[bytes], object] | None = None
    """Like `decode`, for what the upstream answers."""
    client_streaming: bool = False
    server_streaming: bool = False
    idempotent: bool = False
    """A repeat changes nothing, so it may be retried."""
    subject: Reader = read_nothing
    channel: Reader = read_nothing
    category: Reader = read_nothing
    model: Reader = read_nothing
    model_version: Reader = read_nothing
    request_id: Reader = read_nothing
    brand: Reader = read_nothing
    topics: TextsReader = read_none
    put_channel: Callable[[object, str], bytes] | None = None
    """Returns the bytes of the same message with another channel; `None` where the contract cannot say it."""
    pin: Callable[[object, str], bytes] | None = None
    subject_path: str = ""
    channel_path: str = ""
    max_message_bytes: int = DEFAULT_MAX_BYTES


def method_matches(pattern: str, method: str) -> bool:
    """Whether `pattern` covers the full method name "/package.Service/Method".

    A pattern is the full name, or a beginning of it closed by "*" ("/pilote.crm.v1.*"); the leading slash may be left
    out.
    """
    pattern = pattern if pattern.startswith("/") else f"/{pattern}"
    if pattern.endswith("*"):
        return method.startswith(pattern[:-1])
    return method == pattern
