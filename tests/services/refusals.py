"""What a test reads off a call that was refused."""

import contextlib
from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2

from gateway.rpc.status import reason_from, status_from


class Refusal:
    """Reason, code, text and wrong fields of a call that was refused."""

    reason: str
    code: grpc.StatusCode
    text: str
    fields: tuple[str, ...]

    def read(self, error: grpc.aio.AioRpcError) -> None:
        """Take them from the error that the stub raised."""
        self.reason, self.code, self.text = reason_from(error), error.code(), error.details() or ""
        bad_request = error_details_pb2.BadRequest()
        self.fields = tuple(
            violation.field
            for detail in status_from(error).details
            if detail.Unpack(bad_request)
            for violation in bad_request.field_violations
        )


@contextlib.contextmanager
def refused() -> Iterator[Refusal]:
    """Expect the call inside to be refused."""
    refusal = Refusal()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield refusal
    refusal.read(caught.value)
