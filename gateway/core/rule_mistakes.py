"""What the rule engine says of an expression that does not compile, in words that help, with what may be meant."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final

_NO_FIELD: Final = re.compile(r"undefined field '(\w+)' not found in struct '([\w.]+)'")
_NO_NAME: Final = re.compile(r"undeclared reference to '(\w+)")


class RuleMistake(Exception):
    """The expression does not compile; the text says where and why, and how to mend what people often get wrong.

    `problems` are all there are, each with a name that may have been meant, or none.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(problems[0][0])
        self.problems = problems


def problems(text: str, *, pool: Any, names: Iterable[str]) -> list[tuple[str, str]]:
    """Every error in the engine's message, in words, and the name that may have been meant.

    `pool` are the message types, `names` those that an expression can begin with.
    """
    errors = text.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ").split("\nERROR: ")
    own = [error for error in errors if "*error*" not in error]  # the rest follows from these
    return [(_readable(error), _meant(error, pool, names)) for error in own or errors]


def _meant(error: str, pool: Any, names: Iterable[str]) -> str:
    wanted, known = "", list[str]()
    if field := _NO_FIELD.search(error):
        wanted, known = field[1], list(pool.FindMessageTypeByName(field[2]).fields_by_name)
    elif name := _NO_NAME.search(error):
        wanted, known = name[1], list(names)
    return next(iter(difflib.get_close_matches(wanted, known, n=1)), "")


def _readable(text: str) -> str:
    """The engine's message without its wrapping, and with a hint where the engine's words help nobody."""
    first = text.partition("\n")[0].removeprefix("<input>:").removesuffix(" [INVALID_ARGUMENT]")
    line, _, rest = first.partition(":")
    column, _, problem = rest.partition(": ")
    where = f"line {line}, column {column}: {problem}" if problem else first
    if "(int, double)" in text or "(double, int)" in text:
        where += "; numbers compare only with their own kind: write 5000.0 for a decimal field, 5000 for a whole one"
    return where
