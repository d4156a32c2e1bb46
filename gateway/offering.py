"""What an agent may use: the pages of `ListMethods`, worked out once for each agent and revision."""

import asyncio
import base64
import binascii
from typing import Final

from gateway.core.analysis.conditions import Parsed
from gateway.core.analysis.usable import Usable, usable
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.revision.compiled import Revision
from pilote.decision.v1 import decision_service_pb2
from pilote.governance.v1 import annotations_pb2

DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 1_000
MOST_LIMITS: Final = 50
MOST_AGENTS: Final = 1_000
"""Whose methods are remembered; of 100 methods each they take about 20 MB."""


class Offering:
    """Lists the methods that agents may use."""

    def __init__(self) -> None:
        self._of: Revision | None = None
        self._parsed: Parsed | None = None
        self._found: dict[str, tuple[Usable, ...]] = {}

    async def page(
        self, revision: Revision | None, agent: str, request: decision_service_pb2.ListMethodsRequest
    ) -> decision_service_pb2.ListMethodsResponse:
        """The page that is asked for.

        Raises:
            CallEnded: ARGUMENT_INVALID for a size or token that is none, REVISION_MISSING without a policy.
        """
        size, after = _size(request.page_size), _after(request.page_token)
        if revision is None:
            raise CallEnded(Reason.REVISION_MISSING, "No policy is active, so every call is refused.")
        found = [each for each in await self._usable(revision, agent) if each.method > after]
        shown, more = found[:size], len(found) > size
        return decision_service_pb2.ListMethodsResponse(
            methods=map(_told, shown),
            next_page_token=_token(shown[-1].method) if more else "",
            revision=revision.number,
        )

    async def _usable(self, revision: Revision, agent: str) -> tuple[Usable, ...]:
        if self._of is not revision or self._parsed is None or len(self._found) >= MOST_AGENTS:
            self._of, self._parsed, self._found = revision, Parsed(revision.engine), {}
        parsed, kept = self._parsed, self._found
        if agent not in kept:
            found = []
            for each in usable(revision, agent, parsed=parsed):
                await asyncio.sleep(0)  # a method takes about a millisecond; calls go on between two
                if each is not None:
                    found.append(each)
            kept[agent] = tuple(found)
        return kept[agent]


def _told(usable_method: Usable) -> decision_service_pb2.Method:
    return decision_service_pb2.Method(
        method=usable_method.method,
        operation=annotations_pb2.Operation.Value(f"OPERATION_{usable_method.operation.value}"),
        autonomy=decision_service_pb2.Autonomy.Value(f"AUTONOMY_{usable_method.autonomy.upper()}"),
        may_be_held=usable_method.may_be_held,
        limits=usable_method.limits[:MOST_LIMITS],
    )


def _size(page_size: int) -> int:
    if not 0 <= page_size <= LARGEST_SIZE:
        text = f"page_size is {page_size}; it must be 1 to {LARGEST_SIZE}, or 0 for {DEFAULT_SIZE}."
        raise invalid("page_size", text)
    return page_size or DEFAULT_SIZE


def _token(method: str) -> str:
    return base64.urlsafe_b64encode(method.encode()).decode().rstrip("=")


def _after(page_token: str) -> str:
    """The method that the page before ended with; empty for the first page."""
    try:
        method = base64.b64decode(page_token + "=" * (-len(page_token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        method = ""
    if page_token and not method.startswith("/"):
        raise invalid("page_token", "page_token is not one of ours: pass next_page_token of the page before.")
    return method
