"""From plain data (what YAML and JSON give) to the `Document`, with every mistake reported at once.

msgspec stops at the first mistake; a person who wrote twelve wants to read twelve. So structs and lists are walked
here, and msgspec decodes the leaves. A leaf that cannot be read gets a stand-in, so that the checks which follow can
still look at the rest of the document; what they then say about a place that is wrong already is left out.
"""

import contextlib
import difflib
import functools
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

from gateway.core.policy.document import Document

_PATTERN_FIXES: Final = {
    "ms|s|m|h|d": "write a number and a unit, such as 500ms, 30s, 5m, 24h or 7d",
    "a-z0-9_.-": "use lower-case letters, digits, '-', '_' and '.', beginning with a letter, at most 63",
    "ed25519:": "put the public key here, as `pilote people new` prints it; never the private key",
    "[0-9a-f]{64}": "put the SHA-256 here, 64 hexadecimal digits, as `pilote keys new` prints it; never the key itself",
    "24:00": 'write hours and minutes in quotes, such as "09:30"; a day ends at "24:00"',
    "[0-9]{1,9}": 'write numbers with points between them, in quotes, such as "2026.1"',
    "[A-Z]{3}": "write three capital letters, such as EUR",
    "unix:": "write host:port, [IPv6 address]:port or unix:/path",
}
"""What to write instead, by a part of the pattern that did not match."""

S = TypeVar("S", bound=msgspec.Struct)
Path = tuple[str | int, ...]
"""Where something stands in a document: ("rules", 3, "when")."""


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong with a policy, and how to mend it. `line` counts from 1; 0 where there is no file."""

    path: str
    problem: str
    fix: str
    line: int = 0
    file: str = ""
    """The file it stands in, where that is a pack's and not the policy's own."""
    column: int = 0
    """Of the line, from 1; 0 where it is not known."""


class PolicyInvalid(Exception):
    """The policy has mistakes, all of which are in `mistakes`, in the order of the document."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(f"{len(mistakes)} mistakes")
        self.mistakes = mistakes


class Lines(dict[Path, int]):
    """The line of each path of a policy that was read from files."""

    def __init__(self) -> None:
        super().__init__()
        self.origins: dict[Path, tuple[str, Path]] = {}
        """Of what comes from another file than the policy's: that file, and the path there."""
        self.columns: dict[Path, int] = {}
        """The column of each path, from 1, where somebody wants to know."""


def whereabouts(path: Path, lines: Mapping[Path, int], *, file: str = "") -> tuple[str, int, str]:
    """File, line and path as people read it; the line is that of the nearest ancestor that has one, 0 for none.

    `file` is the policy's own; for what comes from a pack it is the pack's, with the path there.
    """
    origins = lines.origins if isinstance(lines, Lines) else {}
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), 0)
    file, place = origins.get(path[:2], (file, path[:2]))
    return file, line, dotted((*place, *path[2:]))


class Mistakes:
    """Collects mistakes and knows the line of each path."""

    def __init__(self, lines: Mapping[Path, int] | None = None, *, file: str = "") -> None:
        self._lines = {} if lines is None else lines  # may still be empty: the reader of a file fills it as it goes
        self._file = file
        self._found: list[Mistake] = []
        self._paths: list[Path] = []
        self._stood_in: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._found)

    def under(self, section: str) -> bool:
        """Whether anything in that section could not be read."""
        return any(path[:1] == (section,) for path in self._stood_in)

    def stand_in(self) -> None:
        """From now on the document is looked at with stand-ins where a mistake was found so far."""
        self._stood_in = tuple(self._paths)

    def add(self, path: Path, problem: str, *, fix: str) -> None:
        """Report one mistake at `path`; its line is the one of the nearest ancestor that has one."""
        if any(_overshadows(known, path) for known in self._stood_in):
            return
        self._paths.append(path)
        file, line, place = whereabouts(path, self._lines, file=self._file)
        self._found.append(Mistake(place, problem, fix, line, file, self._column(path)))

    def _column(self, path: Path) -> int:
        columns = self._lines.columns if isinstance(self._lines, Lines) else {}
        return next((columns[path[:n]] for n in range(len(path), -1, -1) if path[:n] in columns), 0)

    def raise_if_any(self) -> None:
        """End here if anything was reported.

        Raises:
            PolicyInvalid: with all mistakes, in the order of the document.
        """
        if self._found:
            raise PolicyInvalid(tuple(sorted(self._found, key=lambda mistake: (mistake.file, mistake.line))))


