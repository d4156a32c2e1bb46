"""Reads places in events. Pure."""

from typing import Any, Final

from services.intake.events import Event

READ_BY: Final = {
    "identify": ("traits", "context"),
    "group": ("group", "groupId", "context"),
    "track": ("properties", "context"),
    "page": ("properties", "context"),
    "screen": ("properties", "context"),
    "alias": ("context",),
}
"""Which objects of an event its kind has."""
MISSING: Final = object()


def found_in(event: Event, steps: tuple[str, ...]) -> Any:
    """What stands at a place (`gateway.core.sources.steps_to`) of an event; `MISSING` for nothing."""
    if steps[0] not in READ_BY[event.type]:
        return MISSING
    if steps[0] == "groupId":
        return event.group_id
    value: Any = getattr(event, "traits" if steps[0] == "group" else steps[0])
    for step in steps[1:]:
        if not isinstance(value, dict) or step not in value:
            return MISSING
        value = value[step]
    return value
