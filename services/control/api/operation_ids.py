"""What each operation is called in the description of the interface: `listHolds`, `approveHold`. Pure."""

import re
from typing import Final

_PLURALS: Final = {"ies": "y", "s": ""}
_CREATED: Final = {"get": "get", "post": "create", "put": "update", "patch": "edit", "delete": "delete"}
_PART: Final = re.compile(r"[-_.]")
_OWN: Final = {
    "post /ofrep/v1/evaluate/flags": "evaluateFlags",
    "post /ofrep/v1/evaluate/flags/{key}": "evaluateFlag",
    "post /v1/what-if": "askWhatIf",
    "post /v1/session": "logIn",
    "delete /v1/session": "logOut",
    "post /v1/session/password": "changePassword",
    "post /v1/decisions/{decision}/values": "readDecisionValues",
}
"""Operations with a name of their own."""
_MASS: Final = frozenset({"activity", "values", "flags", "now", "fairness"})
"""Resources whose name is no plural."""


def operation_id(method: str, path: str) -> str:
    """The id of an operation, by its method and its path: `POST /v1/holds/{hold}:approve` is `approveHold`."""
    if (own := _OWN.get(f"{method} {path}")) is not None:
        return own
    parts = [part for part in path.split("/") if part and not re.fullmatch(r"v[0-9]+", part)]
    last, _, verb = parts[-1].partition(":")
    names = [part for part in (*parts[:-1], last) if not part.startswith("{")]
    one = last.startswith("{")
    if not verb:
        verb = "list" if method == "get" and not one and _is_plural(last) else _CREATED[method]
    only = one or (verb != "list" and method == "post" and not _is_verb(parts[-1]))
    *before, subject = names
    before = [_singular(each) for each in before]
    return _camel([verb, *before, _singular(subject) if only else subject])


def _is_verb(last: str) -> bool:
    return ":" in last and not last.startswith("{")


def _is_plural(name: str) -> bool:
    return name.endswith("s") and name not in _MASS


def _singular(name: str) -> str:
    for ending, other in _PLURALS.items():
        if _is_plural(name) and name.endswith(ending):
            return name.removesuffix(ending) + other
    return name


def _camel(words: list[str]) -> str:
    first, *others = [part for word in words for part in _PART.split(word)]
    return first + "".join(each[:1].upper() + each[1:] for each in others)
