"""The description of the interface in the parts that people read. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

_DEEPEST: Final = 6
_METHODS: Final = ("get", "post", "put", "patch", "delete")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a body or answer, or one parameter."""

    name: str
    """A path within the body: `stops[].name`."""
    kind: str
    required: bool = False
    where: str = ""
    """Of a parameter: path, query or header."""
    about: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    right: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    example: str
    answers: tuple[tuple[str, str], ...]
    """Status and what it means."""
    answer: tuple[Field, ...]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The operations on one kind of thing."""

    name: str
    operations: tuple[Shown, ...]


def described(schema: Mapping[str, Any]) -> tuple[Section, ...]:
    """All operations of a finished description, by what they are about, then by path."""
    found: dict[str, list[Shown]] = {}
    for path, item in sorted(schema["paths"].items()):
        for method in _METHODS:
            if method in item:
                found.setdefault(item[method]["tags"][0], []).append(_shown(schema, path, method, item[method]))
    return tuple(Section(name=name, operations=tuple(those)) for name, those in sorted(found.items()))


def _shown(schema: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Shown:
    body = _content(operation.get("requestBody", {}))
    success: Mapping[str, Any] = next(
        (what for status, what in operation["responses"].items() if status.startswith("2")), {}
    )
    example = body.get("example")
    return Shown(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        right=operation["x-pilote-right"],
        parameters=tuple(_parameter(each) for each in operation.get("parameters", ())),
        body=tuple(_fields(schema, body.get("schema", {}))),
        example="" if example is None else msgspec.json.format(msgspec.json.encode(example)).decode(),
        answers=tuple((status, _about(schema, what)) for status, what in operation["responses"].items()),
        answer=tuple(_fields(schema, _content(success).get("schema", {}))),
    )


def _content(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(part.get("content", {}).values()), {})


def _about(schema: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    return str(_resolved(schema, response).get("description", ""))


def _parameter(given: Mapping[str, Any]) -> Field:
    return Field(
        name=given["name"],
        kind=_kind(given.get("schema", {})),
        required=given.get("required", False),
        where=given["in"],
        about=given.get("description", ""),
    )


def _fields(
    schema: Mapping[str, Any], part: Mapping[str, Any], *, before: str = "", within: Sequence[str] = ()
) -> list[Field]:
    reference = part.get("$ref", "")
    if reference in within or len(within) > _DEEPEST:
        return []
    part, within = _resolved(schema, part), (*within, reference or before)
    found = []
    for name, each in part.get("properties", {}).items():
        inner = _resolved(schema, each)
        path = f"{before}{name}"
        needed = name in part.get("required", ())
        found.append(Field(name=path, kind=_kind(inner), required=needed, about=inner.get("description", "")))
        if inner.get("type") == "array":
            found += _fields(schema, inner.get("items", {}), before=f"{path}[].", within=within)
        else:
            found += _fields(schema, each, before=f"{path}.", within=within)
    return found


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Any = schema
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{name: value for name, value in part.items() if name != "$ref"}}


def _kind(part: Mapping[str, Any]) -> str:
    kinds = [part, *part.get("anyOf", ()), *part.get("oneOf", ())]
    names = [kind for each in kinds for kind in _listed(each.get("type")) if kind != "null"]
    return " | ".join(dict.fromkeys(names)) or "object"


def _listed(kind: Any) -> Sequence[str]:
    return (kind,) if isinstance(kind, str) else kind or ()
