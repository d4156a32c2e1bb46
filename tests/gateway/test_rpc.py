"""Reasons become statuses, errors never leave as anything else, and servers drain."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.rpc.status import (
    DETAILS_KEY,
    DOMAIN,
    ROWS,
    Fate,
    code_of,
    fate_of,
    reason_from,
    reason_of,
    status_from,
    status_of,
)

KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def ended(reason: Reason, **more: Any) -> CallEnded:
    return CallEnded(reason, "No.", metadata={"agent": "bot"}, violations=(("field", "text"),), **more)


def types_of(details: list[any_pb2.Any]) -> list[str]:
    return [detail.type_url.rsplit(".", 1)[1] for detail in details]


def test_every_reason_has_a_row_and_every_row_a_reason() -> None:
    assert set(ROWS) == set(Reason)
    assert all(reason.value == reason.name for reason in Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_status_has_its_code_and_each_detail_at_most_once(reason: Reason) -> None:
    status = status_of(ended(reason, retry_after_ms=1_500, localized=("fr", "Non.")))
    assert status.code == code_of(reason).value[0]
    types = types_of(status.details)
    assert len(types) == len(set(types))
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == (reason.value, DOMAIN, {"agent": "bot"})


@pytest.mark.parametrize(
    ("reason", "code", "details"),
    [
        (Reason.AGENT_UNAUTHENTICATED, "UNAUTHENTICATED", []),
        (Reason.ARGUMENT_INVALID, "INVALID_ARGUMENT", ["BadRequest"]),
        (Reason.POLICY_DENIED, "PERMISSION_DENIED", []),
        (Reason.METHOD_UNDESCRIBED, "PERMISSION_DENIED", []),
        (Reason.CONSENT_MISSING, "FAILED_PRECONDITION", ["PreconditionFailure"]),
        (Reason.QUIET_HOURS, "FAILED_PRECONDITION", ["PreconditionFailure"]),
        (Reason.APPROVAL_REQUIRED, "FAILED_PRECONDITION", ["PreconditionFailure"]),
        (Reason.DEFERRED, "FAILED_PRECONDITION", ["PreconditionFailure"]),
        (Reason.HOLD_REFUSED, "PERMISSION_DENIED", []),
        (Reason.AUTONOMY_OBSERVE, "PERMISSION_DENIED", []),
        (Reason.LIMIT_EXCEEDED, "RESOURCE_EXHAUSTED", ["QuotaFailure"]),
        (Reason.CAP_EXCEEDED, "RESOURCE_EXHAUSTED", ["QuotaFailure"]),
        (Reason.IDEMPOTENCY_KEY_REUSED, "ALREADY_EXISTS", []),
        (Reason.IDEMPOTENCY_KEY_RUNNING, "ABORTED", ["RetryInfo"]),
        (Reason.STORE_UNAVAILABLE, "UNAVAILABLE", ["RetryInfo"]),
        (Reason.UPSTREAM_UNAVAILABLE, "UNAVAILABLE", ["RetryInfo"]),
        (Reason.UPSTREAM_IN_DOUBT, "UNKNOWN", []),
        (Reason.INTERNAL, "INTERNAL", []),
    ],
)
def test_callers_get_the_status_that_the_design_promises(reason: Reason, code: str, details: list[str]) -> None:
    status = status_of(ended(reason))
    assert (code_of(reason).name, types_of(status.details)) == (code, ["ErrorInfo", *details])


def test_the_time_to_retry_is_told_to_the_millisecond() -> None:
    info = error_details_pb2.RetryInfo()
    status_of(ended(Reason.CAP_EXCEEDED, retry_after_ms=61_001)).details[-1].Unpack(info)
    assert (info.retry_delay.seconds, info.retry_delay.nanos) == (61, 1_000_000)


class Handlers(grpc.GenericRpcHandler):
    """Methods of all four kinds that raise what they were given, after `answers` answers."""

    def __init__(self, error: BaseException | None, *, answers: int = 0) -> None:
        self._error = error
        self._answers = answers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        kind = handler_call_details.method.rsplit("/", 1)[1]
        one = kind.endswith("unary")
        make = getattr(grpc, f"{kind}_rpc_method_handler", None)
        return None if make is None else make(self._one if one else self._many)

    async def _one(self, request: Any, context: Any) -> bytes:
        if self._error is not None:
            raise self._error
        return b"answer"

    async def _many(self, request: Any, context: Any) -> AsyncIterator[bytes]:
        for _ in range(self._answers):
            yield b"answer"
        if self._error is not None:
            raise self._error


async def call(port: int, kind: str) -> list[bytes]:
    """All answers to a call of this kind."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = getattr(channel, kind)(f"/test.Test/{kind}")
        running = method(b"x") if kind.startswith("unary") else method(iter([b"x"]))
        return [await running] if kind.endswith("unary") else [answer async for answer in running]


