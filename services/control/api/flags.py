"""Feature flags over the OpenFeature Remote Evaluation Protocol (OFREP), version 1.

A team's own OpenFeature SDK reads here the very assignments that the gateway makes. Evaluating a flag exposes nobody:
exposures are recorded with the calls that pass the gateway. The caller identifies itself like any agent.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from gateway.core.call import UNKNOWN_SUBJECT, Agent, Facts
from gateway.core.contract import SUBJECT
from gateway.core.flags import CallNeeded, Flag, FlagRule
from gateway.core.record import session_ref, subject_ref
from gateway.core.revision.compiled import Revision
from services.control.access.rights import Right
from services.control.api.http_errors import FLAGS
from services.control.policy import ActivePolicy

TARGETING_KEY: Final = "targetingKey"
SESSION: Final = "session"
"""Attribute of the context with the session, for experiments that assign by it."""
_KEY: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")

FactsReader = Callable[[str, str], Awaitable[Facts | None]]
"""What is known of a subject, by tenant and pseudonym."""


class Unevaluated(Exception):
    """The flag, or all of them, cannot be evaluated; `code` is one of OFREP's, `details` says what to do."""

    def __init__(self, code: str, details: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.details = details
        self.status = status


class Context(msgspec.Struct, frozen=True):
    """Whom the flags are evaluated for."""

    agent: Agent
    subject: str
    session: str


class Flags:
    """Evaluates the active policy's experiments for one subject or session at a time."""

    def __init__(
        self, policy: ActivePolicy, *, facts: FactsReader, pseudonym_key: bytes, clock_ms: Callable[[], int]
    ) -> None:
        self._policy = policy
        self._facts = facts
        self._key = pseudonym_key
        self._clock_ms = clock_ms

    def handlers(self) -> list[HTTPRouteHandler]:
        """The protocol's two operations."""

        @post(
            "/ofrep/v1/evaluate/flags/{key:str}",
            right=Right.AGENT,
            exception_handlers=FLAGS,
            status_code=HTTP_200_OK,
            summary="Evaluate one flag",
        )
        async def evaluate(key: FromPath[str], request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
            """Evaluate one flag for the context of the body."""
            try:
                revision, context = await self._asked(request)
                rule = self._policy.flags.get(key) if _KEY.fullmatch(key) else None
                if rule is None:
                    raise Unevaluated("FLAG_NOT_FOUND", f"No experiment is named {key[:63]!r}.", status=404)
                return Response(_told(await self._evaluated(rule, revision, context)), headers=_revision(revision))
            except Unevaluated as error:
                body = {"key": key[:63], "errorCode": error.code, "errorDetails": error.details}
                return Response(body, status_code=error.status)

        @post(
            "/ofrep/v1/evaluate/flags",
            right=Right.AGENT,
            exception_handlers=FLAGS,
            status_code=HTTP_200_OK,
            summary="Evaluate all flags",
        )
        async def evaluate_all(request: Request[Any, Any, Any]) -> Response[dict[str, Any] | None]:
            """Evaluate every flag for the context of the body; 304 where `if-none-match` names the same answer."""
            try:
                revision, context = await self._asked(request)
                body = {"flags": [await self._in_bulk(rule, revision, context) for rule in self._policy.flags.values()]}
            except Unevaluated as error:
                return Response({"errorCode": error.code, "errorDetails": error.details}, status_code=error.status)
            etag = f'"{hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()[:32]}"'
            headers = {"etag": etag} | _revision(revision)
            if request.headers.get("if-none-match") == etag:
                return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
            return Response(body, headers=headers)

        return [evaluate, evaluate_all]

    async def _in_bulk(self, rule: FlagRule, revision: Revision, context: Context) -> dict[str, Any]:
        try:
            return _told(await self._evaluated(rule, revision, context))
        except Unevaluated as error:
            return {"key": rule.key, "errorCode": error.code, "errorDetails": error.details}

    async def _asked(self, request: Request[Any, Any, Any]) -> tuple[Revision, Context]:
        revision, agent = self._policy.identified(request.headers)
        try:
            body = msgspec.json.decode(await request.body(), type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Unevaluated("PARSE_ERROR", 'The body must be a JSON object: {"context": {...}}.') from error
        given = body.get("context", {})
        if not isinstance(given, Mapping):
            raise Unevaluated("INVALID_CONTEXT", "The context must be an object.")
        context = Context(agent, _text(given, TARGETING_KEY), _text(given, SESSION))
        return revision, context

    async def _evaluated(self, rule: FlagRule, revision: Revision, context: Context) -> Flag:
        tenant, facts = context.agent.tenant, UNKNOWN_SUBJECT
        ref = subject_ref(self._key, tenant=tenant, subject=context.subject) if context.subject else ""
        if ref:
            facts = await self._facts(tenant, ref) or UNKNOWN_SUBJECT
        unit = facts.unit or ref
        if rule.by_session:
            unit = session_ref(self._key, tenant=tenant, session=context.session) if context.session else ""
        if not unit:
            missing = (
                f"{SESSION} (an attribute)" if rule.by_session else f"{TARGETING_KEY}, the customer's resource name"
            )
            raise Unevaluated("TARGETING_KEY_MISSING", f"The context needs {missing}.")
        values = {"agent": revision.agent_values[context.agent.name], "facts": revision.engine.facts_value(facts)}
        try:
            return rule.evaluate(unit, values, now_ms=self._clock_ms())
        except CallNeeded as error:
            text = "The experiment's condition asks for a call, so it is only told of calls through the gateway."
            raise Unevaluated("GENERAL", text) from error


def _text(context: Mapping[str, Any], name: str) -> str:
    value = context.get(name, "")
    if not isinstance(value, str) or (value and not SUBJECT.fullmatch(value)):
        raise Unevaluated("INVALID_CONTEXT", f"{name} must be 1 to 256 visible ASCII characters.")
    return value


def _told(flag: Flag) -> dict[str, Any]:
    return {"key": flag.key, "value": flag.value, "variant": flag.variant, "reason": flag.reason}


def _revision(revision: Revision) -> dict[str, str]:
    return {"pilote-revision": str(revision.number)}
