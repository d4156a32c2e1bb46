"""What several operations of the control plane are asked with: their requests, answers and query parameters."""

from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, TypeVar, cast

import msgspec
from litestar import Response
from litestar.params import HeaderParameter, QueryParameter

from services.control.access.principals import Asked
from services.control.preconditions import ANY, Match, Unmatched, match_in, quoted

Asking: TypeAlias = Asked
T = TypeVar("T")
Answer: TypeAlias = Response[Any]
PageSize = Annotated[int, QueryParameter(name="pageSize", ge=0, le=1_000, description="Most to return. 0: 50.")]
PageToken = Annotated[str, QueryParameter(name="pageToken", description="`nextPageToken` of the page before.")]
StartTime = Annotated[str, QueryParameter(name="startTime", description="From when on, RFC 3339.")]
EndTime = Annotated[str, QueryParameter(name="endTime", description="Until when, RFC 3339.")]
Tenant = Annotated[str, QueryParameter(name="tenant", description="Only of this tenant. Empty: of all that are yours.")]
Tenants = Annotated[
    list[str] | None,
    QueryParameter(name="tenants", description="Only of these, may be repeated. Empty: of all that are yours."),
]
IfMatch = Annotated[
    str, HeaderParameter(name="if-match", description="Only if it is still as it was read: the `etag` of then.")
]
IfNoneMatch = Annotated[
    str, HeaderParameter(name="if-none-match", description="Only if it is not what one has: the `etag` of that.")
]


def match_of(if_match: str) -> Match:
    """Which version may be changed, by the header `if-match`; any, where there is none.

    Raises:
        Undone: ARGUMENT_INVALID for one that cannot be read.
    """
    return match_in(if_match, field="if-match") if if_match else ANY


def match_needed(if_match: str) -> Match:
    """The same where it must be said.

    Raises:
        Unmatched: MATCH_NEEDED where it is not.
    """
    if not if_match:
        raise Unmatched("match-needed")
    return match_of(if_match)


def tagged(body: T, *, etag: str, status: int = 200, known: str = "") -> Response[T]:
    """An answer with its ETag; 304 without the body, where the header `if-none-match` says that this is `known`.

    Raises:
        Undone: ARGUMENT_INVALID for a header that cannot be read.
    """
    headers = {"etag": quoted(etag)}
    if known and match_in(known, field="if-none-match").holds_weakly(etag):
        return Response(cast("T", None), status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, status_code=status, headers=headers)


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