async def failure(error: BaseException, kind: str) -> grpc.aio.AioRpcError:
    handlers = Handlers(error, answers=1)
    async with serving(
        lambda server: server.add_generic_rpc_handlers((handlers,)), listen="127.0.0.1:0", names=(), drain_seconds=0
    ) as port:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(port, kind)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_ends_has_its_status_whatever_its_kind(kind: str) -> None:
    error = await failure(ended(Reason.CAP_EXCEEDED, retry_after_ms=5), kind)
    assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "No.")
    assert reason_from(error) == "CAP_EXCEEDED"
    assert types_of(list(status_from(error).details)) == ["ErrorInfo", "QuotaFailure", "RetryInfo"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_mistake_of_ours_says_nothing_of_itself_whatever_the_kind(kind: str) -> None:
    error = await failure(ValueError("redis://secret"), kind)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in f"{error.details()} {error.trailing_metadata()}"
    assert reason_from(error) == "INTERNAL"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_succeeds_is_left_alone(kind: str) -> None:
    handlers = Handlers(None, answers=1)
    async with serving(
        lambda server: server.add_generic_rpc_handlers((handlers,)), listen="127.0.0.1:0", names=(), drain_seconds=0
    ) as port:
        assert await call(port, kind) == [b"answer"]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _unknown(port)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def _unknown(port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = channel.unary_unary("/test.Test/none")
        await method(b"")


async def test_a_server_of_ours_says_that_it_is_well_and_takes_no_address_twice() -> None:
    async with (
        serving(lambda _: None, listen="127.0.0.1:0", names=("a.B",), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", "a.B"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watched = stub.Watch(health_pb2.HealthCheckRequest())  # as Envoy and gRPC's own clients do
        assert (await anext(aiter(watched))).status == health_pb2.HealthCheckResponse.SERVING
        watched.cancel()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match="another process"):
            async with serving(lambda _: None, listen=address, names=(), drain_seconds=0):
                pass


async def test_a_running_call_may_end_while_the_server_drains() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Handlers):
        async def _one(self, request: Any, context: Any) -> bytes:
            begun.set()
            await go_on.wait()
            return b"late"

    slow = Slow(None)
    async with serving(
        lambda server: server.add_generic_rpc_handlers((slow,)), listen="127.0.0.1:0", names=(), drain_seconds=30
    ) as port:
        running = asyncio.ensure_future(call(port, "unary_unary"))
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert await running == [b"late"]


async def test_a_signal_sets_the_event() -> None:
    async with until_told_to_stop() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()


async def test_a_connection_that_never_came_about_touched_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(port, "unary_unary")
    assert fate_of(caught.value) is Fate.UNTOUCHED
    assert reason_of(caught.value) is Reason.UPSTREAM_UNAVAILABLE


@pytest.mark.parametrize(
    ("code", "rich", "fate", "reason"),
    [
        ("INVALID_ARGUMENT", False, Fate.REFUSED, Reason.UPSTREAM_FAILED),
        ("NOT_FOUND", False, Fate.REFUSED, Reason.UPSTREAM_FAILED),
        ("UNAVAILABLE", False, Fate.UNKNOWN, Reason.UPSTREAM_UNAVAILABLE),
        ("UNAVAILABLE", True, Fate.UNTOUCHED, Reason.UPSTREAM_UNAVAILABLE),
        ("INTERNAL", True, Fate.UNKNOWN, Reason.UPSTREAM_FAILED),
        ("UNKNOWN", False, Fate.UNKNOWN, Reason.UPSTREAM_FAILED),
        ("DEADLINE_EXCEEDED", False, Fate.UNKNOWN, Reason.DEADLINE_EXCEEDED),
        ("CANCELLED", False, Fate.UNKNOWN, Reason.UPSTREAM_UNAVAILABLE),
    ],
)
def test_only_what_is_certain_is_taken_for_certain(code: str, *, rich: bool, fate: Fate, reason: Reason) -> None:
    trailers = grpc.aio.Metadata((DETAILS_KEY, b"")) if rich else grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(grpc.StatusCode[code], grpc.aio.Metadata(), trailers, "words")
    assert fate_of(error) is fate
    assert reason_of(error) is reason
    if not rich:
        assert reason_from(error) == code
