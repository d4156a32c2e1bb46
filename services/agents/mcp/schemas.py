"""JSON schemas of requests and answers as models see them, from descriptors.

Unlike those of OpenAPI they stand alone, name fields as the contract does, which comments refer to, and say whole
numbers for what a model writes as such. A request's leaves out what callers cannot set; an answer's leaves open what
the contract may add later.
"""

from collections.abc import Mapping
from typing import Final, Literal

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.agents.schemas import Schema, behaviors

Direction = Literal["request", "answer"]

_INT64: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
_BOUNDS: Final[Mapping[int, tuple[int, int]]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
}
_BASE64: Final = {"type": "string", "contentEncoding": "base64"}
_WELL_KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Value": {},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.BoolValue": {"type": ["boolean", "null"]},
    "google.protobuf.StringValue": {"type": ["string", "null"]},
    "google.protobuf.BytesValue": {"type": ["string", "null"], "contentEncoding": "base64"},
    "google.protobuf.Int32Value": {"type": ["integer", "null"]},
    "google.protobuf.UInt32Value": {"type": ["integer", "null"]},
    "google.protobuf.Int64Value": {"type": ["string", "integer", "null"]},
    "google.protobuf.UInt64Value": {"type": ["string", "integer", "null"]},
    "google.protobuf.FloatValue": {"type": ["number", "string", "null"]},
    "google.protobuf.DoubleValue": {"type": ["number", "string", "null"]},
}
_SPELLED: Final[Mapping[str, str]] = {
    "google.protobuf.Timestamp": 'RFC 3339, such as "2026-01-31T08:00:00Z".',
    "google.protobuf.Duration": 'Seconds with an "s", such as "90s" or "0.5s".',
    "google.protobuf.FieldMask": 'Paths of fields, separated by commas, such as "title,etag".',
}


class Schemas:
    """Makes schemas of messages. `comments` says what contracts say of a symbol, by its full name.

    Messages other than the root are named below "$defs", each once.
    """

    def __init__(
        self,
        comments: Mapping[str, str],
        *,
        direction: Direction,
    ) -> None:
        self._comments = comments
        self._request = direction == "request"
        self._definitions: dict[str, Schema] = {}

    def whole(self, message: Descriptor) -> Schema:
        """The schema of a message with all that it refers to below "$defs"."""
        self._definitions = {}
        found = self._root(message)
        return found | ({"$defs": dict(sorted(self._definitions.items()))} if self._definitions else {})

    def _root(self, message: Descriptor) -> Schema:
        """The schema of a message itself; what it refers to is added to the definitions."""
        found: Schema = {"type": "object", "properties": {}}
        if text := self._comments.get(message.full_name, ""):
            found["description"] = text
        required = []
        for field in message.fields:
            said = behaviors(field)
            if self._request and field_behavior_pb2.OUTPUT_ONLY in said:
                continue
            name = str(field.name)
            found["properties"][name] = self._described(field)
            if self._request and field_behavior_pb2.REQUIRED in said:
                required.append(name)
        if required:
            found["required"] = required
        if self._request:
            found["additionalProperties"] = False
        return found

    def _described(self, field: FieldDescriptor) -> Schema:
        schema = self._field(field)
        texts = [self._comments.get(field.full_name, "")]
        if field.message_type is not None:
            texts.append(_SPELLED.get(field.message_type.full_name, ""))
        oneof = field.containing_oneof
        if oneof is not None and len(oneof.fields) > 1:
            texts.append(f"At most one of {', '.join(each.name for each in oneof.fields)} may be set.")
        text = " ".join(filter(None, texts))
        return schema | {"description": text} if text else schema

    def _field(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            keys = {} if key.cpp_type == FieldDescriptor.CPPTYPE_STRING else {"propertyNames": _key_of(key)}
            return {"type": "object", "additionalProperties": self._one(value)} | keys
        one = self._one(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self._message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return dict(_BASE64)
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            return {"type": "string"}
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return {"type": "boolean"}
        if field.type in _INT64:
            return {"type": "integer"} if self._request else {"type": "string", "pattern": "^-?[0-9]+$"}
        if field.cpp_type in _BOUNDS:
            least, most = _BOUNDS[field.cpp_type]
            return {"type": "integer", "minimum": least, "maximum": most}
        # An answer says "NaN" and "Infinity" as texts.
        return {"type": "number"} if self._request else {"type": ["number", "string"]}

    def _message(self, message: Descriptor) -> Schema:
        known = _WELL_KNOWN.get(message.full_name)
        if known is not None:
            return dict(known)
        if message.full_name not in self._definitions:
            self._definitions[message.full_name] = {}  # a message may hold itself
            self._definitions[message.full_name] = self._root(message)
        return {"$ref": "#/$defs/" + message.full_name}

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.full_name == "google.protobuf.NullValue":
            return {"type": "null"}
        shown = [value for value in enum.values if value.number != 0 or not value.name.endswith("_UNSPECIFIED")]
        said = [(value.name, self._comments.get(f"{enum.full_name}.{value.name}", "")) for value in shown]
        names: Schema = {"type": "string", "enum": [name for name, _ in said]}
        if text := " ".join(f"{name}: {comment}" for name, comment in said if comment):
            names["description"] = text
        if self._request:
            return names
        # What was not said at all is left out of an answer; what the contract adds later comes as its name or number.
        return {"type": ["string", "integer"]} | {key: names[key] for key in ("description",) if key in names}


def _key_of(key: FieldDescriptor) -> Schema:
    return {"enum": ["true", "false"]} if key.cpp_type == FieldDescriptor.CPPTYPE_BOOL else {"pattern": "^-?[0-9]+$"}
