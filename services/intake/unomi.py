"""Events as Apache Unomi's clients send them, understood as a source's policy says. Pure."""

import datetime as dt
from typing import Any, Final

import msgspec

from gateway.core.policy.sources import UnomiTold
from gateway.core.sources import unomi_steps_to
from services.intake.events import MOST_EVENT_BYTES, Event, Objects, Problem, checked, read

PATH: Final = "/cxs/eventcollector"
KEY_HEADER: Final = "x-unomi-peer"
"""Where its clients send their key; the write key may stand there too."""
MODIFY_CONSENT: Final = "modifyConsent"
_GRANTED: Final = "GRANTED"
_STATUSES: Final = (_GRANTED, "DENIED", "REVOKED")


class _Collected(msgspec.Struct, frozen=True, rename="camel"):
    """A body."""

    events: list[msgspec.Raw]
    session_id: str | None = None
    profile_id: str | None = None


class _Told(msgspec.Struct, frozen=True, rename="camel"):
    """One event, as it is sent."""

    event_type: str = ""
    item_id: str | None = None
    scope: str | None = None
    profile_id: str | None = None
    source: Objects | None = None
    target: Objects | None = None
    properties: Objects | None = None
    time_stamp: dt.datetime | int | None = None


_body: Final = msgspec.json.Decoder(_Collected)
_event: Final = msgspec.json.Decoder(_Told)
Read = tuple[Event | Problem, bytes]
"""An event, or what is wrong with it, and its text."""


def collected(body: bytes, told: UnomiTold) -> list[Read] | Problem:
    """The events that a body of `/cxs/eventcollector` holds."""
    found = read(_body, body)
    if isinstance(found, Problem):
        return found
    return [(_read(bytes(raw), found, told), bytes(raw)) for raw in found.events]


def _read(raw: bytes, body: _Collected, told: UnomiTold) -> Event | Problem:
    if len(raw) > MOST_EVENT_BYTES:
        return Problem("event-large")
    event = read(_event, raw)
    if isinstance(event, Problem):
        return event
    try:
        at = _time(event.time_stamp)
    except (OverflowError, ValueError, OSError):
        return Problem("kind", "timeStamp")
    if not event.event_type:
        return Problem("nameless", "eventType")
    identifies = event.event_type in told.identify
    return checked(
        Event(
            type="identify" if identifies else "track",
            message_id=event.item_id,
            user_id=_user(event, body, told),
            anonymous_id=event.profile_id or body.profile_id or body.session_id,
            event=event.event_type,
            traits=event.properties if identifies else None,
            properties=None if identifies else event.properties,
            context=_context(event),
            timestamp=at,
        )
    )


def _time(said: dt.datetime | int | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(said / 1000, dt.UTC) if isinstance(said, int) else said


def _user(event: _Told, body: _Collected, told: UnomiTold) -> str | int | None:
    first, *steps = unomi_steps_to(told.user) or ("",)
    if first == "profileId":
        return event.profile_id or body.profile_id
    value: Any = getattr(event, first, None)
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _context(event: _Told) -> Objects:
    context: Objects = {"scope": event.scope, "source": event.source, "target": event.target}
    if event.event_type == MODIFY_CONSENT:
        consent = (event.properties or {}).get("consent")
        if isinstance(consent, dict) and consent.get("status") in _STATUSES:
            context["consents"] = {str(consent.get("typeIdentifier")): consent["status"] == _GRANTED}
    return {name: value for name, value in context.items() if value is not None}
