"""Asks the audit service for people: requests from HTTP parameters, answers as JSON, failures as problems."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import grpc
import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from litestar import MediaType, Request, Response

from gateway.core.errors import CallEnded, Reason
from gateway.core.policy.people import Person, Role
from gateway.rpc.status import code_of, reason_from, status_from, text_from
from pilote.audit.v1 import audit_service_pb2_grpc
from services.control.access.asking import Unasked
from services.control.access.persons import Persons, language_in
from services.control.api.problems import Problem, problem_of
from services.revisions.revising import RevisionProblem
from services.revisions.texts import say

SECONDS: Final = 30.0
"""Longest time an answer may take: counts of millions take seconds."""
_STATUS: Final[Mapping[str, HTTPStatus]] = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "ABORTED": HTTPStatus.CONFLICT,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
    "UNIMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
}
"""By the canonical code's name; any other is our mistake."""

Kind = TypeVar("Kind", bound=Message)
Stub = audit_service_pb2_grpc.AuditServiceStub


class AuditClient:
    """Asks for whoever has signed a request."""

    def __init__(self, stub: Stub, persons: Persons) -> None:
        self.stub = stub
        self._persons = persons

    async def ask(
        self,
        request: Request[Any, Any, Any],
        method: Callable[..., Any],
        asked: Callable[[str], Message],
        *,
        defaults: bool = False,
        role: Role | None = None,
    ) -> Response[Any]:
        """Ask what `asked` makes, given who asks; with `defaults` what is 0 or empty is answered too.

        Whom the policy gives a `role`, if one is needed, may ask.
        """

        async def work(person: Person) -> Response[Any]:
            metadata = (("accept-language", language_in(request)),)
            answer = await method(asked(person.name), timeout=SECONDS, metadata=metadata)
            return Response(as_json(answer, defaults=defaults))

        return await self.answer(request, work, role=role)

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
        return await self.ask(request, method, lambda _: filled(kind, values), defaults=defaults)

    async def answer(
        self,
        request: Request[Any, Any, Any],
        work: Callable[[Person], Awaitable[Response[Any]]],
        *,
        role: Role | None = None,
    ) -> Response[Any]:
        """What `work` answers to the person who has signed the request and has the role, or why it is not done."""
        language = language_in(request)
        try:
            return await work(await self._persons.asking(request, role=role))
        except (Unasked, RevisionProblem, msgspec.DecodeError) as error:
            problem, status = problem_of(error, language)
        except CallEnded as error:
            status = _STATUS.get(code_of(error.reason).name, HTTPStatus.INTERNAL_SERVER_ERROR)
            text = error.localized[1] if error.localized else error.message
            problem = Problem(reason=error.reason.value, message=text, mistakes=_violations(error, text))
        except grpc.aio.AioRpcError as error:
            problem, status = problem_from(error, language)
            if problem is None:
                raise
        # Said here, since of a stream of events the answer is another type.
        return Response(problem, status_code=status.value, media_type=MediaType.JSON)


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


def problem_from(error: grpc.aio.AioRpcError, language: str) -> tuple[Problem | None, HTTPStatus]:
    """What is said of a failed question, and the status; `None` for a mistake of ours."""
    code = error.code().name
    details = status_from(error).details
    if code == "UNAVAILABLE" and not details:
        return Problem(reason="STORE_UNAVAILABLE", message=say("audit-down", language=language)), _STATUS[code]
    if code == "DEADLINE_EXCEEDED":
        return Problem(reason=code, message=say("audit-slow", language=language)), _STATUS[code]
    status = _STATUS.get(code)
    if status is None:
        return None, HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(reason=reason_from(error), message=text_from(error), mistakes=_mistakes(error, language)), status


def _violations(error: CallEnded, text: str) -> tuple[dict[str, Any], ...]:
    """The fields that are wrong; of a single one the text is said in the person's language already."""
    one = len(error.violations) == 1
    return tuple({"path": path, "problem": text if one else problem} for path, problem in error.violations)


def _mistakes(error: grpc.aio.AioRpcError, language: str) -> tuple[dict[str, Any], ...]:
    """The fields that are wrong, in a filter with line and column."""
    places: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for detail in status_from(error).details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            places = {name: int(info.metadata[name]) for name in ("line", "column") if info.metadata[name].isdigit()}
        elif detail.Unpack(bad):
            found += [{"path": each.field, "problem": each.description} for each in bad.field_violations]
    if language != "en" and len(found) == 1:
        found[0]["problem"] = text_from(error)
    return tuple(each | places for each in found)
