"""Why somebody was not let in, or something was not done about accounts and tokens: as problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from services.control.access.accounts import AccountProblem
from services.control.access.entrance import ConfirmationNeeded, NotIn
from services.control.access.knowing import CsrfRefused
from services.control.access.passwords import Busy
from services.control.access.texts import say

_STATUS: Final[Mapping[str, HTTPStatus]] = {
    "login-wrong": HTTPStatus.UNAUTHORIZED,
    "login-throttled": HTTPStatus.TOO_MANY_REQUESTS,
    "login-busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "oidc-away": HTTPStatus.SERVICE_UNAVAILABLE,
    "account-unknown": HTTPStatus.NOT_FOUND,
    "session-unknown": HTTPStatus.NOT_FOUND,
    "token-unknown": HTTPStatus.NOT_FOUND,
    "account-there": HTTPStatus.CONFLICT,
    "account-linked": HTTPStatus.CONFLICT,
    "tokens-many": HTTPStatus.CONFLICT,
    "account-changed": HTTPStatus.PRECONDITION_FAILED,
    "match-needed": HTTPStatus.PRECONDITION_REQUIRED,
    "account-name": HTTPStatus.BAD_REQUEST,
    "token-scope": HTTPStatus.BAD_REQUEST,
    "token-unread": HTTPStatus.BAD_REQUEST,
    "account-unread": HTTPStatus.BAD_REQUEST,
    "password-short": HTTPStatus.BAD_REQUEST,
    "password-long": HTTPStatus.BAD_REQUEST,
    "password-name": HTTPStatus.BAD_REQUEST,
    "password-common": HTTPStatus.BAD_REQUEST,
    "password-same": HTTPStatus.BAD_REQUEST,
}
"""By the code of a text; any other is forbidden."""


class Told(NamedTuple):
    """What is said of an error."""

    reason: str
    status: HTTPStatus
    text: str
    retry_after_seconds: int = 0


def told_of_access(error: Exception, language: str) -> Told | None:
    """What is said of an error about who people are; `None` for any other."""
    if isinstance(error, AccountProblem):
        return _told(error.code, language, 0, **error.values)
    if isinstance(error, NotIn):
        return _told(error.refused.code, language, error.refused.seconds)
    if isinstance(error, Busy):
        return _told("login-busy", language, -(-error.retry_ms // 1_000))
    if isinstance(error, ConfirmationNeeded):
        # Whether by a password or by a provider, the page that asks for it knows.
        return _told(error.code, language)._replace(reason="CONFIRMATION_NEEDED")
    if isinstance(error, CsrfRefused):
        return _told("csrf", language)
    return None


def _told(code: str, language: str, seconds: int = 0, **values: object) -> Told:
    text = say(code, language=language, seconds=seconds, **values)
    return Told(code.upper().replace("-", "_"), _STATUS.get(code, HTTPStatus.FORBIDDEN), text, seconds)
