"""Paths of requests: read in their one plain form, and found among the templates of a policy. Pure.

What could mean one thing here and another to the vendor's server is not guessed at: a path in any other than its plain
form is unclear, and what is unclear is refused.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from gateway.core.mistakes import Told, Value, told

LONGEST_PATH: Final = 8_192
T = TypeVar("T")

# "!" stands for a byte that Envoy could not pass on; ";" begins parameters that many servers cut off.
_PLAIN: Final = re.compile(r"(?:[A-Za-z0-9._~$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~$&'()*+,=:@-]*")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NEVER_ESCAPED: Final = frozenset(b"/\\%;#?!.-_~") | frozenset(range(32)) | {127}
"""Bytes that are either plain or a trick: written as an escape they would be read in two ways."""


class PathUnclear(ValueError):
    """A path that servers may read in more than one way; says in English what is the matter."""


class TemplateWrong(ValueError):
    """What is wrong with a template."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.what: Final[Told] = told(code, **values)


class Segment(NamedTuple):
    """What may stand between two slashes: `before`, and then a value and `after` where there is a variable."""

    before: str
    variable: str = ""
    after: str = ""

    def value(self, text: str) -> str | None:
        """What the variable stands for in that text, empty without one; `None` where the text does not fit."""
        if not self.variable:
            return "" if text == self.before else None
        inner = len(text) - len(self.before) - len(self.after)
        if inner < 1 or not (text.startswith(self.before) and text.endswith(self.after)):
            return None
        return text[len(self.before) : len(self.before) + inner]

    @property
    def rank(self) -> tuple[int, int]:
        """Where several fit the lowest counts: the plain text, then what says most beside its variable."""
        return (1, -len(self.before) - len(self.after)) if self.variable else (0, 0)


Template = tuple[Segment, ...]


def template(text: str) -> Template:
    """The template that a policy writes as `text`.

    Raises:
        TemplateWrong: it is none.
    """
    if not text.startswith("/"):
        raise TemplateWrong("rest-path-slash")
    segments = tuple(map(_segment, text[1:].split("/")))
    if any(segment.before in ("", ".", "..") and not segment.variable for segment in segments[:-1]):
        raise TemplateWrong("rest-path-empty")
    if segments[-1].before in (".", "..") and not segments[-1].variable:
        raise TemplateWrong("rest-path-empty")
    names = variables(segments)
    for name in names:
        if names.count(name) > 1:
            raise TemplateWrong("rest-path-twice", name=name)
    return segments


def variables(segments: Template) -> tuple[str, ...]:
    """The names in braces, in order."""
    return tuple(segment.variable for segment in segments if segment.variable)


def shape(segments: Template) -> Template:
    """The template without its names: two of one shape fit the same paths."""
    return tuple(segment._replace(variable="*") if segment.variable else segment for segment in segments)


def _segment(text: str) -> Segment:
    before, brace, rest = text.partition("{")
    name, closing, after = rest.partition("}")
    if not (_LITERAL.fullmatch(before) and _LITERAL.fullmatch(after)) or bool(brace) != bool(closing):
        raise TemplateWrong("rest-path-characters", segment=text)
    if brace and not _VARIABLE.fullmatch(name):
        raise TemplateWrong("rest-path-variable", segment=text)
    return Segment(before, name, after)


def segments_of(path: bytes) -> tuple[str, ...]:
    """What stands between the slashes of a request's path, without its query, escapes resolved.

    Raises:
        PathUnclear: it is not in its plain form.
    """
    if len(path) > LONGEST_PATH:
        raise PathUnclear(f"is longer than {LONGEST_PATH} characters")
    try:
        text = path.decode("ascii")
    except UnicodeDecodeError as error:
        raise PathUnclear("has characters that must be written as escapes") from error
    if not text.startswith("/"):
        raise PathUnclear("must begin with /")
    parts = text[1:].split("/")
    if "" in parts[:-1]:
        raise PathUnclear("has // in it")
    return tuple(map(_plain, parts))


def _plain(part: str) -> str:
    if part in (".", ".."):
        raise PathUnclear("has . or .. in it")
    if not _PLAIN.fullmatch(part):
        raise PathUnclear("has characters that servers read in different ways")
    if "%" not in part:
        return part
    for found in _ESCAPE.finditer(part):
        byte = int(found[1], 16)
        if byte in _NEVER_ESCAPED or (chr(byte).isalnum() and byte < 128):
            raise PathUnclear(f"writes {found[0]} as an escape")
    try:
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), part).encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise PathUnclear("has escapes that are not UTF-8") from error


def match(segments: Template, parts: tuple[str, ...]) -> Mapping[str, str] | None:
    """The values of the variables where the template fits the whole path; `None` where it does not."""
    if len(segments) != len(parts):
        return None
    found = {}
    for segment, part in zip(segments, parts, strict=True):
        value = segment.value(part)
        if value is None:
            return None
        if segment.variable:
            found[segment.variable] = value
    return found


class Paths(Generic[T]):
    """Templates, each with what it stands for. Where several fit, the one that is plain text for longer counts."""

    def __init__(self, templates: Iterable[tuple[Template, T]]) -> None:
        self._by_length: dict[int, list[tuple[Template, T]]] = {}
        for segments, what in sorted(templates, key=lambda pair: [segment.rank for segment in pair[0]]):
            self._by_length.setdefault(len(segments), []).append((segments, what))

    def find(self, parts: tuple[str, ...]) -> tuple[T, Mapping[str, str]] | None:
        """What the path is, and the values of its variables; `None` where no template fits."""
        for segments, what in self._by_length.get(len(parts), ()):
            values = match(segments, parts)
            if values is not None:
                return what, values
        return None
