"""Bodies and queries of plain HTTP requests, read in the one way that every server reads them, or refused."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from gateway.core.errors import invalid

DEEPEST: Final = 24
"""Levels of a body: more would not fit a protobuf Struct, which readers open to a depth of 100."""
MOST_FIELDS: Final = 1_000
"""Of a query or a form."""
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
_BROKEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def body_of(body: bytes, *, content_type: str) -> Any:
    """What a body says, as JSON's kinds of values; `None` without one.

    Raises:
        CallEnded: ARGUMENT_INVALID: it is neither JSON nor a form, or may be read in more than one way.
    """
    if not body:
        return None
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if "charset" in parameters and not parameters.partition("charset=")[2].strip(' "').startswith(("utf-8", "utf8")):
        _refuse("is not UTF-8: send it so")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        _refuse("is not UTF-8: send it so")
    if kind == FORM:
        return fields_of(text, field="body")
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        _refuse(f"must be {JSON} or {FORM}, and content-type must say so")
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
    except RecursionError:
        _refuse(f"is nested deeper than {DEEPEST} levels")
    except ValueError:
        _refuse("is no JSON")
    if _depth(found) > DEEPEST:
        _refuse(f"is nested deeper than {DEEPEST} levels")
    return found


def fields_of(text: str, *, field: str) -> dict[str, Any]:
    """The fields of a query or a form; one that comes more than once is a list.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming `field`.
    """
    if ";" in text:  # some servers part fields by it, others do not
        raise invalid(field, f"The {field} must write ; as %3B.")
    if _BROKEN.search(text):
        raise invalid(field, f"The {field} must write % as %25.")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:  # of which bad UTF-8 is one
        raise invalid(field, f"The {field} is not UTF-8, or has more than {MOST_FIELDS} fields.") from error
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two that are the same servers take the first or the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        _refuse("says a key twice in one object")
    return found


def _constant(_name: str) -> NoReturn:
    _refuse("has a number that is none")


def _depth(value: Any) -> int:
    deepest, open_ = 0, [(value, 1)]
    while open_:
        here, depth = open_.pop()
        deepest = max(deepest, depth)
        inner: Iterable[Any] = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        open_ += [(each, depth + 1) for each in inner]
    return deepest


def _refuse(what: str) -> NoReturn:
    raise invalid("body", f"The body {what}.")
