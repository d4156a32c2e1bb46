"""What the description of the interface (OpenAPI) says of bodies that are read by hand, after their signature."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema

_COPIED: Final[Mapping[str, str]] = {
    "title": "title",
    "description": "description",
    "enum": "enum",
    "pattern": "pattern",
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "required": "required",
    "default": "default",
}
"""Names of JSON Schema, and what Litestar calls them."""


@dataclasses.dataclass
class Told(Operation):
    """An operation of which more is told, by `tell`, than its signature says.

    Classes below it are not made dataclasses of their own: that takes 2 ms for each of a hundred operations.
    """

    def __post_init__(self) -> None:
        self.tell()

    def tell(self) -> None:
        """Put in what is told."""


def takes(kind: type) -> type[Operation]:
    """An operation whose body is that struct, as JSON."""
    body = RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=schema_of(kind))})

    class Takes(Told):
        def tell(self) -> None:
            self.request_body = body

    return Takes


def schema_of(kind: type) -> Schema:
    """What JSON of that struct looks like."""
    (reference,), components = msgspec.json.schema_components((kind,))
    return _schema(reference, components, within=())


def _schema(plain: dict[str, Any], components: dict[str, Any], *, within: tuple[str, ...]) -> Schema:
    if "$ref" in plain:
        name = plain["$ref"].rpartition("/")[2]
        # What holds itself is described once, and anything after that.
        return Schema() if name in within else _schema(components[name], components, within=(*within, name))
    copied = {named: plain[name] for name, named in _COPIED.items() if name in plain}
    for several in ("anyOf", "oneOf"):
        if several in plain:
            return Schema(any_of=[_schema(each, components, within=within) for each in plain[several]], **copied)
    properties: dict[str, Reference | Schema] = {
        name: _schema(each, components, within=within) for name, each in plain.get("properties", {}).items()
    }
    return Schema(
        type=OpenAPIType(plain["type"]) if "type" in plain else None,
        properties=properties or None,
        items=_part(plain.get("items"), components, within=within),
        additional_properties=_part(plain.get("additionalProperties"), components, within=within),
        **copied,
    )


def _part(plain: Any, components: dict[str, Any], *, within: tuple[str, ...]) -> Any:
    """A schema within one; where it is only said whether there may be any, that."""
    return _schema(plain, components, within=within) if isinstance(plain, dict) else plain
