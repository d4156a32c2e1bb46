"""The contracts served over one connector."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass

from gateway.clock import clock_ms
from gateway.core.errors import CallEnded, Reason
from gateway.rpc.interceptors import end
from gateway.rpc.serving import serving, until_told_to_stop
from gateway.rpc.status import status_of
from services.crm.asking import Asking
from services.crm.connectors import network
from services.crm.connectors.calling import Caller, Fault, Run
from services.crm.connectors.connector import Connector
from services.crm.connectors.contract import OPERATIONS, SERVICES, Operation
from services.crm.connectors.fields import Mapped
from services.crm.connectors.prepared import Prepared
from services.crm.connectors.reading import Loaded
from services.crm.connectors.remembering import SCHEMA, Remembering
from services.crm.connectors.secrets import SecretMissing, Secrets
from services.crm.connectors.tokens import Tokens
from services.crm.store import opened

_log = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 300.0
"""How long a call without a deadline may take."""
_MOST_IMPORTED: Final = 100_000
_MOST_FAILURES: Final = 100


async def serve(
    loaded: Loaded,
    *,
    environment: Mapping[str, str],
    listen: str,
    home: Path,
    drain_seconds: float,
    allow_private: bool,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: when the address is taken.
        SecretMissing: when something that the file names has no value.
    """
    async with (
        until_told_to_stop() as stop,
        running(
            loaded, environment=environment, listen=listen, home=home, drain_seconds=drain_seconds,
            allow_private=allow_private,
        ) as port,
    ):  # fmt: skip
        _log.info("the connector serves", extra={"connector": loaded.descriptor.connector, "port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(
    loaded: Loaded,
    *,
    environment: Mapping[str, str],
    listen: str,
    home: Path,
    drain_seconds: float,
    allow_private: bool = False,
    clock_ms: Callable[[], int] = clock_ms,
    fault: Fault | None = None,
) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port. `environment` has what the file names.

    Raises:
        SecretMissing: something that the file names has no value, or leads where no request may go.
    """
    descriptor = loaded.descriptor
    secrets = Secrets(descriptor, environment)
    shown = secrets.all()
    _see_urls(loaded, secrets, allow_private=allow_private)
    async with (
        network.session(allow_private=allow_private, connections=descriptor.concurrency) as session,
        opened(home / f"connector-{descriptor.connector}.sqlite", schema=SCHEMA) as store,
    ):
        connector = Connector(
            descriptor.connector,
            Caller(descriptor, secrets, session=session, clock_ms=clock_ms, allow_private=allow_private, fault=fault),
            methods={
                name: Prepared(OPERATIONS[name], method, descriptor.headers) for name, method in loaded.methods.items()
            },
            mapped={
                word: Mapped(word, resource, fields, variables=secrets.variables)
                for word, (resource, fields) in loaded.resources.items()
            },
            variables=secrets.variables,
            tokens=Tokens(shown[name] for name in sorted(shown)),
            remembering=Remembering(store, clock_ms=clock_ms),
            clock_ms=clock_ms,
        )
        handlers = _Handlers(connector)
        async with serving(
            lambda server: server.add_generic_rpc_handlers(handlers.all()),
            listen=listen,
            names=tuple(service.full_name for service in SERVICES),
            drain_seconds=drain_seconds,
            interceptors=(Asking(),),
        ) as port:
            yield port


def _see_urls(loaded: Loaded, secrets: Secrets, *, allow_private: bool) -> None:
    for url in (loaded.descriptor.base_url, loaded.descriptor.auth.token_url):
        wrong = network.refused(url.format_map(secrets.variables), allow_private=allow_private) if url else ""
        if wrong:
            raise SecretMissing(wrong)


class _Handlers:
    """All methods of the contracts, each by what it does."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def all(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """One handler a service."""
        return tuple(
            grpc.method_handlers_generic_handler(
                service.full_name, {method.name: self._handler(method) for method in service.methods}
            )
            for service in SERVICES
        )

    def _handler(self, method: Any) -> Any:
        codec: dict[str, Any] = {
            "request_deserializer": GetMessageClass(method.input_type).FromString,
            "response_serializer": GetMessageClass(method.output_type).SerializeToString,
        }
        if method.name in OPERATIONS:
            return grpc.unary_unary_rpc_method_handler(self._unary(OPERATIONS[method.name]), **codec)
        if method.name == "StreamContacts":
            return grpc.unary_stream_rpc_method_handler(self._stream, **codec)
        if method.name == "SendMessages":
            return grpc.stream_stream_rpc_method_handler(self._send_many, **codec)
        return grpc.stream_unary_rpc_method_handler(self._import, **codec)

    def _unary(self, operation: Operation) -> Any:
        async def call(request: Any, context: Any) -> Any:
            run = _run(context)
            try:
                answer = await self._connector.carry_out(operation, request, run)
            except CallEnded as ended:
                await end(context, ended, trailers=tuple(run.told.items()))
            context.set_trailing_metadata(tuple(run.told.items()))
            return answer

        return call

    async def _stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        run, operation = _run(context), OPERATIONS["ListContacts"]
        listing: Any = GetMessageClass(operation.method.input_type)(page_size=1000)
        for field, value in request.ListFields():
            setattr(listing, field.name, value)
        response: Any = GetMessageClass(_method("StreamContacts").output_type)
        while True:
            found = await self._connector.carry_out(operation, listing, run)
            for contact in found.contacts:
                yield response(contact=contact)
            if not found.next_page_token:
                return
            listing.page_token = found.next_page_token

    async def _send_many(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        response, one = GetMessageClass(_method("SendMessages").output_type), OPERATIONS["SendMessage"]
        async for request in requests:
            answer: Any = response(request_id=request.request_id)
            wanted: Any = GetMessageClass(one.method.input_type)(message=request.message, request_id=request.request_id)
            try:
                answer.message.CopyFrom((await self._connector.carry_out(one, wanted, _run(context))).message)
            except CallEnded as ended:
                answer.error.CopyFrom(status_of(ended))
            yield answer

    async def _import(self, requests: AsyncIterator[Any], context: Any) -> Any:
        response: Any = GetMessageClass(_method("ImportActivities").output_type)()
        one, position = OPERATIONS["CreateActivity"], 0
        async for request in requests:
            if position == _MOST_IMPORTED:
                text = f"at most {_MOST_IMPORTED} activities in a stream; those before are imported"
                raise CallEnded(Reason.ARGUMENT_INVALID, f"There are {text}.", violations=(("activity", text),))
            wanted: Any = GetMessageClass(one.method.input_type)(
                activity=request.activity, request_id=request.request_id
            )
            try:
                await self._connector.carry_out(one, wanted, _run(context))
                response.imported_count += 1
            except CallEnded as ended:
                response.failed_count += 1
                if len(response.failures) < _MOST_FAILURES:
                    response.failures.add(position=position, request_id=request.request_id, error=status_of(ended))
            position += 1
        return response


def _run(context: Any) -> Run:
    left = context.time_remaining()
    seconds = LONGEST_SECONDS if left is None else min(left, LONGEST_SECONDS)
    return Run(asyncio.get_running_loop().time() + seconds)


def _method(name: str) -> Any:
    return next(method for service in SERVICES for method in service.methods if method.name == name)
