"""Taking fields out of the requests of plain HTTP: a body of JSON or a query in, the same without them out.

What decides about a request cannot be taken out of it, and what some servers may take for a field that is to be taken
out is refused: the upstream must not get it under another name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from gateway.core.contract import Redaction, RedactionMistake, Take
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.mistakes import told
from gateway.core.policy.rest import Sensitivity
from gateway.core.rest.reply_paths import EVERY, is_request_path
from gateway.core.rest.sources import Place
from gateway.messages.rest_bodies import FORM, JSON, body_of
from gateway.messages.rest_replies import PathTake, redacted
from gateway.messages.sensitivity import level_of

BODY: Final = "body"
QUERY: Final = "query"
_BELOW: Final = re.compile(r"[\[.]")
"""Where a name of a query goes on to what some servers read as a part of the field before it."""


class RequestTakes(msgspec.Struct, frozen=True):
    """All that one rule takes out of a request."""

    body: tuple[PathTake, ...]
    query: tuple[PathTake, ...] = ()
    """Of one step each: the name of a parameter."""

    def __call__(self, _request: object) -> None:
        """Nothing: such requests are redacted where they go by, in Envoy."""


class RestRequests(msgspec.Struct, frozen=True):
    """Redacts the requests of one method. `kept` are the places that say what it is decided by."""

    kept: tuple[Place, ...]
    sensitive: Mapping[Sensitivity, tuple[str, ...]] = {}
    """Which of their paths are how sensitive."""

    def plan(self, redaction: Redaction) -> Take:
        """See `gateway.core.contract.Redactor`."""
        ways = [self._way(path, place=place) for place, path in enumerate(redaction.fields)]
        ways += [self._way(path, place=-1) for path in self._sensitive(redaction)]
        takes = [(way.origin, PathTake(way.steps, redaction.text_instead)) for way in ways]
        body, query = (tuple(take for origin, take in takes if origin == wanted) for wanted in (BODY, QUERY))
        return RequestTakes(body, query)

    def touches(self, redaction: Redaction) -> bool:
        """See `gateway.core.contract.Redactor`."""
        return bool(redaction.fields or self._sensitive(redaction))

    def apply(self, message: bytes, _takes: Iterable[Take]) -> bytes:
        """The message: Envoy forwards such requests, not the gateway."""
        return message

    def _sensitive(self, redaction: Redaction) -> tuple[str, ...]:
        if not redaction.sensitivity:
            return ()
        least = level_of(redaction.sensitivity)
        found = [path for level, paths in self.sensitive.items() if level_of(level) >= least for path in paths]
        return tuple(filter(is_request_path, found))  # others are mistakes that cross-checks report

    def _way(self, path: str, *, place: int) -> Place:
        if not is_request_path(path):
            raise RedactionMistake(told("rest-request-path", field=path), place=place)
        origin, *steps = path.split(".")
        for kept in self.kept:
            if kept.origin == origin and _leads(steps, kept.steps):
                governs = str(kept)
                sensitive = told("redaction-sensitive", governs=governs, name=path)
                raise RedactionMistake(
                    told("redaction-governs", field=path, governs=governs) if place >= 0 else sensitive, place=place
                )
        return Place(origin, tuple(steps))


def reduced_path(path: str, takes: Sequence[PathTake]) -> str:
    """A path with its query, as the upstream gets it: what stays is as it was.

    Raises:
        CallEnded: ARGUMENT_INVALID where a parameter may be one that is to be taken out, and is spelt otherwise.
    """
    path, _, query = path.partition("?")
    for take in takes:
        parts = (_parameter(part, take.steps[0], take.instead) for part in query.split("&"))
        query = "&".join(part for part in parts if part is not None)
    return f"{path}?{query}" if query else path


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


def _parameter(part: str, name: str, instead: str | None) -> str | None:
    """A part of a query, "name=value", without what is to be taken out; `None` where nothing is left."""
    said = unquote_plus(part.partition("=")[0])
    if said == name:
        return None if instead is None else f"{quote_plus(name)}={quote_plus(instead)}"
    if name.casefold() in (said.casefold(), _BELOW.split(said)[0].casefold()):
        raise invalid(f"{QUERY}.{name}", f"{QUERY}.{name} is spelt otherwise: write {name}.")
    return part


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
