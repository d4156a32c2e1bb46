"""Why something was not done: problem details (RFC 9457) with the reasons that gRPC gives, in the reader's language."""

from http import HTTPStatus
from typing import Any, Final

import grpc
import msgspec
from litestar.exceptions import HTTPException
from redis.exceptions import RedisError

from gateway.adapters.cells import CellsFixed
from gateway.core.errors import CallEnded
from gateway.core.merging import merge
from gateway.core.revision.decode import Mistake, PolicyInvalid
from gateway.mistakes.saying import words
from gateway.rpc.status import code_of
from services.control.api.grpc_problems import told_by
from services.control.api.statuses import OF_CODES, status_of
from services.not_done import NotDone
from services.probes.reading import SuiteInvalid
from services.probes.texts import MISTAKES as SUITE_MISTAKES
from services.revisions.revising import Conflict
from services.revisions.tables import told
from services.revisions.texts import say
from services.texts import say as say_generally

PROBLEM_JSON: Final = "application/problem+json"
TYPES: Final = "https://pilote.dev/problems/"
"""What the `type` of every problem begins with; the reason follows."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done; see RFC 9457."""

    type: str
    """`TYPES` and the reason in lower case, with dashes."""
    title: str
    """The status in words, in English."""
    status: int
    detail: str
    """What is wrong and what to do, in the reader's language."""
    reason: str
    """UPPER_SNAKE, as in `google.rpc.ErrorInfo`; never renamed."""
    mistakes: tuple[dict[str, Any], ...] = ()
    """Of what was sent: where (`path`, and in a text `line` and `column`), what (`problem`), and how to mend it
    (`fix`)."""
    right: str = ""
    """The right that is missing."""
    active: int = 0
    """Of a conflict: the revision that is active."""
    theirs: tuple[str, ...] = ()
    """Of a conflict: what has changed since the base, in words."""
    yours: tuple[str, ...] = ()
    """Of a conflict: what the draft or proposal changes, in words."""
    both: tuple[str, ...] = ()
    """Of a conflict: the parts that both touch."""
    difference: tuple[str, ...] = ()
    """Of a draft that somebody else has changed: lines of a unified difference from what is there to what was sent."""
    retry_after_seconds: int = 0
    """When it may be asked again; also in the header `retry-after`."""


def problem(reason: str, status: HTTPStatus, detail: str, **more: Any) -> Problem:
    """A problem with that reason; `more` are further fields."""
    kind = TYPES + reason.lower().replace("_", "-")
    return Problem(type=kind, title=status.phrase, status=status.value, detail=detail, reason=reason, **more)


def problem_of(error: Exception, language: str) -> Problem:
    """What is said of an error; INTERNAL, without its text, where it is a mistake of ours."""
    if isinstance(error, NotDone):
        return _not_done(error, language)
    found = _of_policy(error, language) or _of_systems(error, language)
    if found is None and isinstance(error, HTTPException):
        found = _of_framework(error, language)
    if found is None:
        text = say("internal", language=language)
        return problem("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR, text)
    return found


def status_of_call(error: CallEnded) -> HTTPStatus:
    """The status that goes with the reason of an ended call."""
    return OF_CODES.get(code_of(error.reason).name, HTTPStatus.INTERNAL_SERVER_ERROR)


def _not_done(error: NotDone, language: str) -> Problem:
    text, status = error.said(language), status_of(error.reason)
    mistakes = ({"path": error.field, "problem": text},) if error.field else ()
    return problem(error.reason, status, text, mistakes=mistakes, retry_after_seconds=error.wait_s, **error.more)


def _of_policy(error: Exception, language: str) -> Problem | None:
    if isinstance(error, PolicyInvalid):
        mistakes = tuple(_mistake(each, language) for each in error.mistakes)
        reason, key = (
            ("SUITE_INVALID", "suite-mistakes") if isinstance(error, SuiteInvalid) else ("POLICY_INVALID", "mistakes")
        )
        text = say(key, language=language, count=len(mistakes))
        return problem(reason, HTTPStatus.UNPROCESSABLE_ENTITY, text, mistakes=mistakes)
    if isinstance(error, Conflict):
        return _conflict(error, language)
    if isinstance(error, CellsFixed):
        values = {"tenant": error.tenant, "cells": error.cells, "wanted": error.wanted}
        return problem("CELLS_FIXED", HTTPStatus.CONFLICT, say_generally("cells-fixed", language=language, **values))
    if isinstance(error, msgspec.DecodeError):
        # msgspec's texts name the place in what was sent and what is expected there, and quote none of it.
        text = say("body", language=language, problem=str(error))
        return problem("ARGUMENT_INVALID", HTTPStatus.BAD_REQUEST, text)
    return None


def _of_systems(error: Exception, language: str) -> Problem | None:
    if isinstance(error, CallEnded):
        status = status_of_call(error)
        text = error.localized[1] if error.localized and error.localized[0] == language else error.message
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        wait = {"retry_after_seconds": max(1, (error.retry_after_ms or 1_000) // 1_000)}
        again = wait if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS) else {}
        return problem(error.reason.value, status, text, mistakes=_violations(error, text), **again)
    if isinstance(error, grpc.aio.AioRpcError):
        heard = told_by(error, language)
        return None if heard is None else problem(heard.reason, heard.status, heard.text, mistakes=heard.mistakes)
    if isinstance(error, RedisError | ConnectionError | TimeoutError):
        text = say("store-down", language=language)
        return problem("STORE_UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after_seconds=1)
    return None


def _of_framework(error: HTTPException, language: str) -> Problem | None:
    """Of what the framework refuses: an unknown path, a parameter that cannot be read, a body that is too large."""
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    found = getattr(error, "extra", None)
    mistakes = tuple(
        {"path": each.get("key", ""), "problem": each.get("message", "")}
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict)
    )
    if status is HTTPStatus.BAD_REQUEST:
        return problem("ARGUMENT_INVALID", status, say("parameters", language=language), mistakes=mistakes)
    key = f"http-{status.value}"
    text = say(key, language=language) if status in _FRAMEWORK else f"{status.phrase}."
    return problem(status.name, status, text)


_FRAMEWORK: Final = frozenset(
    {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)


def _mistake(mistake: Mistake, language: str) -> dict[str, Any]:
    """One mistake of a policy; its code is the same in every language."""
    said = words(mistake, language=language, more=SUITE_MISTAKES)
    where = {name: value for name, value in (("line", mistake.line), ("column", mistake.column)) if value}
    return {"path": mistake.path, **where, "code": mistake.what.code, "problem": said.problem, "fix": said.fix}


def _violations(error: CallEnded, text: str) -> tuple[dict[str, Any], ...]:
    """The fields that are wrong; of a single one the text is said in the person's language already."""
    one = len(error.violations) == 1
    return tuple({"path": path, "problem": text if one else what} for path, what in error.violations)


def _conflict(error: Conflict, language: str) -> Problem:
    key = "conflict-proposal" if error.number else "conflict-apply"
    values = {"active": error.active, "base": error.base, "number": error.number}
    both = merge(error.was, error.ours, error.theirs).conflicts
    theirs, ours = error.sides()
    return problem(
        "CONFLICT",
        HTTPStatus.CONFLICT,
        say(key, language=language, **values),
        active=error.active,
        theirs=tuple(line.strip() for line in told(theirs, language=language)),
        yours=tuple(line.strip() for line in told(ours, language=language)),
        both=tuple(f"{place.section} {place.name}".strip() for place in both),
    )
