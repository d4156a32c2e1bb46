"""What the description of the interface (OpenAPI) says of bodies that are read by hand, after their signature."""

import dataclasses
from typing import Any, Final

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema

_COPIED: Final = ("title", "description", "enum", "pattern", "minimum", "maximum", "required", "default")


def takes(kind: type) -> type[Operation]:
    """An operation whose body is that struct, as JSON."""
    body = RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=schema_of(kind))})

    @dataclasses.dataclass
    class Takes(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return Takes


def schema_of(kind: type) -> Schema:
    """What JSON of that struct looks like."""
    (reference,), components = msgspec.json.schema_components((kind,))
    return _schema(reference, components)


def _schema(plain: dict[str, Any], components: dict[str, Any]) -> Schema:
    if "$ref" in plain:
        return _schema(components[plain["$ref"].rpartition("/")[2]], components)
    copied = {name: plain[name] for name in _COPIED if name in plain}
    if "anyOf" in plain:
        return Schema(any_of=[_schema(each, components) for each in plain["anyOf"]], **copied)
    properties: dict[str, Reference | Schema] = {
        name: _schema(each, components) for name, each in plain.get("properties", {}).items()
    }
    kind = OpenAPIType(plain["type"]) if "type" in plain else None
    return Schema(type=kind, properties=properties or None, **copied)