def dotted(path: Path) -> str:
    """A path as people read it: `rules[3].when`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "(document)"


def decode(data: object, mistakes: Mistakes) -> Document:
    """The document that `data` describes; where it has mistakes, with stand-ins, and only good for finding more.

    Raises:
        PolicyInvalid: when it is no document at all.
    """
    document = _struct(Document, data, (), mistakes)
    if not isinstance(data, dict):
        mistakes.raise_if_any()
    mistakes.stand_in()
    assert isinstance(document, Document)  # noqa: S101 - for the type checker
    return document


def part(kind: type[S], data: object, path: Path, mistakes: Mistakes) -> S:
    """The struct of that kind that `data` describes; with stand-ins where mistakes were found."""
    found = _struct(kind, data, path, mistakes)
    assert isinstance(found, kind)  # noqa: S101 - for the type checker
    return found


def _overshadows(known: Path, path: Path) -> bool:
    """Whether a mistake at `known` makes what is said of `path` doubtful.

    It does where one place holds the other, and where `known` decides to which methods the thing at `path` applies.
    """
    shorter = min(len(known), len(path))
    decides = known[2:3] in (("methods",), ("operations",)) and known[:2] == path[:2]
    return decides or known[:shorter] == path[:shorter]


class _Unreadable:
    """Stands where a leaf could not be decoded, until its struct puts something in its place."""


_UNREADABLE: Final = _Unreadable()


def _value(kind: Any, data: object, path: Path, mistakes: Mistakes) -> object:
    kind, data = _unwrapped(kind, data)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind, data, path, mistakes)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple and isinstance(data, list):
        items = [_value(arguments[0], item, (*path, index), mistakes) for index, item in enumerate(data)]
        return tuple(_stand_in(arguments[0], data[i]) if item is _UNREADABLE else item for i, item in enumerate(items))
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        problem = str(error).split(" - at `")[0]
        if "matching regex" in problem:  # the fix says it in words; and what stands there may be a secret
            problem = "cannot be used as it is written"
        mistakes.add(path, problem, fix=_fix(kind, data))
        return _UNREADABLE


def _stand_in(kind: Any, data: object) -> Any:
    """Something of the right kind in place of `data`: a text itself, since others may refer to it."""
    kind, _ = _unwrapped(kind, data)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _stand_in(arguments[0], data)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        return None
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind, {}, (), Mistakes())
    if kind is str and isinstance(data, str):
        return data
    return (origin or kind)()


def _unwrapped(kind: Any, data: object) -> tuple[Any, object]:
    """`X | None` as X where there is data, so that the walk goes on below it."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType) and data is not None:
        alternatives = [part for part in typing.get_args(kind) if part not in (type(None), msgspec.UnsetType)]
        if len(alternatives) == 1:
            return alternatives[0], data
    return kind, data


def _struct(kind: type[msgspec.Struct], data: object, path: Path, mistakes: Mistakes) -> msgspec.Struct:
    if kind is not Document:  # which may be large: in one go it would keep the interpreter from calls for too long
        with contextlib.suppress(msgspec.ValidationError):  # the usual case, 20 times as fast as the walk
            return msgspec.convert(data, kind, strict=True)
    if not isinstance(data, dict):
        mistakes.add(path, f"expected a mapping, got {_named(data)}", fix=f"write the fields of {kind.__name__} here")
        data, mistakes = {}, Mistakes()
    fields = _fields(kind)
    for name in data:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"known fields: {', '.join(fields)}"
            mistakes.add((*path, str(name)), f"unknown field {str(name)!r}", fix=fix)
    found = {}
    for name, field in fields.items():
        value: object = _UNREADABLE
        if name in data:
            value = _value(field.type, data[name], (*path, name), mistakes)
        elif field.required:
            mistakes.add((*path, name), f"required field {name!r} is missing", fix=f"add {name!r}")
        if value is not _UNREADABLE:
            found[field.name] = value
        elif field.required:
            found[field.name] = _stand_in(field.type, data.get(name))
    return kind(**found)


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """A struct's fields by the names that a document gives them; looking them up takes 60 us, and rules are many."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _named(data: object) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        type(None): "nothing",
    }
    return names.get(type(data), f"a {type(data).__name__}")


def _fix(kind: Any, data: object) -> str:
    """What to write instead, for the mistakes that people really make."""
    if typing.get_origin(kind) is typing.Literal:
        choices = [str(choice) for choice in typing.get_args(kind)]
        near = difflib.get_close_matches(str(data), choices, n=1)
        return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(choices)}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        choices = [str(member.value) for member in kind]
        near = difflib.get_close_matches(str(data).upper(), choices, n=1)
        return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(choices)}"
    if typing.get_origin(kind) is dict:
        kind = typing.get_args(kind)[1]
    for meta in getattr(kind, "__metadata__", ()):
        for part, fix in _PATTERN_FIXES.items():
            if meta.pattern and part in meta.pattern:
                return fix
        if meta.ge is not None:
            number = "number" if typing.get_args(kind)[0] is float else "whole number"
            return f"write a {number} from {meta.ge} to {meta.le}"
    return _fix_of_shape(kind, data)


def _fix_of_shape(kind: Any, data: object) -> str:
    if typing.get_origin(kind) is tuple:
        return "write a list here: each item on a line of its own after '- ', or all of them in [ ]"
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return "write one text in quotes, or a list of texts"
    if isinstance(data, bool | int | float):
        return "put it in quotes if it is meant as text"
    return "see the README's chapter on the policy file"
