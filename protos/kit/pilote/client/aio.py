"""Calls through a gateway, many at a time: the same as `pilote.client`, for asyncio."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from pilote.client import calling, connecting, holds, retrying
from pilote.client.contracts import Contract, contract_of
from pilote.client.feeding import feed
from pilote.client.refusals import CallEnded, Kept, ended
from pilote.client.trying import Tries
from pilote.decision.v1.decision_service_pb2 import (
    EvaluateCallRequest,
    EvaluateCallResponse,
    Hold,
    WaitHoldRequest,
)
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceAsyncStub

T = TypeVar("T")


class Pilote:
    """A connection to a gateway. Use it as an asynchronous context manager, or `close()` it.

    Arguments and errors are those of `pilote.client.Pilote`; `token` may, and `pause` must, be a coroutine function.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str = "",
        token: str | Callable[[], str | Awaitable[str]] = "",
        tls: bool | grpc.ChannelCredentials | None = None,
        language: str = "",
        timeout: float = 30.0,
        attempts: int = retrying.ATTEMPTS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._secret = connecting.Secret(key, token)
        self._language = language
        self._timeout = timeout
        self._attempts = attempts
        self._clock = clock
        self._pause = pause
        self._notes = calling.Notes()
        credentials = connecting.channel_credentials(address, tls)
        interceptors = [each(self) for each in (_UnaryUnary, _UnaryStream, _StreamUnary, _StreamStream)]
        self.channel: grpc.aio.Channel = (
            grpc.aio.insecure_channel(address, connecting.OPTIONS, interceptors=interceptors)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials, connecting.OPTIONS, interceptors=interceptors)
        )
        """The channel, for stubs that are made elsewhere."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection, and calls that run."""
        await self.channel.close()

    def stub(self, kind: Callable[[grpc.aio.Channel], T]) -> T:
        """The stub of a service, such as `ContactServiceStub`."""
        return kind(self.channel)

    @property
    def last_decision_id(self) -> str:
        """Decision id of the call that ended last; `noting` tells those of many at once apart. Empty before."""
        return self._notes.last

    async def evaluate(self, method: str, request: Message) -> EvaluateCallResponse:
        """What the gateway would say to a call now, which is not made. `method` is "/package.Service/Method"."""
        asked = EvaluateCallRequest(method=method, request=request.SerializeToString())
        return await self._decisions().EvaluateCall(asked)

    async def wait_for_hold(self, hold: str | Kept, timeout: float | None = None) -> Hold:  # noqa: ASYNC109 - as it is for sync
        """The hold once it is over, or as it is after `timeout` seconds. Takes its name, or the refusal that names it.

        Raises:
            ValueError: the refusal names no hold.
            NotFound: this agent has no such hold.
        """
        name, stub = holds.name_of(hold), self._decisions()
        end = None if timeout is None else self._clock() + timeout
        while True:
            left = holds.LONGEST_SECONDS if end is None else min(holds.LONGEST_SECONDS, max(0.0, end - self._clock()))
            asked = WaitHoldRequest(name=name, timeout=Duration(nanos=int(left % 1 * 1e9), seconds=int(left)))
            found = (await stub.WaitHold(asked, timeout=left + holds.SPARE_SECONDS)).hold
            if holds.is_over(found) or (end is not None and self._clock() >= end):
                return found

    def _decisions(self) -> "DecisionServiceAsyncStub":
        return DecisionServiceStub(self.channel)

    async def _details(self, details: Any, *, timeout: float | None = None) -> grpc.aio.ClientCallDetails:  # noqa: ASYNC109 - what is left of it
        said = self._secret.token() if callable(self._secret.token) else ""
        token = said if isinstance(said, str) else await said
        metadata = calling.metadata_of(
            details.metadata, credential=self._secret.metadata(token), language=self._language
        )
        given = self._timeout if details.timeout is None else details.timeout
        return grpc.aio.ClientCallDetails(
            details.method,
            given if timeout is None else timeout,
            grpc.aio.Metadata(*metadata),
            details.credentials,
            details.wait_for_ready,
        )

    def _tries(self, contract: Contract, details: grpc.aio.ClientCallDetails, *, keyed: bool) -> Tries:
        seconds = details.timeout or 0.0
        return Tries(contract, keyed=keyed, seconds=seconds, attempts=self._attempts, clock=self._clock)

    async def _again(self, tries: Tries, refusal: CallEnded, given: Any) -> grpc.aio.ClientCallDetails:
        """Wait for the next try, and how it is made; raises the refusal where there is none."""
        await self._pause(tries.wait_seconds(refusal))
        return await self._details(given, timeout=tries.left_seconds)

    def _refusal(self, error: grpc.aio.AioRpcError, *, harmless: bool) -> CallEnded:
        refusal = ended(error, harmless=harmless)
        self._notes.end(refusal.trailing_metadata())
        return refusal

    async def _responses(
        self, call: Any, *, harmless: bool, first: Any = None, feeding: asyncio.Task[None] | None = None
    ) -> AsyncIterator[Any]:
        try:
            if first is not None:
                yield first
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as error:
            raise self._refusal(error, harmless=harmless) from None
        finally:
            if feeding is not None:
                feeding.cancel()
        self._notes.end(await call.trailing_metadata())


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, client: Pilote) -> None:
        self._client = client

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        client, contract = self._client, _contract(client_call_details)
        request, keyed = contract.keyed(request)
        details = await client._details(client_call_details)
        tries = client._tries(contract, details, keyed=keyed or calling.has_key(tuple(details.metadata or ())))
        while True:
            call = await continuation(details, request)
            try:
                await call
            except grpc.aio.AioRpcError as error:
                refusal = client._refusal(error, harmless=contract.harmless)
            else:
                client._notes.end(await call.trailing_metadata())
                return call
            details = await client._again(tries, refusal, client_call_details)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, client: Pilote) -> None:
        self._client = client

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        client, contract = self._client, _contract(client_call_details)
        request, _ = contract.keyed(request)
        details = await client._details(client_call_details)
        tries = client._tries(contract, details, keyed=False)
        while True:
            call = await continuation(details, request)
            try:  # here, and not where answers are read: so the call that is cancelled is that of the last try
                first = await anext(aiter(call), None)
            except grpc.aio.AioRpcError as error:
                refusal = client._refusal(error, harmless=contract.harmless)
            else:
                return client._responses(call, harmless=contract.harmless, first=first)
            details = await client._again(tries, refusal, client_call_details)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, client: Pilote) -> None:
        self._client = client

    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        contract = _contract(client_call_details)
        details = await self._client._details(client_call_details)
        call = await continuation(details, _keyed(contract, request_iterator))
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise self._client._refusal(error, harmless=contract.harmless) from None
        self._client._notes.end(await call.trailing_metadata())
        return call


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, client: Pilote) -> None:
        self._client = client

    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        contract = _contract(client_call_details)
        details = await self._client._details(client_call_details)
        call = await continuation(details, None)
        feeding = asyncio.create_task(feed(call, _keyed(contract, request_iterator)))
        return self._client._responses(call, harmless=contract.harmless, feeding=feeding)


def _contract(details: Any) -> Contract:
    method = details.method
    return contract_of(method.decode() if isinstance(method, bytes) else method)


async def _keyed(contract: Contract, requests: Any) -> AsyncIterator[Any]:
    if hasattr(requests, "__aiter__"):
        async for each in requests:
            yield contract.keyed(each)[0]
    else:
        for each in requests:
            yield contract.keyed(each)[0]
