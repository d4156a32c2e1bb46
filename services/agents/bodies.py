"""JSON as it is sent to values: Python's reader does the work, and an object with a key twice is none."""

import json
from typing import Any, Final

from services.agents.unfit import Unfit

MOST_LEVELS: Final = 100
"""Of messages in messages: what protobuf reads at most."""
LONGEST_NAME: Final = 60
"""Names of fields that are longer are not repeated in an answer."""


class _Twice(Exception):
    """An object has a key twice."""


def decoded(body: bytes) -> Any:
    """The JSON value that the bytes are.

    Raises:
        Unfit: they are none, or an object has a key twice.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unfit("", "no-utf8") from error
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Unfit("", "no-json", line=error.lineno, column=error.colno) from error
    except _Twice as error:
        raise Unfit(_repeated(json.loads(text, object_pairs_hook=_Pairs)), "twice") from error
    except RecursionError as error:
        raise Unfit("", "deep", most=MOST_LEVELS) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise Unfit("", "digits") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


class _Pairs(list[tuple[str, Any]]):
    """An object with all its keys, also those that it has twice."""


def _repeated(value: Any) -> str:
    """Where the first key is that an object has twice; empty where there is none."""
    seen: set[str] = set()
    if isinstance(value, _Pairs):
        for name, inner in value:
            shown = name if name.isprintable() and len(name) <= LONGEST_NAME else "?"
            if name in seen:
                return shown
            seen.add(name)
            if below := _repeated(inner):
                return shown + below if below.startswith("[") else f"{shown}.{below}"
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if below := _repeated(inner):
                return f"[{index}]" + (below if below.startswith("[") else f".{below}")
    return ""


def _no_constant(constant: str) -> Any:
    raise Unfit("", "bare", constant=constant)
