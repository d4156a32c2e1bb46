"""Plain HTTP requests as calls: the bytes that stand for one, the value that rules see, and what it says.

Rules see `request` as a map with `path`, `query`, `body` and `headers`; of the headers only those that a policy names.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from google.protobuf import message_factory

from gateway.core.contract import Said
from gateway.core.errors import CallEnded, invalid
from gateway.core.rest.sources import Place, Source
from gateway.messages.rest_bodies import body_of, fields_of

LARGEST_WHOLE: Final = 2**53
"""Whole numbers from there on are not all different as JSON's numbers."""
STRUCT: Final = "google.protobuf.Struct"


class RestRequest(msgspec.Struct, frozen=True, array_like=True):
    """One request, as it was sent; what it means is only read when it is decided about."""

    path: dict[str, str] = {}
    """The variables of the path."""
    query: str = ""
    content_type: str = ""
    headers: dict[str, str] = {}
    """Those that the policy names."""
    body: bytes = b""


_DECODER: Final = msgspec.msgpack.Decoder(RestRequest)
_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")


def packed(request: RestRequest) -> bytes:
    """The request as bytes: the same again for the same request."""
    return _ENCODER.encode(request)


def decoder(make: Callable[[], Any], *, max_body_bytes: int) -> Callable[[bytes], object]:
    """A function that reads such bytes into a Struct that `make` makes.

    It raises `ValueError` for bytes that are none, and ARGUMENT_INVALID where the request may be read in several ways.
    """

    def decode(sent: bytes) -> object:
        try:
            request = _DECODER.decode(sent)
        except msgspec.DecodeError as error:
            raise ValueError("malformed request") from error
        if len(request.body) > max_body_bytes:
            text = f"The body has {len(request.body)} bytes; at most {max_body_bytes} are taken."
            raise invalid("body", text)
        found = make()
        said = {
            "path": request.path,
            "query": fields_of(request.query, field="query"),
            "headers": request.headers,
            "body": body_of(request.body, content_type=request.content_type),
        }
        try:
            found.update(said)
        except (ValueError, TypeError, OverflowError) as error:
            raise invalid("body", "The body has a value that cannot be governed.") from error
        return found

    return decode


def reader(sources: Mapping[str, Source]) -> Callable[[object], Said]:
    """A function that reads what a request says, by the names of `Said`.

    It raises ARGUMENT_INVALID where a place says several things, or something that is no text.
    """

    def read(request: object) -> Said:
        return Said(**{name: _said(source, request) for name, source in sources.items()})

    return read


def value_reader(steps: tuple[str, ...]) -> Callable[[Any], Any] | None:
    """A function that reads a value of the request for the record; nothing for a header, or the request as a whole."""
    if len(steps) < 2 or steps[0] == "headers":
        return None

    def read(request: Any) -> Any:
        value = request.fields.get(steps[0])
        for step in steps[1:]:
            if value is None or value.WhichOneof("kind") != "struct_value" or step not in value.struct_value.fields:
                return None
            value = value.struct_value.fields[step]
        return None if value is None else _recorded(value)

    return read


def _recorded(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return {"set": bool(value.struct_value.fields)}
        case "list_value":
            return {"size": len(value.list_value.values)}
        case "null_value" | None:
            return None
    return getattr(value, value.WhichOneof("kind"))


def _said(source: Source, request: Any) -> str:
    found = source.texts[0]
    for place, text in zip(source.places, source.texts[1:], strict=True):
        value = _at(place, request)
        if not value:
            return ""
        found += value + text
    return found


def _at(place: Place, request: Any) -> str:
    value = request.fields[place.origin]
    for step in place.steps:
        value = _only(value, place)
        if value is None or value.WhichOneof("kind") == "null_value":
            return ""
        if value.WhichOneof("kind") != "struct_value":
            raise _unclear(place, "stands where an object is expected")
        value = _field(value.struct_value.fields, step, place)
    value = _only(value, place)
    return "" if value is None else _text(value, place)


def _only(value: Any, place: Place) -> Any:
    """The element of a list that has one: a call is about one customer, on one channel."""
    while value is not None and value.WhichOneof("kind") == "list_value":
        values = value.list_value.values
        if len(values) > 1:
            raise _unclear(place, f"says {len(values)} things: send one request for each")
        value = values[0] if values else None
    return value


def _field(fields: Any, name: str, place: Place) -> Any:
    """The field of that name. One in other letters is refused: some servers take it for the same."""
    folded = name.casefold()
    if any(key != name and key.casefold() == folded for key in fields):
        raise _unclear(place, f"is spelt otherwise: write {name}")
    return fields.get(name)


def _text(value: Any, place: Place) -> str:
    match value.WhichOneof("kind"):
        case "string_value":
            return str(value.string_value)
        case "null_value":
            return ""
        case "number_value":
            number = value.number_value
            if number.is_integer() and abs(number) < LARGEST_WHOLE:
                return str(int(number))
            raise _unclear(place, "is a number that cannot be governed: send it as a text")
    raise _unclear(place, "is no text")


def _unclear(place: Place, what: str) -> CallEnded:
    return invalid(str(place), f"{place} {what}.")


def struct_maker(pool: Any) -> Callable[[], Any]:
    """Makes the Structs of a descriptor pool: rules take those of their own pool only."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(STRUCT))
