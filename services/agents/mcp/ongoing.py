"""Calls in sessions that the SDK does not know of, so that they can be cancelled as those that it does."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.jsonrpc_dispatcher import cancelled_request_id_from_params

from services.agents.listening import Listening

MOST: Final = 10_000
"""Calls that are kept at once; those beyond are left to the SDK."""

RequestId = int | str


class Cancelled(Exception):
    """The caller has cancelled the call."""


class SessionEnded(Exception):
    """The call's session has been ended."""


class Ongoing:
    """The calls that are being answered, by session and by the number that the client gave them."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._calls: dict[tuple[str, RequestId], Listening] = {}

    def takes(self, session: str, request: RequestId) -> bool:
        """Whether one more call may be kept: there is room, and none of that number is under way."""
        return len(self._calls) < self._most and (session, coerce_request_id(request)) not in self._calls

    @contextlib.contextmanager
    def kept(self, session: str, request: RequestId, listening: Listening) -> Iterator[None]:
        """Keep the call while the block goes on, which `listening` can end."""
        key = (session, coerce_request_id(request))
        self._calls[key] = listening
        try:
            yield
        finally:
            del self._calls[key]

    def cancel(self, session: str, params: Mapping[str, Any] | None) -> None:
        """End the call that a `notifications/cancelled` with these parameters is about, if there is one."""
        request = cancelled_request_id_from_params(params)
        found = None if request is None else self._calls.get((session, coerce_request_id(request)))
        if found is not None:
            found.end(Cancelled())

    def end(self, session: str) -> None:
        """End all calls of a session."""
        for (owner, _), listening in list(self._calls.items()):
            if owner == session:
                listening.end(SessionEnded())
