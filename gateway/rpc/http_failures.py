"""What came of a call over HTTP, said as gRPC says it: the one table for upstreams that speak HTTP.

So that one place (`fate_of`) judges all failed calls: what could not be reached and what is overloaded is untouched,
what was refused is refused, and of everything else nobody knows.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from gateway.rpc.status import DETAILS_KEY

LONGEST_RETRY_MS: Final = 3_600_000
"""Longest wait that is passed on; a server that asks for more is asked again in an hour."""
LONGEST_TEXT: Final = 500
DOMAIN: Final = "http"

_REFUSED: Final[Mapping[int, grpc.StatusCode]] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_OVERLOADED: Final = frozenset({503, 529})
OPERATORS: Final = frozenset({401, 402, 403, 404, 405})
"""Statuses that the gateway's operator must do something about: key, account, address or name of the version."""

Metadata = tuple[tuple[str, str], ...]
_UNPRINTABLE: Final = re.compile(r"[^\w\s!-~]")


def answered(status: int, text: str, *, headers: Metadata, retry_ms: int | None) -> grpc.aio.AioRpcError:
    """The failure that an HTTP status of 300 and above stands for.

    `text` is the server's own and is passed on where the caller can do something about it. `retry_ms` is how long the
    server wants to be left alone; `None` where it does not say.
    """
    code = _REFUSED.get(status)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        said = _UNPRINTABLE.sub("?", text)[:LONGEST_TEXT] or "The model's server refuses the request."
    elif code is not None:  # its own words may name the account, which is not the caller's
        said = "The model's server takes no more calls for now."
    elif status in _OVERLOADED:
        code, said = grpc.StatusCode.UNAVAILABLE, "The model's server is overloaded."
    else:
        return _failure(grpc.StatusCode.INTERNAL, f"HTTP {status}", headers=headers)
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=f"HTTP_{status}", domain=DOMAIN)]
    if retry_ms is not None:
        delay = duration_pb2.Duration(seconds=retry_ms // 1000, nanos=retry_ms % 1000 * 1_000_000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _failure(code, said, headers=headers, details=details)


def unreachable() -> grpc.aio.AioRpcError:
    """The failure of a call that never left: no name, no connection, no encryption."""
    return _failure(grpc.StatusCode.UNAVAILABLE, "failed to connect")


def broken_off() -> grpc.aio.AioRpcError:
    """The failure of a call whose connection has broken off."""
    return _failure(grpc.StatusCode.UNAVAILABLE, "the connection broke off")


def late() -> grpc.aio.AioRpcError:
    """The failure of a call that took too long."""
    return _failure(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed")


def malformed(what: str) -> grpc.aio.AioRpcError:
    """The failure of a call whose answer is not what it must be; `what` holds nothing of the answer."""
    return _failure(grpc.StatusCode.INTERNAL, what)


def unknown_method() -> grpc.aio.AioRpcError:
    """The failure of a call that cannot be made over HTTP."""
    return _failure(grpc.StatusCode.UNIMPLEMENTED, "The model's server has no such method.")


def retry_ms(headers: Mapping[str, str], *, now_ms: int) -> int | None:
    """How long the server wants to be left alone, at most an hour; `None` where it does not say.

    `now_ms` is the time, since a server may say a date (RFC 9110, 10.2.3).
    """
    millis, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", millis):
        found = float(millis)
    elif re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", seconds):
        found = 1000 * float(seconds)
    else:
        try:
            found = 1000 * parsedate_to_datetime(seconds).timestamp() - now_ms
        except (ValueError, OverflowError, OSError):
            return None
    return int(min(max(found, 0), LONGEST_RETRY_MS))


def _failure(
    code: grpc.StatusCode, text: str, *, headers: Metadata = (), details: list[Message] | None = None
) -> grpc.aio.AioRpcError:
    trailers: tuple[tuple[str, str | bytes], ...] = ()
    if details:
        status = status_pb2.Status(code=code.value[0], message=text, details=[_packed(detail) for detail in details])
        trailers = ((DETAILS_KEY, status.SerializeToString()),)
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(*headers), grpc.aio.Metadata(*trailers), details=text, debug_error_string=None
    )


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
