"""Where facts come from in events, and where they go: the words that a source's `facts` are written in. Pure.

A place in an event is `traits.NAME` (identify), `groupId` or `group.NAME` (group), `properties.NAME` (track, page,
screen) or `context.NAME` (all of them), each with further steps into objects. A fact is `traits.NAME` (kept as text),
`scores.NAME` (a number), `segments.NAME` (true: the customer is in it), `time_zone` or `language`.
"""

import re
from typing import Final

PLACES: Final = ("traits.NAME", "properties.NAME", "context.NAME", "groupId", "group.NAME")
"""Kinds of places, for people."""
FACTS: Final = ("traits.NAME", "scores.NAME", "segments.NAME", "time_zone", "language")
"""Kinds of facts, for people."""
USER_ID: Final = "{userId}"

UNOMI_USERS: Final = ("profileId", "properties.NAME", "source.NAME", "target.NAME")
"""Kinds of places where events of Apache Unomi name their customer, for people."""

_STEP: Final = r"[A-Za-z_$][A-Za-z0-9_$ -]{0,62}"
_PLACE: Final = re.compile(rf"(groupId|(traits|properties|context|group)(\.{_STEP}){{1,8}})\Z")
_UNOMI_USER: Final = re.compile(rf"(profileId|(properties|source|target)(\.{_STEP}){{1,8}})\Z")
_FACT: Final = re.compile(r"((traits|scores|segments)\.[A-Za-z][A-Za-z0-9_.-]{0,62}|time_zone|language)\Z")


def steps_to(place: str) -> tuple[str, ...] | None:
    """The steps from an event to a place in it; `None` where it is none."""
    return tuple(place.split(".")) if _PLACE.match(place) else None


def unomi_steps_to(place: str) -> tuple[str, ...] | None:
    """The steps to the customer's name in an event of Apache Unomi; `None` where it is no place of one."""
    return tuple(place.split(".")) if _UNOMI_USER.match(place) else None


def is_fact(name: str) -> bool:
    """Whether that is the name of a fact that an event may change."""
    return _FACT.match(name) is not None


def subject_of(template: str, user_id: str) -> str:
    """The customer's name."""
    return template.replace(USER_ID, user_id)
