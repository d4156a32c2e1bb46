"""What the description of the interface (OpenAPI) says of answers and bodies that are protobuf messages."""

import dataclasses
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from services.control.api.describing import Told

_TEXTS: Final = {
    "google.protobuf.Timestamp": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
    "google.protobuf.Duration": Schema(type=OpenAPIType.STRING, description="Seconds, such as 1.5s."),
}
_PLAIN: Final[dict[int, Schema]] = {
    FieldDescriptor.TYPE_STRING: Schema(type=OpenAPIType.STRING),
    FieldDescriptor.TYPE_BYTES: Schema(type=OpenAPIType.STRING, description="Base64."),
    FieldDescriptor.TYPE_BOOL: Schema(type=OpenAPIType.BOOLEAN),
    FieldDescriptor.TYPE_DOUBLE: Schema(type=OpenAPIType.NUMBER),
    FieldDescriptor.TYPE_INT32: Schema(type=OpenAPIType.INTEGER),
    FieldDescriptor.TYPE_INT64: Schema(type=OpenAPIType.STRING, description="A whole number, as a text."),
}


def answers(kind: type[Message], *, takes: type[Message] | None = None, status: int = 200) -> type[Operation]:
    """An operation that answers with that message as ProtoJSON, and whose body is the message `takes`."""
    return described({str(status): message_answer(kind)}, takes=takes)


def message_answer(kind: type[Message]) -> OpenAPIResponse:
    """That message as ProtoJSON."""
    shown = OpenAPIMediaType(schema=_schema(kind.DESCRIPTOR))
    return OpenAPIResponse(description=kind.DESCRIPTOR.name, content={"application/json": shown})


def streams(kind: type[Message]) -> type[Operation]:
    """An operation that answers with server-sent events, each of which has that message as its data."""
    shown = OpenAPIMediaType(schema=_schema(kind.DESCRIPTOR))
    told = f"Events `decision`, each with a {kind.DESCRIPTOR.name} as its data; `error` is the last one."
    found = OpenAPIResponse(description=told, content={"text/event-stream": shown})
    return described({"200": found})


def described(responses: dict[str, OpenAPIResponse], *, takes: type[Message] | None = None) -> type[Operation]:
    """An operation with these answers; what else can come is said by `services.control.api.openapi`."""
    body = None
    if takes is not None:
        taken = _lenient(_schema(takes.DESCRIPTOR))
        body = RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=taken)})

    class Answers(Told):
        def tell(self) -> None:
            self.responses = dict(responses)
            self.request_body = body

    return Answers


def _schema(message: Any) -> Schema:
    properties: dict[str, Any] = {field.json_name: _of(field) for field in message.fields}
    return Schema(type=OpenAPIType.OBJECT, title=message.name, properties=properties)


def _lenient(schema: Schema) -> Schema:
    """What may be sent of a message: in ProtoJSON `null` is as good as absent, for every field."""
    properties: dict[str, Any] = {name: _nullable(each) for name, each in (schema.properties or {}).items()}
    return dataclasses.replace(schema, properties=properties)


def _nullable(schema: Any) -> Schema:
    if schema.enum is not None:  # by its number, too
        return Schema(one_of=[schema, Schema(type=[OpenAPIType.INTEGER, OpenAPIType.NULL])])
    inner = _lenient(schema) if schema.properties else schema
    return dataclasses.replace(inner, type=[inner.type, OpenAPIType.NULL])


def _of(field: FieldDescriptor) -> Schema:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return Schema(type=OpenAPIType.OBJECT, additional_properties=_one(kind.fields_by_name["value"]))
    one = _one(field)
    return Schema(type=OpenAPIType.ARRAY, items=one) if field.is_repeated else one


def _one(field: FieldDescriptor) -> Schema:
    if field.message_type is not None:
        return _TEXTS.get(field.message_type.full_name) or _schema(field.message_type)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _PLAIN[field.type]


def _enum(enum: EnumDescriptor) -> Schema:
    return Schema(type=OpenAPIType.STRING, enum=[value.name for value in enum.values])
