"""What is known of a method: how it is governed, and how its messages are read.

Built from descriptors in `gateway.messages.contracts`; nothing here knows protobuf.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from gateway.core.call import Operation
from gateway.core.mistakes import Told
from gateway.core.shadows import Compare

DEFAULT_MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest message where the contract names no limit of its own."""

# Spelling must not open a second bucket: what governs a call is compared in one form only.
TOKEN: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
"""What a channel or category looks like."""
SUBJECT: Final = re.compile(r"[!-~]{1,256}")
"""What the name of a customer looks like."""


class Said(NamedTuple):
    """What a request says that governs it; empty where the field is unset, or the contract has no such field."""

    subject: str = ""
    channel: str = ""
    category: str = ""
    model: str = ""
    model_version: str = ""
    request_id: str = ""
    brand: str = ""
    purpose: str = ""
    contact_point: str = ""
    session: str = ""
    identity: str = ""
    campaign: str = ""


class TokenUsage(NamedTuple):
    """What a reply says that a model has used."""

    input: int
    output: int
    cached: int = 0
    """Those of `input` that the model had from before."""
    reasoning: int = 0
    """Those of `output` that it did not say."""


TextsReader = Callable[[object], tuple[str, ...]]
"""Reads several texts from a decoded request message."""


def read_nothing(_request: object) -> Said:
    """The reader of a contract that names no fields."""
    return Said()


def read_none(_request: object) -> tuple[str, ...]:
    """The reader of texts that the contract does not have."""
    return ()


def no_value(_steps: tuple[str, ...]) -> None:
    """Of a contract that nobody has described no value is recorded."""


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule takes out of a message: the fields at these paths, and all that is at least so sensitive."""

    fields: tuple[str, ...] = ()
    sensitivity: str = ""
    """Name of the least sensitivity, such as "PERSONAL"; empty: none is taken out for its sensitivity."""
    text_instead: str | None = None
    """What texts are replaced by; `None`: they are cleared."""


class RedactionMistake(Exception):
    """The redaction does not fit the message. `place` is the index of the path that is wrong, -1 for none of them."""

    def __init__(self, what: Told, *, place: int = -1) -> None:
        super().__init__(what.code)
        self.what = what
        self.place = place


Take = Callable[[object], None]
"""Takes fields out of a decoded message, in place."""


class Redactor(Protocol):
    """Redacts messages of one type."""

    def plan(self, redaction: Redaction) -> Take:
        """What the redaction does to a message.

        Raises:
            RedactionMistake: a path names no field, or something that must stay.
        """

    def touches(self, redaction: Redaction) -> bool:
        """Whether there is anything to redact, as far as the contract says."""

    def apply(self, message: bytes, takes: Sequence[Take]) -> bytes:
        """The message with all of that taken out.

        Raises:
            ValueError: the bytes are no such message.
        """


class Comparer(Protocol):
    """Compares two replies of one type."""

    def check(self, path: str, *, place: int) -> None:
        """Look whether the reply has such a path. `place` says which of several paths it is.

        Raises:
            RedactionMistake: it has not.
        """

    def plan(self, *, ignore: Sequence[str], tolerance: float) -> Compare:
        """A function that compares the caller's reply with a candidate's.

        What lies at the paths of `ignore` is left out; paths that this reply does not have mean nothing. Numbers that
        differ by no more than the share `tolerance` of the larger one are the same.
        """


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
    http: bool = False
    """It is a method of a plain HTTP API: Envoy forwards its requests, the gateway only decides about them."""
    unrouted: bool = False
    """Nobody forwards it: somebody only asks whether there is room in its limits, and is never heard of again."""
    hits: Callable[[Any], int] | None = None
    """How many calls a decoded request stands for; `None`: it is one."""
    idempotent: bool = False
    """A repeat changes nothing, so it may be retried."""
    read: Callable[[object], Said] = read_nothing
    created: Callable[[object], str] | None = None
    """The name that a decoded reply says was created; `None` where the contract has none."""
    says: frozenset[str] = frozenset()
    """Names of what `read` can find at all."""
    topics: TextsReader = read_none
    put_channel: Callable[[object, str], bytes] | None = None
    """Returns the bytes of the same message with another channel and without its contact point; raises `ValueError` for
    a channel that the contract does not know. `None` where it has none."""
    pin: Callable[[object, str], bytes] | None = None
    instruct: Callable[[bytes, str], bytes] | None = None
    """Returns the bytes of the same message with the text as the model's instructions, in place of the caller's."""
    served: Callable[[object], str] | None = None
    """The version that a decoded reply says has answered; `None` where the contract has no such field."""
    metered: Callable[[object], bool] | None = None
    """Whether a decoded reply says what it has used; `None` where the contract does not say in which field."""
    usage: Callable[[object], TokenUsage] | None = None
    """What it says there, in tokens; `None` where the field is not about tokens."""
    redactors: Mapping[str, Redactor] = {}
    """How its messages are redacted: of the "request" and of the "reply"."""
    comparer: Comparer | None = None
    """How its replies are compared."""
    subject_path: str = ""
    channel_path: str = ""
    contact_point_path: str = ""
    session_path: str = ""
    max_message_bytes: int = DEFAULT_MAX_BYTES
    value_of: Callable[[tuple[str, ...]], Callable[[Any], Any] | None] = no_value
    """Gives, for a path of fields and keys, a function that reads a value of the request for the record; nothing where
    the path leads to none, or to one that may not be recorded."""
    closed: Mapping[str, frozenset[str]] = {}
    """All that its channel, category or model can be, where the field is an enum."""

    @property
    def whole(self) -> bool:
        """Whether the gateway has a call whole, so that it can keep it, copy it, or make it a second time."""
        return not (self.client_streaming or self.server_streaming or self.http)


def method_matches(pattern: str, method: str) -> bool:
    """Whether `pattern` covers the full method name "/package.Service/Method".

    A pattern is the full name, or a beginning of it closed by "*" ("/pilote.crm.v1.*"); the leading slash may be left
    out.
    """
    pattern = pattern if pattern.startswith("/") else f"/{pattern}"
    if pattern.endswith("*"):
        return method.startswith(pattern[:-1])
    return method == pattern
