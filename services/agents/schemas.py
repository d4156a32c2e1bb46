"""JSON Schemas (draft 2020-12, as OpenAPI 3.1 has them) of messages, as protobuf's JSON writes them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor

from services.agents.filling import is_map

Schema = dict[str, Any]
Refer = Callable[[Any], Schema]
"""Gives the schema that stands for a message or an enum where it is used, by its descriptor."""

_NUMBER: Final[Schema] = {"oneOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_WELL_KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$", "examples": ["1.5s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["email,lifecycleStage"]},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Empty": {"type": "object", "maxProperties": 0},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
    },
}
_INTEGERS: Final[Mapping[int, Schema]] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64", "pattern": r"^-?[0-9]{1,19}$"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64", "pattern": r"^[0-9]{1,20}$"},
}


class Schemas:
    """Schemas with what the comments of the contracts say; `refer` says how one refers to another.

    `asked`: of what is sent, where the fields that a contract requires are required. An answer may lack any of them:
    JSON leaves out what is empty, and the gateway what an agent may not see.
    """

    def __init__(self, comments: Mapping[str, str], refer: Refer, *, asked: bool = True) -> None:
        self._comments = comments
        self._refer = refer
        self._asked = asked

    def message(self, kind: Any) -> Schema:
        """The schema of a message."""
        if kind.full_name in _WELL_KNOWN:
            return self._said(kind, dict(_WELL_KNOWN[kind.full_name]))
        if _wrapped(kind) is not None:
            return self._said(kind, self._one(_wrapped(kind)))
        properties = {field.json_name: self.field(field) for field in kind.fields}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [field.json_name for field in kind.fields if self._asked and required_of(field)]
        return self._said(kind, schema | ({"required": required} if required else {}))

    def enum(self, kind: Any) -> Schema:
        """The schema of an enum: its names, with what each says."""
        names = [value.name for value in kind.values]
        said = [(value.name, self._comments.get(f"{kind.full_name}.{value.name}", "")) for value in kind.values]
        lines = "\n".join(f"- `{name}`: {text}" for name, text in said if text)
        schema = self._said(kind, {"type": "string", "enum": names})
        text = "\n\n".join(part for part in (str(schema.get("description", "")), lines) if part)
        return schema | ({"description": text} if text else {})

    def field(self, field: Any) -> Schema:
        """The schema of a field, where it stands in its message."""
        if is_map(field):
            value = field.message_type.fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._one(value)}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._one(field)}
        else:
            schema = self._one(field)
        text = self._comments.get(field.full_name, "")
        more: Schema = {"description": text} if text else {}
        if field_behavior_pb2.OUTPUT_ONLY in behaviors(field):
            more["readOnly"] = True
        if field_behavior_pb2.INPUT_ONLY in behaviors(field):
            more["writeOnly"] = True
        if bool(field.GetOptions().deprecated):
            more["deprecated"] = True
        return schema | more

    def _one(self, field: Any) -> Schema:
        if field.message_type is not None or field.enum_type is not None:
            return self._refer(field.message_type or field.enum_type)
        if field.cpp_type in _INTEGERS:
            return dict(_INTEGERS[field.cpp_type])
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return {"type": "boolean"}
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            encoded = field.type == FieldDescriptor.TYPE_BYTES
            return {"type": "string"} | ({"contentEncoding": "base64"} if encoded else {})
        return dict(_NUMBER)

    def _said(self, kind: Any, schema: Schema) -> Schema:
        text = self._comments.get(kind.full_name, "")
        return schema | ({"description": text} if text else {})


def required_of(field: Any) -> bool:
    """Whether the contract requires the field."""
    return field_behavior_pb2.REQUIRED in behaviors(field)


def behaviors(field: Any) -> tuple[int, ...]:
    """`google.api.field_behavior` of a field."""
    # The pool of the catalogue does not know the extension's Python class; the bytes do not care.
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    return tuple(options.Extensions[field_behavior_pb2.field_behavior])


def _wrapped(kind: Any) -> Any:
    """The field of a wrapper, which JSON writes as the value alone; `None` for all other messages."""
    name = kind.full_name
    own = name.startswith("google.protobuf.") and name.endswith("Value") and len(kind.fields) == 1
    return kind.fields_by_name.get("value") if own else None
