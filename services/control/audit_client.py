"""Asks the audit service for people: requests from HTTP parameters, answers as JSON."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from litestar import Request, Response

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import audit_service_pb2_grpc
from services.control.access.persons import language_in
from services.control.access.principals import Principal, principal_of, right_of
from services.control.access.rights import Right
from services.revisions.texts import say

TENANTS: Final = "pilote-tenants"
"""See `services.audit.tenancy`."""
SECONDS: Final = 30.0
"""Longest time an answer may take: counts of millions take seconds."""

Kind = TypeVar("Kind", bound=Message)
Stub = audit_service_pb2_grpc.AuditServiceStub


class AuditClient:
    """Asks for whoever has sent a request; why nothing is answered is raised."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub

    async def ask(
        self,
        request: Request[Any, Any, Any],
        method: Callable[..., Any],
        asked: Message,
        *,
        defaults: bool = False,
    ) -> Response[Any]:
        """The answer to a question, as ProtoJSON; with `defaults` what is 0 or empty is answered too.

        Raises:
            grpc.aio.AioRpcError: the audit service refuses, or does not answer.
        """
        return Response(as_json(await self.answer(request, method, asked), defaults=defaults))

    async def answer(self, request: Request[Any, Any, Any], method: Callable[..., Any], asked: Message) -> Any:
        """The answer to a question, as it is: what pages show and REST tells are the same answers.

        Raises:
            grpc.aio.AioRpcError: the audit service refuses, or does not answer.
        """
        return await method(asked, timeout=SECONDS, metadata=asking_as(request))

    async def ask_with(
        self,
        request: Request[Any, Any, Any],
        method: Callable[..., Any],
        kind: type[Message],
        values: Mapping[str, Any],
        *,
        defaults: bool = False,
    ) -> Response[Any]:
        """Likewise a request of that kind with these fields, see `filled`."""
        return await self.ask(request, method, filled(kind, values), defaults=defaults)


def asking_as(request: Request[Any, Any, Any]) -> tuple[tuple[str, str], ...]:
    """The metadata of a question for whoever has sent a request: language, and in which tenants they may look."""
    return metadata_of(principal_of(request), right_of(request.route_handler), language=language_in(request))


def metadata_of(principal: Principal, right: Right, *, language: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a question for somebody who needs that right for it."""
    tenants = principal.tenants(right)
    spoken = (("accept-language", language),)
    return spoken if tenants is None else (*spoken, (TENANTS, ",".join(tenants)))


def ended(reason: Reason, text: str, language: str, *, field: str = "", **values: object) -> CallEnded:
    """The end of a request for a reason of ours, said in the language too; `text` is the key of one."""
    english = say(text, language="en", **values)
    return CallEnded(
        reason,
        english,
        violations=((field, english),) if field else (),
        localized=None if language == "en" else (language, say(text, language=language, **values)),
    )


def filled(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """A request with these fields, named and written as JSON has them; empty ones are left out.

    Raises:
        CallEnded: ARGUMENT_INVALID for one that cannot be read.
    """
    request = kind()
    for name, value in values.items():
        if not value:
            continue
        try:
            json_format.ParseDict({name: value}, request)
        except json_format.ParseError as error:
            text = f"{name} cannot be read: write a time as 2026-11-24T10:00:00Z, a span as 60s, a number in digits."
            raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=((name, text),)) from error
    return request


def parsed(kind: type[Kind], body: bytes) -> Kind:
    """The message in a body of JSON.

    Raises:
        CallEnded: ARGUMENT_INVALID when it is none.
    """
    try:
        return json_format.Parse(body, kind())
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        text = f"The body must be a {kind.DESCRIPTOR.name} as JSON."
        raise CallEnded(Reason.ARGUMENT_INVALID, text, violations=(("", text),)) from error


def as_json(message: Message, *, defaults: bool = False) -> dict[str, Any]:
    """A message as ProtoJSON."""
    found: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=defaults)
    return found
