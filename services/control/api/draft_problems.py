"""Why something was not done about a draft or a job: as problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from services.control.drafts.edits import EditRefused
from services.control.drafts.store import DraftChanged, DraftProblem
from services.control.drafts.texts import say
from services.control.drafts.workshop import Overtaken
from services.control.jobs import JobsFull, JobUnknown

_STATUS: Final[Mapping[str, HTTPStatus]] = {
    "draft-unknown": HTTPStatus.NOT_FOUND,
    "drafts-many": HTTPStatus.CONFLICT,
    "draft-long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "if-match": HTTPStatus.PRECONDITION_REQUIRED,
    "workshop-full": HTTPStatus.SERVICE_UNAVAILABLE,
    "workshop-lost": HTTPStatus.UNPROCESSABLE_ENTITY,
    "edit-name": HTTPStatus.CONFLICT,
    "edit-after": HTTPStatus.CONFLICT,
    "edit-taken": HTTPStatus.CONFLICT,
    "edit-layout": HTTPStatus.UNPROCESSABLE_ENTITY,
    "edit-yaml": HTTPStatus.UNPROCESSABLE_ENTITY,
    "people-alone": HTTPStatus.CONFLICT,
    "people-none": HTTPStatus.CONFLICT,
    "rebase-conflict": HTTPStatus.CONFLICT,
    "job-replay-key": HTTPStatus.CONFLICT,
    "sign-yourself": HTTPStatus.FORBIDDEN,
}
"""By the code of a text; any other is a bad request."""


class Told(NamedTuple):
    """What is said of an error."""

    reason: str
    status: HTTPStatus
    text: str
    more: Mapping[str, Any] = {}


def told_of_drafts(error: Exception, language: str) -> Told | None:
    """What is said of an error about drafts and jobs; `None` for any other."""
    if isinstance(error, DraftChanged):
        text = say("draft-changed", language=language, by=error.draft.updated_by)
        return Told("DRAFT_CHANGED", HTTPStatus.PRECONDITION_FAILED, text, {"difference": error.difference})
    if isinstance(error, DraftProblem | EditRefused):
        return _told(error.code, language, **error.values)
    if isinstance(error, Overtaken):
        return Told("OVERTAKEN", HTTPStatus.CONFLICT, say("overtaken", language=language))
    if isinstance(error, JobsFull):
        text = say("jobs-full", language=language)
        return Told("JOBS_FULL", HTTPStatus.TOO_MANY_REQUESTS, text, {"retry_after_seconds": 5})
    if isinstance(error, JobUnknown):
        return Told("JOB_UNKNOWN", HTTPStatus.NOT_FOUND, say("job-unknown", language=language))
    return None


def _told(code: str, language: str, **values: object) -> Told:
    status = _STATUS.get(code, HTTPStatus.BAD_REQUEST)
    more = {"retry_after_seconds": 1} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Told(code.upper().replace("-", "_"), status, say(code, language=language, **values), more)
