"""Taking fields out of the requests of plain HTTP: a body of JSON in, the same JSON without them out.

What decides about a request cannot be taken out of it, and what some servers may take for a field that is to be taken
out is refused: the upstream must not get it under another name.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.contract import Redaction, RedactionMistake, Take
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.mistakes import told
from gateway.core.rest.reply_paths import EVERY, is_path
from gateway.core.rest.sources import Place
from gateway.messages.rest_bodies import FORM, JSON, body_of
from gateway.messages.rest_replies import PathTake, TakeAll, redacted

BODY: Final = "body"


class RestRequests(msgspec.Struct, frozen=True):
    """Redacts the requests of one method. `kept` are the places that say what it is decided by."""

    kept: tuple[Place, ...]

    def plan(self, redaction: Redaction) -> Take:
        """See `gateway.core.contract.Redactor`."""
        return TakeAll(
            tuple(
                PathTake(self._steps(path, place=place), redaction.text_instead)
                for place, path in enumerate(redaction.fields)
            )
        )

    def touches(self, redaction: Redaction) -> bool:
        """See `gateway.core.contract.Redactor`."""
        return bool(redaction.fields)

    def apply(self, message: bytes, _takes: Iterable[Take]) -> bytes:
        """The message: Envoy forwards such requests, not the gateway."""
        return message

    def _steps(self, path: str, *, place: int) -> tuple[str, ...]:
        """The way into the body."""
        origin, _, rest = path.partition(".")
        if origin != BODY or not is_path(rest):
            raise RedactionMistake(told("rest-request-path", field=path), place=place)
        steps = tuple(rest.split("."))
        for kept in self.kept:
            if kept.origin == BODY and _leads(steps, kept.steps):
                raise RedactionMistake(told("redaction-governs", field=path, governs=str(kept)), place=place)
        return steps


def reduced(body: bytes, paths: Sequence[PathTake], *, content_type: str = JSON) -> bytes:
    """The body as the upstream gets it. It is JSON, written anew; one without content stays so.

    Raises:
        CallEnded: ARGUMENT_INVALID where it is no JSON, or may be read in several ways.
    """
    if not body or not paths:
        return body
    found = body_of(body, content_type=content_type)
    if content_type.lower().partition(";")[0].strip() == FORM:
        raise invalid(BODY, "Something must be taken out of the body: send it as application/json.")
    for path in paths:
        _look(found, path.steps, path)
    try:
        return redacted(body, paths)
    except ValueError as error:
        raise invalid(BODY, "Something must be taken out of the body, and it has a value that cannot be.") from error


class RequestWithheld(CallEnded):
    """The call ends here: something must be taken out of its request, and was not."""

    def __init__(self) -> None:
        super().__init__(
            Reason.REQUEST_WITHHELD,
            "Something must be taken out of the request and could not be, so it was not sent: tell whoever runs the "
            "gateway.",
        )


def _leads(steps: Sequence[str], kept: Sequence[str]) -> bool:
    """Whether taking out what the steps lead to takes out what is kept: itself, or something that it lies in."""
    if not steps:
        return True
    if steps[0] == EVERY and _leads(steps[1:], kept):  # for the elements of a list, which a place does not count
        return True
    return bool(kept) and steps[0] in (EVERY, kept[0]) and _leads(steps[1:], kept[1:])


def _look(value: Any, steps: Sequence[str], path: PathTake) -> None:
    """Refuse a name that differs from a step only in letters: many servers take it for the same."""
    if not steps:
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        for each in value:
            _look(each, rest if step == EVERY else steps, path)
    elif isinstance(value, Mapping):
        folded = step.casefold()
        for name, inner in value.items():
            if step in (EVERY, name):
                _look(inner, rest, path)
            elif name.casefold() == folded:
                where = ".".join((BODY, *path.steps))
                raise invalid(where, f"{where} is spelt otherwise: write {step}.")
