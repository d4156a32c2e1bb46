"""What is said of the events of a request: which were taken, and why others were not."""

from typing import Final

import msgspec

from services.intake.events import Event, Problem
from services.intake.texts import say

MOST_SAID: Final = 100
"""Refused events, and values that were left out, that an answer names."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Something about one event of a request."""

    index: int
    message: str
    """In words."""
    reason: str
    """For machines; never renamed."""
    field: str = ""
    message_id: str = ""


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What came of a request."""

    success: bool
    """Whether any of its events was good, or there was none: else sending it again is of no use."""
    accepted: int
    repeated: int
    """Events that were accepted before."""
    anonymous: int
    """Events about somebody whom the sender has no `userId` for: nothing is kept of them."""
    rejected: tuple[Said, ...] = ()
    ignored: tuple[Said, ...] = ()
    """Values that were left out, of events that were accepted."""


def said_of(index: int, event: Event | None, problem: Problem, language: str) -> Said:
    """What is said of one event."""
    return Said(
        index=index,
        message=say(problem.code, language=language, field=problem.field or "$"),
        reason=problem.code.upper().replace("-", "_"),
        field=problem.field,
        message_id=(event.message_id or "") if event is not None else "",
    )
