"""What several operations of the control plane are asked with: their requests, answers and query parameters."""

from typing import Annotated, Any, TypeAlias

from litestar import Request, Response
from litestar.params import QueryParameter

Asking: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[Any]
PageSize = Annotated[int, QueryParameter(name="pageSize", ge=0, le=1_000, description="Most to return. 0: 50.")]
PageToken = Annotated[str, QueryParameter(name="pageToken", description="`nextPageToken` of the page before.")]
StartTime = Annotated[str, QueryParameter(name="startTime", description="From when on, RFC 3339.")]
EndTime = Annotated[str, QueryParameter(name="endTime", description="Until when, RFC 3339.")]
