"""Events as Segment's clients send them, decoded: each by itself, so that a bad one takes no other with it. Pure.

Fields that we do not know are left alone: senders add their own. Of a key that stands in an object twice the last one
counts, as everywhere in JSON.
"""

import datetime as dt
import math
import re
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

KINDS: Final = ("identify", "group", "track", "page", "screen", "alias")
MOST_BODY_BYTES: Final = 500 * 1024
"""Of a request, once it is decompressed."""
MOST_EVENT_BYTES: Final = 32 * 1024
MOST_ID_CHARACTERS: Final = 200
MOST_LEVELS: Final = 32
"""Of objects and lists within each other. How deep a JSON reader goes itself depends on the version of Python."""
CLOCKS_APART_MS: Final = 60_000
"""A sender's clock that is as near as this to ours is believed: the way to us takes time as well."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FIELD: Final = re.compile(r"`\$\.?([^`]*)`")

Objects = dict[str, Any]


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """One event."""

    type: str = ""
    message_id: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    event: str | None = None
    traits: Objects | None = None
    properties: Objects | None = None
    context: Objects | None = None
    timestamp: dt.datetime | None = None
    original_timestamp: dt.datetime | None = None
    sent_at: dt.datetime | None = None


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    """A body of `/v1/batch`: events are read one by one, later."""

    batch: list[msgspec.Raw]
    sent_at: dt.datetime | None = None
    context: Objects | None = None


class Problem(NamedTuple):
    """What is wrong with an event, in codes: a key of `services.intake.texts`, and where."""

    code: str
    field: str = ""


_event: Final = msgspec.json.Decoder(Event)
_batch: Final = msgspec.json.Decoder(Batch)
T = TypeVar("T")


def batch_in(body: bytes) -> Batch | Problem:
    """The batch that a body is."""
    return read(_batch, body)


def event_in(raw: bytes | msgspec.Raw, *, kind: str = "") -> Event | Problem:
    """The event that a text is; `kind` is what it was sent as, empty where it says that itself."""
    text = bytes(raw)
    if len(text) > MOST_EVENT_BYTES:
        return Problem("event-large")
    event = read(_event, text)
    if isinstance(event, Problem):
        return event
    if kind:
        event = msgspec.structs.replace(event, type=kind)
    return checked(event)


def read(decoder: msgspec.json.Decoder[T], text: bytes) -> T | Problem:
    """What a text is, or what is wrong with it."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        return Problem("kind", field_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem("malformed")
    except RecursionError:
        return Problem("deep")


def checked(event: Event) -> Event | Problem:
    """The event, or what it lacks."""
    return _problem(event) or event


def _problem(event: Event) -> Problem | None:
    if event.type not in KINDS:
        return Problem("type", "type")
    if not named(event.user_id) and not named(event.anonymous_id):
        return Problem("nobody", "userId")
    for field, value in (
        ("userId", event.user_id),
        ("messageId", event.message_id),
        ("groupId", event.group_id),
        ("previousId", event.previous_id),
    ):
        if value is not None and not is_id(str(value)):
            return Problem("id", field)
    if event.type == "track" and not event.event:
        return Problem("nameless", "event")
    if event.type == "group" and not named(event.group_id):
        return Problem("groupless", "groupId")
    return Problem("deep") if any(_deep(each) for each in (event.traits, event.properties, event.context)) else None


def _deep(value: Any, *, left: int = MOST_LEVELS) -> bool:
    """Whether objects and lists lie deeper than that within each other."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_deep(each, left=left - 1) for each in inner)


def named(identifier: str | int | None) -> bool:
    """Whether an id says anything."""
    return identifier is not None and identifier != ""


def happened_ms(event: Event, *, sent_at: dt.datetime | None, received_ms: int) -> int:
    """When an event happened, in milliseconds since the epoch, by our clock and never later than it was received.

    A sender's clock that is far from ours is set right by when it says it has sent the event (`sentAt`), as Segment
    does. Without that, a time that has not come yet is the one of the receipt.
    """
    said = event.timestamp or event.original_timestamp
    if said is None:
        return received_ms
    at_ms, sent = _ms(said), event.sent_at or sent_at
    if sent is not None and abs(apart := received_ms - _ms(sent)) > CLOCKS_APART_MS:
        at_ms += apart
    return max(0, at_ms if at_ms <= received_ms + CLOCKS_APART_MS else received_ms)


def _ms(at: dt.datetime) -> int:
    return math.floor((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


def is_id(text: str) -> bool:
    """Whether a text can be an id. A control character could make a customer of what is none: no name holds one."""
    return len(text) <= MOST_ID_CHARACTERS and not _UNPRINTABLE.search(text)


def field_of(error: msgspec.ValidationError) -> str:
    """Where an error is, without the text of it, which might quote what was sent."""
    found = _FIELD.findall(str(error))
    return found[-1] if found else ""
