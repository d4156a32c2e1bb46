"""The HTTP twin of `gateway.rpc.status`: how a refusal looks to somebody who speaks plain HTTP."""

from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf import json_format

from gateway.core.errors import CallEnded
from gateway.rpc.status import ROWS, code_of, status_of

HTTP_CODES: Final[Mapping[grpc.StatusCode, int]] = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""As `google.rpc.Code` maps them."""
_BY_HTTP: Final[Mapping[int, grpc.StatusCode]] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    412: grpc.StatusCode.FAILED_PRECONDITION,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def http_of(ended: CallEnded) -> int:
    """The HTTP status of a call that ended so."""
    return HTTP_CODES[code_of(ended.reason)]


def name_of(http: int) -> str:
    """The canonical name that stands for the HTTP status of an answer; 0 is none at all."""
    if 200 <= http < 400:
        return "OK"
    found = _BY_HTTP.get(http)
    if found is not None:
        return found.name
    return "INVALID_ARGUMENT" if 400 <= http < 500 else "UNKNOWN" if http == 0 else "INTERNAL"


def body_of(ended: CallEnded) -> str:
    """Why the call ended, as `google.rpc.Status` in JSON."""
    return json_format.MessageToJson(status_of(ended), indent=None)


def retry_after_s(ended: CallEnded) -> int | None:
    """Whole seconds for the header `retry-after`, rounded up; `None` where waiting does not help."""
    retry_ms = ended.retry_after_ms if ended.retry_after_ms is not None else ROWS[ended.reason].retry_ms
    return None if retry_ms is None else max(1, -(-retry_ms // 1000))
