"""Why an operation on revisions was not done: status and body, in the reader's language."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gateway.adapters.cells import CellsFixed
from gateway.core.merging import merge
from gateway.core.revision.decode import PolicyInvalid
from services.control.access.asking import Unasked
from services.revisions.revising import Conflict, RevisionProblem
from services.revisions.tables import told
from services.revisions.texts import say
from services.texts import say as say_generally

_STATUS: Final[Mapping[str, HTTPStatus]] = {
    "author": HTTPStatus.FORBIDDEN,
    "right": HTTPStatus.FORBIDDEN,
    "self": HTTPStatus.FORBIDDEN,
    "stranger": HTTPStatus.FORBIDDEN,
    "withdraw": HTTPStatus.FORBIDDEN,
    "key": HTTPStatus.FORBIDDEN,
    "role-missing": HTTPStatus.FORBIDDEN,
    "unknown": HTTPStatus.NOT_FOUND,
    "decision-unknown": HTTPStatus.NOT_FOUND,
    "values-key": HTTPStatus.CONFLICT,
    "values-damaged": HTTPStatus.CONFLICT,
    "revision-unknown": HTTPStatus.NOT_FOUND,
    "over": HTTPStatus.CONFLICT,
    "twice": HTTPStatus.CONFLICT,
    "look-plan": HTTPStatus.CONFLICT,
    "look-backtest": HTTPStatus.CONFLICT,
    "busy": HTTPStatus.CONFLICT,
    "altered": HTTPStatus.CONFLICT,
}
"""By the code of a problem; any other is a bad request."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something was not done."""

    reason: str
    message: str
    mistakes: tuple[dict[str, Any], ...] = ()
    """Of a policy: where, what, and how to mend it."""
    active: int = 0
    """Of a conflict: the revision that is active."""
    theirs: tuple[str, ...] = ()
    """Of a conflict: what has changed since the base, in words."""
    yours: tuple[str, ...] = ()
    """Of a conflict: what the draft or proposal changes, in words."""
    both: tuple[str, ...] = ()
    """Of a conflict: the parts that both touch."""


def problem_of(error: Exception, language: str) -> tuple[Problem | None, HTTPStatus]:
    """What is said of an error, and the status; `None` for a mistake of ours."""
    if isinstance(error, Unasked):
        return Problem(
            reason="PERSON_UNAUTHENTICATED", message=say(error.code, language=language)
        ), HTTPStatus.UNAUTHORIZED
    if isinstance(error, PolicyInvalid):
        mistakes = tuple({"path": each.path, "problem": each.problem, "fix": each.fix} for each in error.mistakes)
        text = say("mistakes", language=language, count=len(mistakes))
        return Problem(reason="POLICY_INVALID", message=text, mistakes=mistakes), HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, RevisionProblem):
        return _refused(error, language), _STATUS.get(error.code, HTTPStatus.BAD_REQUEST)
    if isinstance(error, Conflict):
        return _conflict(error, language), HTTPStatus.CONFLICT
    if isinstance(error, CellsFixed):
        values = {"tenant": error.tenant, "cells": error.cells, "wanted": error.wanted}
        text = say_generally("cells-fixed", language=language, **values)
        return Problem(reason="CELLS_FIXED", message=text), HTTPStatus.CONFLICT
    if isinstance(error, msgspec.DecodeError):
        return Problem(reason="ARGUMENT_INVALID", message=f"The body cannot be read: {error}."), HTTPStatus.BAD_REQUEST
    return None, HTTPStatus.INTERNAL_SERVER_ERROR


def _refused(error: RevisionProblem, language: str) -> Problem:
    values = dict(error.values)
    if "state" in values:
        values["state"] = say(f"state-{values['state']}", language=language)
    reason = error.code.upper().replace("-", "_")
    return Problem(reason=reason, message=say(error.code, language=language, **values))


def _conflict(error: Conflict, language: str) -> Problem:
    key = "conflict-proposal" if error.number else "conflict-apply"
    values = {"active": error.active, "base": error.base, "number": error.number}
    both = merge(error.was, error.ours, error.theirs).conflicts
    theirs, ours = error.sides()
    return Problem(
        reason="CONFLICT",
        message=say(key, language=language, **values),
        active=error.active,
        theirs=tuple(line.strip() for line in told(theirs, language=language)),
        yours=tuple(line.strip() for line in told(ours, language=language)),
        both=tuple(f"{place.section} {place.name}".strip() for place in both),
    )
