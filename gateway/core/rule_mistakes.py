"""What the rule engine says of an expression that does not compile, as codes, with what may be meant."""

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from gateway.core.mistakes import NONE, Told, told

_WHERE: Final = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)", re.DOTALL)
_NO_FIELD: Final = re.compile(r"undefined field '(\w+)' not found in struct '([\w.]+)'")
_NO_NAME: Final = re.compile(r"undeclared reference to '([\w.]+)'")
_NO_OVERLOAD: Final = re.compile(r"found no matching overload for '(.+?)' applied to '\((.*)\)'")
_TOKEN: Final = re.compile(r"Syntax error: token recognition error at: '(.*)'", re.DOTALL)
_INPUT: Final = re.compile(r"Syntax error: (?:extraneous|mismatched) input '(.*?)' expecting (.*)", re.DOTALL)
_LACKS: Final = re.compile(r"Syntax error: missing '(.+)' at")
_NO_WAY: Final = re.compile(r"Syntax error: no viable alternative at input '(.*)'()", re.DOTALL)
_NO_LIST: Final = re.compile(r"expression of type '(.+)' cannot be the (?:range of a compre|operand of a select)")
_RESERVED: Final = re.compile(r"reserved identifier: (\w+)")
_MACRO: Final = re.compile(r"(\w+)\(\) (?:argument|variable name) must be")
_END: Final = "<EOF>"
_NUMBERS: Final = ({"int", "double"}, {"uint", "double"}, {"int", "uint"})
_LONGEST_QUOTED: Final = 40


class Flaw(NamedTuple):
    """One thing that is wrong with an expression."""

    what: Told
    at: tuple[int, int] = (0, 0)
    """Line and column in the expression, from 1; (0, 0) for the whole of it."""
    meant: str = ""
    """A name that may have been meant, or none."""


class RuleMistake(Exception):
    """The expression does not compile; `flaws` are all there are, each with its place and how it may be meant."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__(flaws[0].what.code)
        self.flaws = flaws


def flaws_in(text: str, *, pool: Any, names: Iterable[str]) -> list[Flaw]:
    """Every error in the engine's message, as codes: none of its words go on.

    `pool` are the message types, `names` those that an expression can begin with.
    """
    errors = text.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ").split("\nERROR: ")
    own = [error for error in errors if "*error*" not in error and "parsetree" not in error]
    return [_flaw(error, pool, names) for error in own or errors]  # the others follow from these


def _flaw(error: str, pool: Any, names: Iterable[str]) -> Flaw:
    first = error.partition("\n | ")[0].removesuffix(" [INVALID_ARGUMENT]")
    where = _WHERE.match(first)
    if where is None:
        return Flaw(told("expression-deep" if "recursion" in first else "expression-unreadable"))
    line, column = int(where[1]), int(where[2])
    what, meant = _what(where[3], pool, names)
    return Flaw(what, (line, column) if line > 0 else (0, 0), meant)


def _what(problem: str, pool: Any, names: Iterable[str]) -> tuple[Told, str]:
    if found := _NO_FIELD.match(problem):
        known = list(pool.FindMessageTypeByName(found[2]).fields_by_name)
        return told("expression-field", name=found[1], message=found[2]), _like(found[1], known)
    if found := _NO_NAME.match(problem):
        return told("expression-name", name=found[1]), _like(found[1].partition(".")[0], names)
    if found := _NO_OVERLOAD.match(problem):
        return _no_overload(found[1], found[2].split(", ")), ""
    return _syntax(problem), ""


def _syntax(problem: str) -> Told:
    if found := _TOKEN.match(problem):
        code = "expression-quote" if found[1][:1] in ("'", '"') else "expression-sign"
        return told(code, token=_quoted(found[1]), hint=told("write-equals") if found[1].strip() == "=" else NONE)
    if found := _INPUT.match(problem) or _NO_WAY.match(problem):
        if found[1] != _END:
            return told("expression-surplus", token=_quoted(found[1]))
        wanted = found[2].strip("{}").replace("'", "").split(", ")[0]
        ends = not wanted or "IDENTIFIER" in found[2]
        return told("expression-end") if ends else told("expression-lacks", token=wanted)
    if found := _LACKS.match(problem):
        return told("expression-lacks", token=found[1])
    return _meaning(problem)


def _meaning(problem: str) -> Told:
    if found := _NO_LIST.match(problem):
        return told("expression-no-list", kind=kind_of(found[1]))
    if found := _RESERVED.match(problem):
        return told("expression-reserved", name=found[1])
    if found := _MACRO.match(problem):
        return told("expression-macro", name=found[1])
    return told("expression-number" if "literal" in problem else "expression-unreadable")


def _no_overload(operator: str, kinds: list[str]) -> Told:
    sign = operator.removeprefix("@").strip("_").replace("_", "…")
    of = tuple(kind_of(kind) for kind in kinds)
    if len(kinds) == 2 and set(kinds) in _NUMBERS:
        return told("expression-numbers", operator=sign, kinds=told("and", choices=of))
    return told("expression-operator", operator=sign, kinds=told("and", choices=of))


def kind_of(name: str) -> Told:
    """A kind of value in the engine's words: "int", "pilote.crm.v1.Deal"; of what has no words of ours the last part.

    Names of message types are the same in every language.
    """
    plain = name.partition("(")[0].lower().removeprefix("google.protobuf.").removesuffix("_type")
    return told(f"cel-{plain}") if plain in _KINDS else told("cel-message", name=name)


_KINDS: Final = frozenset(
    {"bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null", "string", "timestamp", "type", "uint"}
)


def _quoted(token: str) -> str:
    plain = token.encode("unicode_escape", "replace").decode() if not token.isprintable() else token
    return plain.strip()[:_LONGEST_QUOTED]


def _like(wanted: str, known: Iterable[str]) -> str:
    found = next(iter(difflib.get_close_matches(wanted, list(known), n=1)), "")
    return "" if found == wanted else found
