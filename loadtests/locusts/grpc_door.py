"""Calls by gRPC, under gevent: the stubs' own C core, with waits that let other users go on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from loadtests.locusts.mix import Call
from loadtests.locusts.verdicts import Answer

NAME: Final = "gRPC"
_DETAILS: Final = "grpc-status-details-bin"


class GrpcDoor:
    """Channels to a gateway; calls take them in turn. gRPC must have been told of gevent before."""

    def __init__(self, address: str, *, keys: Mapping[str, str], connections: int, tls_ca: Path | None = None) -> None:
        self._keys = keys
        self._channels = [_channel(address, tls_ca) for _ in range(connections)]
        self._turn = 0

    def call(self, call: Call, *, traceparent: str, timeout_s: float) -> Answer:
        """Make the call, and read its answer to the end."""
        self._turn = (self._turn + 1) % len(self._channels)
        channel: Any = self._channels[self._turn]
        metadata = (("x-api-key", self._keys[call.agent]), ("traceparent", traceparent))
        options: dict[str, Any] = {"metadata": metadata, "timeout": timeout_s}
        data = call.message.SerializeToString()
        try:
            if call.streamed:
                running = channel.unary_stream(call.method)(data, **options)
                for _ in running:
                    pass
            else:
                _, running = channel.unary_unary(call.method).with_call(data, **options)
        except grpc.RpcError as error:
            return _answer(error.code().name, error.trailing_metadata())
        return _answer("OK", running.trailing_metadata())

    def close(self) -> None:
        """End all connections."""
        for channel in self._channels:
            channel.close()


def _channel(address: str, tls_ca: Path | None) -> grpc.Channel:
    # Channels to one address share a connection unless each has a pool of its own.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0))
    if tls_ca is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(tls_ca.read_bytes()), options=options)


def _answer(code: str, trailers: Any) -> Answer:
    said: dict[str, str | bytes] = dict(trailers or ())
    reason = ""
    if isinstance(details := said.get(_DETAILS), bytes):
        info = error_details_pb2.ErrorInfo()
        for detail in status_pb2.Status.FromString(details).details:
            if detail.Unpack(info):
                reason = info.reason
    decision, revision = said.get("pilote-decision-id", ""), said.get("pilote-revision", "")
    return Answer(code, reason, str(decision), str(revision))
