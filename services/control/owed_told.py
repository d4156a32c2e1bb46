"""Tells whoever has changed something that its note in the log is owed: in a header, and on the page that follows."""

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from services.control.access.principals import Asked

HEADER: Final = "pilote-note-owed"
"""The header, "true", of an answer to a change that is noted in the log as soon as that answers."""
_STATE: Final = "note_owed"


def owes(request: Asked) -> None:
    """Have the answer to this request say so."""
    request.state[_STATE] = True


def is_owed(request: Asked) -> bool:
    """Whether it will."""
    return bool(request.state.get(_STATE))


async def with_header(message: Message, scope: Scope) -> None:
    """Add the header where it is to be said. For Litestar's `before_send`."""
    if message["type"] == "http.response.start" and scope["state"].get(_STATE):
        MutableScopeHeaders.from_message(message)[HEADER] = "true"
