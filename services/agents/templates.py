"""Path templates of `google.api.http`: parsed once, matched against paths as they were sent.

    Template = "/" Segment { "/" Segment } [ ":" Verb ]
    Segment  = "*" | "**" | Literal | "{" Field { "." Field } [ "=" Segment { "/" Segment } ] "}"

A variable of one segment is decoded whole; in one of several segments "%2F" stays as it is, else an encoded slash would
become one that parts segments (google/api/http.proto). In the last segment a bare ":" begins a verb, so that no custom
method is mistaken for a resource of that name.
"""

import re
from typing import Final
from urllib.parse import unquote

import msgspec

_PART: Final = re.compile(r"\{([A-Za-z_][\w.]*)(?:=([^{}]+))?\}|(\*\*|\*|[^/{}*]+)")
_SLASH: Final = re.compile(r"(%2F)", re.IGNORECASE)


class TemplateInvalid(ValueError):
    """A path template that is not of the grammar."""


class Variable(msgspec.Struct, frozen=True):
    """What a path binds to a field."""

    field: str
    """Names of fields, parted by dots: "contact.name"."""
    segments: tuple[str, ...]
    """What it stands for: "*", "**" and literals."""

    @property
    def whole(self) -> bool:
        """Whether it is exactly one segment."""
        return self.segments == ("*",)


class Template(msgspec.Struct, frozen=True):
    """One parsed template."""

    text: str
    parts: tuple[str | Variable, ...]
    """Literals, "*", "**" and variables, one for each segment or variable."""
    verb: str
    pattern: re.Pattern[str]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Its variables, from left to right."""
        return tuple(part for part in self.parts if isinstance(part, Variable))

    @property
    def depth(self) -> int:
        """How many segments a path of it has; 0 where that varies."""
        flat = self._flat()
        return 0 if "**" in flat else len(flat)

    @property
    def weight(self) -> tuple[int, int, int]:
        """Sorts the more specific one first: verbs, then literals, then what has no "**"."""
        flat = self._flat()
        literals = sum(not segment.startswith("*") for segment in flat)
        return (-bool(self.verb), -literals, flat.count("**"))

    def match(self, path: str) -> dict[str, str] | None:
        """What the path binds to fields, decoded; `None` where it is not of this template.

        Raises:
            UnicodeDecodeError: it is, and is not UTF-8 once decoded.
        """
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {each.field: _decoded(text, each) for each, text in zip(self.variables, found.groups(), strict=True)}

    def _flat(self) -> tuple[str, ...]:
        return tuple(
            segment for part in self.parts for segment in (part.segments if isinstance(part, Variable) else (part,))
        )


def template(text: str) -> Template:
    """The template that is written like that.

    Raises:
        TemplateInvalid: it is not of the grammar.
    """
    end = max(text.rfind("/"), text.rfind("}"))
    head, _, verb = text.rpartition(":") if ":" in text[end:] else (text, "", "")
    if not head.startswith("/"):
        raise TemplateInvalid(text)
    parts: list[str | Variable] = []
    at = 0
    while at < len(head):
        found = _PART.match(head, at + 1) if head[at] == "/" else None
        if found is None:
            raise TemplateInvalid(text)
        name, inner, segment = found.groups()
        parts.append(segment if name is None else Variable(name, tuple((inner or "*").split("/"))))
        at = found.end()
    return Template(text, tuple(parts), verb, re.compile(_pattern(parts, verb)))


def _pattern(parts: list[str | Variable], verb: str) -> str:
    patterns = [
        f"({_segments(part.segments, last=index == len(parts) - 1)})"
        if isinstance(part, Variable)
        else _segments((part,), last=index == len(parts) - 1)
        for index, part in enumerate(parts)
    ]
    return "/" + "/".join(patterns) + (f":{re.escape(verb)}" if verb else "")


def _segments(segments: tuple[str, ...], *, last: bool) -> str:
    forms = []
    for index, segment in enumerate(segments):
        bare = "[^/:]+" if last and index == len(segments) - 1 else "[^/]+"
        anything = "[^:]*" if last and index == len(segments) - 1 else ".*"
        forms.append({"*": bare, "**": anything}.get(segment, re.escape(segment)))
    return "/".join(forms)


def _decoded(text: str, variable: Variable) -> str:
    if variable.whole:
        return unquote(text, errors="strict")
    return "".join(
        part if index % 2 else unquote(part, errors="strict") for index, part in enumerate(_SLASH.split(text))
    )
