"""What several operations of the control plane are asked with: their requests, answers and query parameters."""

from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from litestar import Response
from litestar.params import HeaderParameter, QueryParameter

from services.control.access.principals import Asked

Asking: TypeAlias = Asked
T = TypeVar("T")
Answer: TypeAlias = Response[Any]
PageSize = Annotated[int, QueryParameter(name="pageSize", ge=0, le=1_000, description="Most to return. 0: 50.")]
PageToken = Annotated[str, QueryParameter(name="pageToken", description="`nextPageToken` of the page before.")]
StartTime = Annotated[str, QueryParameter(name="startTime", description="From when on, RFC 3339.")]
EndTime = Annotated[str, QueryParameter(name="endTime", description="Until when, RFC 3339.")]
Tenant = Annotated[str, QueryParameter(name="tenant", description="Only of this tenant. Empty: of all that are yours.")]
IfMatch = Annotated[
    str, HeaderParameter(name="if-match", description="Only if it is still as it was read: the `etag` of then.")
]


def version_in(if_match: str) -> str:
    """The version that a header `if-match` names; empty for none, or any that is there ("*")."""
    given = if_match.strip().removeprefix("W/").strip('"')
    return "" if given == "*" else given


async def body_of(request: Asking, kind: type[T]) -> T:
    """What the body of a request says, as JSON; without one, nothing.

    Raises:
        msgspec.DecodeError: it is not that.
    """
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


class Reasoned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done."""

    reason: str
    """It stays in the log."""
