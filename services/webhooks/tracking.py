"""How trackers are told of a contact: as Matomo's tracking API has it, or Segment's, which many took over. Pure.

Matomo: https://developer.matomo.org/api-reference/tracking-api. A contact is an event: category "contact", action the
channel, name the category of the message, URL the decision. It has no memory of what it was told, so what is sent twice
is counted twice; Segment's manner has `messageId` for that.
"""

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from gateway.core.trackers import Tracker, person
from services.webhooks.contacts import Contact

MOST_ANSWER_BYTES: Final = 10_000
_PLACE: Final = "https://pilote.invalid/decisions/"
"""Matomo wants a URL for everything; this one leads nowhere, and is told apart from pages by its host."""


class Sent(NamedTuple):
    """One request to a tracker."""

    headers: Mapping[str, str]
    body: bytes


def told(contact: Contact, tracker: Tracker, *, url: str, secret: bytes) -> Sent:
    """The request that tells of a contact to a tracker at `url`; `secret` is its token or write key, empty for none."""
    who = person(contact.subject_ref, of=f"{url} {tracker.site}")
    return (_matomo if tracker.manner == "matomo" else _segment)(contact, tracker, who=who, secret=secret.decode())


def taken(tracker: Tracker, answer: bytes) -> bool:
    """Whether the answer of a tracker that has said 2xx says that it has taken what it was told."""
    if tracker.manner != "matomo":
        return True
    try:
        found = msgspec.json.decode(answer, type=_Counted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return found.status == "success" and found.tracked == 1


class _Counted(msgspec.Struct, frozen=True):
    """What Matomo answers. It says 200 to a site that it does not have, and to a wrong token."""

    status: str = ""
    tracked: int = 0


def _matomo(contact: Contact, tracker: Tracker, *, who: str, secret: str) -> Sent:
    asked = {
        "idsite": tracker.site, "rec": 1, "apiv": 1, "ca": 1, "bots": 1, "uid": who, "cdt": contact.at_ms // 1000,
        "e_c": "contact", "e_a": contact.channel, "e_n": contact.category, "url": f"{_PLACE}{contact.decision}",
    }  # fmt: skip
    body: dict[str, Any] = {"requests": [f"?{urlencode({name: each for name, each in asked.items() if each != ''})}"]}
    if secret:
        body["token_auth"] = secret
    return Sent(_headers(), msgspec.json.encode(body))


def _segment(contact: Contact, _tracker: Tracker, *, who: str, secret: str) -> Sent:
    properties = {
        "decision_id": contact.decision, "channel": contact.channel, "category": contact.category,
        "brand": contact.brand, "agent": contact.agent, "model_version": contact.model_version,
    }  # fmt: skip
    body = {
        "type": "track",
        "event": "Contact Made",
        "messageId": contact.decision,
        "userId": who,
        "timestamp": dt.datetime.fromtimestamp(contact.at_ms / 1000, dt.UTC),
        "properties": {name: each for name, each in properties.items() if each},
        "context": {"library": {"name": "pilote"}},
    }
    key = base64.b64encode(f"{secret}:".encode()).decode()
    return Sent(_headers() | {"authorization": f"Basic {key}"}, msgspec.json.encode(body))


def _headers() -> dict[str, str]:
    return {"content-type": "application/json", "user-agent": "pilote-webhooks"}
