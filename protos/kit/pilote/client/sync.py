"""Calls through a gateway, one at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from pilote.client import calling, connecting, holds, retrying
from pilote.client.answers import Answers
from pilote.client.background import Background
from pilote.client.contracts import Contract, contract_of
from pilote.client.refusals import CallEnded, Kept, ended
from pilote.client.trying import Tries
from pilote.decision.v1.decision_service_pb2 import (
    EvaluateCallRequest,
    EvaluateCallResponse,
    Hold,
    WaitHoldRequest,
)
from pilote.decision.v1.decision_service_pb2_grpc import DecisionServiceStub

T = TypeVar("T")


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


class Pilote:
    """A connection to a gateway. Use it as a context manager, or `close()` it. Threads may share it.

    Args:
        address: where the gateway listens, "host:port".
        key: the agent's API key.
        token: instead of a key a JWT, or a function that returns one, called before each try.
        tls: encrypt or not, or credentials of your own (a client certificate). By default everything is encrypted but
            what stays on this machine.
        language: "fr" for refusals in French.
        timeout: seconds that a call has with all its tries, where it does not say so itself.
        attempts: most tries of a call, 1 for no retries.
        clock: seconds of a clock that never steps back.
        pause: waits so many seconds.

    Raises:
        ValueError: no address, both key and token, or one that no header carries.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str = "",
        token: str | Callable[[], str] = "",
        tls: bool | grpc.ChannelCredentials | None = None,
        language: str = "",
        timeout: float = 30.0,
        attempts: int = retrying.ATTEMPTS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = _pause,
    ) -> None:
        self._secret = connecting.Secret(key, token)
        self._language = language
        self._timeout = timeout
        self._attempts = attempts
        self._clock = clock
        self._pause = pause
        self._notes = calling.Notes()
        credentials = connecting.channel_credentials(address, tls)
        self._plain = (
            grpc.insecure_channel(address, connecting.OPTIONS)
            if credentials is None
            else grpc.secure_channel(address, credentials, connecting.OPTIONS)
        )
        self.channel: grpc.Channel = grpc.intercept_channel(self._plain, _Calls(self))
        """The channel, for stubs that are made elsewhere."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, and calls that run."""
        self._plain.close()

    def stub(self, kind: Callable[[grpc.Channel], T]) -> T:
        """The stub of a service, such as `ContactServiceStub`."""
        return kind(self.channel)

    @property
    def last_decision_id(self) -> str:
        """Decision id of the call that ended last; `noting` tells those of many at once apart. Empty before."""
        return self._notes.last

    def evaluate(self, method: str, request: Message) -> EvaluateCallResponse:
        """What the gateway would say to a call now, which is not made. `method` is "/package.Service/Method"."""
        asked = EvaluateCallRequest(method=method, request=request.SerializeToString())
        return self.stub(DecisionServiceStub).EvaluateCall(asked)

    def wait_for_hold(self, hold: str | Kept, timeout: float | None = None) -> Hold:
        """The hold once it is over, or as it is after `timeout` seconds. Takes its name, or the refusal that names it.

        Raises:
            ValueError: the refusal names no hold.
            NotFound: this agent has no such hold.
        """
        name, stub = holds.name_of(hold), self.stub(DecisionServiceStub)
        end = None if timeout is None else self._clock() + timeout
        while True:
            left = holds.LONGEST_SECONDS if end is None else min(holds.LONGEST_SECONDS, max(0.0, end - self._clock()))
            asked = WaitHoldRequest(name=name, timeout=Duration(nanos=int(left % 1 * 1e9), seconds=int(left)))
            found = stub.WaitHold(asked, timeout=left + holds.SPARE_SECONDS).hold
            if holds.is_over(found) or (end is not None and self._clock() >= end):
                return found

    def _tries(self, contract: Contract, details: "_Details", *, keyed: bool) -> Tries:
        return Tries(contract, keyed=keyed, seconds=details.timeout, attempts=self._attempts, clock=self._clock)

    def _details(self, details: Any) -> "_Details":
        token = self._secret.token() if callable(self._secret.token) else ""
        said = calling.metadata_of(details.metadata, credential=self._secret.metadata(token), language=self._language)
        return _Details(details, timeout=self._timeout if details.timeout is None else details.timeout, metadata=said)


class _Details(grpc.ClientCallDetails):
    timeout: float
    metadata: calling.Metadata

    def __init__(self, given: Any, *, timeout: float, metadata: calling.Metadata) -> None:
        self.method = given.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = given.credentials
        self.wait_for_ready = given.wait_for_ready
        self.compression = given.compression


class _Calls(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    def __init__(self, client: Pilote) -> None:
        self._client = client

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        client, contract = self._client, contract_of(client_call_details.method)
        request, keyed = contract.keyed(request)
        details = client._details(client_call_details)
        tries = client._tries(contract, details, keyed=keyed or calling.has_key(details.metadata))

        def wait_after(call: Any) -> float | None:
            failure = call.exception()
            if failure is not None:
                return tries.wait_seconds(self._refusal(failure, harmless=contract.harmless))
            client._notes.end(call.trailing_metadata())
            return None

        again = self._again(tries, continuation, client_call_details, request)
        call = continuation(details, request)
        if _is_background(call):
            return Background(call, wait_after=wait_after, pause=client._pause, again=again)
        while (wait := wait_after(call)) is not None:
            client._pause(wait)
            call = again()
        return call

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        contract = contract_of(client_call_details.method)
        requests = (contract.keyed(each)[0] for each in request_iterator)
        call = continuation(self._client._details(client_call_details), requests)

        def over(call: Any) -> None:
            failure = call.exception()
            if failure is not None:
                raise self._refusal(failure, harmless=contract.harmless) from None
            self._client._notes.end(call.trailing_metadata())

        if _is_background(call):
            return Background(call, wait_after=over)
        over(call)
        return call

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        client, contract = self._client, contract_of(client_call_details.method)
        request, _ = contract.keyed(request)
        details = client._details(client_call_details)
        tries = client._tries(contract, details, keyed=False)

        def wait(refusal: CallEnded) -> None:
            client._pause(tries.wait_seconds(refusal))

        again = self._again(tries, continuation, client_call_details, request)
        return self._answers(continuation(details, request), contract, wait=wait, again=again)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        contract = contract_of(client_call_details.method)
        requests = (contract.keyed(each)[0] for each in request_iterator)
        call = continuation(self._client._details(client_call_details), requests)
        return self._answers(call, contract)

    def _again(self, tries: Tries, continuation: Any, given: Any, request: Any) -> Callable[[], Any]:
        """What makes the next try."""

        def again() -> Any:
            details = self._client._details(given)
            details.timeout = tries.left_seconds
            return continuation(details, request)

        return again

    def _answers(self, call: Any, contract: Contract, **tried: Any) -> Answers:
        return Answers(
            call,
            refusal_of=lambda failure: self._refusal(failure, harmless=contract.harmless),
            over=lambda call: self._client._notes.end(call.trailing_metadata()),
            **tried,
        )

    def _refusal(self, failure: Any, *, harmless: bool) -> CallEnded:
        if not isinstance(failure, grpc.RpcError):
            raise failure
        refusal = ended(failure, harmless=harmless)
        self._client._notes.end(refusal.trailing_metadata())
        return refusal


def _is_background(call: Any) -> bool:
    """Whether `.future()` has begun it: what a call that waits comes to is no iterator, as grpc 1.85 has it."""
    return isinstance(call, Iterator)
