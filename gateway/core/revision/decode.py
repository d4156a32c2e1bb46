"""From plain data (what YAML and JSON give) to the `Document`, with every mistake reported at once.

msgspec stops at the first mistake; a person who wrote twelve wants to read twelve. So structs and lists are walked
here, and msgspec decodes the leaves. A leaf that cannot be read gets a stand-in, so that the checks which follow can
still look at the rest of the document; what they then say about a place that is wrong already is left out.
"""

import contextlib
import functools
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

from gateway.core.mistakes import Told, Value, near, told
from gateway.core.policy.document import Document
from gateway.core.revision.leaf_mistakes import kind_of, leaf_mistake

_PATTERNS: Final = {
    "ms|s|m|h|d": "write-duration",
    "}@[": "write-version-of",
    "}/[": "write-suite",
    "0-9A-Za-z": "write-version",
    "{0,4}d": "write-days",
    "https?": "write-url",
    "a-z0-9_.-": "write-name",
    "ed25519:": "write-public-key",
    "[0-9a-f]{64}": "write-sha256",
    "24:00": "write-clock-time",
    "{0,5})(": "write-decimal",
    "[0-9]{1,9}": "write-numbers",
    "[A-Z]{3}": "write-currency",
    "[0-9]{4}-": "write-date",
    "unix:": "write-address",
}
"""What to write instead, by a part of the pattern that did not match."""

S = TypeVar("S", bound=msgspec.Struct)
Path = tuple[str | int, ...]
"""Where something stands in a document: ("rules", 3, "when")."""
Place = tuple[int, int]
"""Line and column in an expression, both from 1."""
NOWHERE: Final[Place] = (0, 0)
"""The place of what is in no expression, or not known within one."""


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong with a policy, in codes: `gateway.mistakes.saying` words it and says how to mend it."""

    path: str
    what: Told
    line: int = 0
    """From 1; 0 where there is no file."""
    file: str = ""
    """The file it stands in, where that is a pack's and not the policy's own."""
    column: int = 0
    """Of the line, from 1; 0 where it is not known."""
    at: Place = NOWHERE
    """Where in the expression at that path."""


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

    def add(self, path: Path, code: str, /, **values: Value) -> None:
        """Report the mistake of that code at `path`; its line is the one of the nearest ancestor that has one."""
        self.tell(path, Told(code, values))

    def tell(self, path: Path, what: Told, *, at: Place = NOWHERE) -> None:
        """Report a mistake that is put into codes already; `at` says where in the expression at `path`."""
        if any(_overshadows(known, path) for known in self._stood_in):
            return
        self._paths.append(path)
        file, line, place = whereabouts(path, self._lines, file=self._file)
        self._found.append(Mistake(place, what, line, file, self._column(path), at))

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
        what = leaf_mistake(str(error))
        mistakes.tell(path, told(what.code, **what.values, hint=_hint(kind, data)))
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
        mistakes.add(path, "no-mapping", found=kind_of(data), fields=tuple(_fields(kind)))
        data, mistakes = {}, Mistakes()
    fields = _fields(kind)
    for name in data:
        if name not in fields:
            hint = near(str(name), fields, told("known-fields", fields=tuple(fields)))
            mistakes.add((*path, str(name)), "field-unknown", name=str(name), hint=hint)
    found = {}
    for name, field in fields.items():
        value: object = _UNREADABLE
        if name in data:
            value = _value(field.type, data[name], (*path, name), mistakes)
        elif field.required:
            mistakes.add((*path, name), "field-missing", name=name)
        if value is not _UNREADABLE:
            found[field.name] = value
        elif field.required:
            found[field.name] = _stand_in(field.type, data.get(name))
    return kind(**found)


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """A struct's fields by the names that a document gives them; looking them up takes 60 us, and rules are many."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _hint(kind: Any, data: object) -> Told:
    """What to write instead, for the mistakes that people really make."""
    if typing.get_origin(kind) is typing.Literal:
        return _choice(str(data), [str(choice) for choice in typing.get_args(kind)])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(str(data).upper(), [str(member.value) for member in kind])
    if typing.get_origin(kind) is dict:
        kind = typing.get_args(kind)[1]
    for meta in getattr(kind, "__metadata__", ()):
        for part, code in _PATTERNS.items():
            if meta.pattern and part in meta.pattern:
                return told("write-quotes" if code == "write-version" and isinstance(data, int | float) else code)
        if meta.gt is not None:
            return told("write-number-between", least=meta.gt, most=meta.lt)
        if meta.ge is not None:
            code = "write-number" if typing.get_args(kind)[0] is float else "write-whole-number"
            return told(code, least=meta.ge, most=meta.le)
    return _hint_of_shape(kind, data)


def _choice(written: str, choices: list[str]) -> Told:
    return near(written, choices, told("choose-one", choices=tuple(choices)))


def _hint_of_shape(kind: Any, data: object) -> Told:
    if typing.get_origin(kind) is tuple:
        return told("write-list")
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return told("write-text-or-list")
    if isinstance(data, bool | int | float):
        return told("write-quotes")
    return told("see-readme")
