"""One kind of resource as the vendor has it, and as our contract has it: the way from each to the other."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.core.errors import CallEnded, Reason
from services.crm.connectors.contract import KINDS, REFERENCES, plain, short_names
from services.crm.connectors.descriptor import Field, Resource
from services.crm.connectors.expressions import Expression, Unfit
from services.crm.connectors.names import segment, vendor_id

M = TypeVar("M", bound=Message)

_MAX_ETAG: Final = 64
_LATEST_MS: Final = 253_402_300_799_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Mapped:
    """How one kind of resource is mapped.

    Raises:
        ValueError: an expression is none.
    """

    def __init__(
        self, word: str, resource: Resource, fields: Mapping[str, Field], *, variables: Mapping[str, str]
    ) -> None:
        self.word = word
        self.kind = KINDS[word]
        self.ignored = frozenset(resource.ignored)
        self._cleared = resource.cleared
        self._id = Expression(resource.id)
        self.version: Final = resource.version
        """Where its fingerprint is; `None`: it has none."""
        self._version_at = Expression(self.version.path) if self.version and self.version.path else None
        self._fields = fields
        self.fixed: Final = {name: variables[field.fixed] for name, field in fields.items() if field.fixed}
        """What fields always are there, by name."""
        self._reads = {
            name: Expression(field.read or quoted(field.path))
            for name, field in fields.items()
            if field.read or field.path
        }
        self._writes = {
            name: [(path.split("."), Expression(text)) for path, text in field.write.items()]
            for name, field in fields.items()
        }

    def known(self, name: str) -> bool:
        """Whether the vendor keeps that field, or nobody minds that it does not."""
        return name in self.ignored or (name in self._fields and not self._fields[name].read_only)

    def id_of(self, found: object) -> str:
        """What the vendor calls the object.

        Raises:
            Unfit: it has no name.
        """
        value = self._id(found)
        if not isinstance(value, (str, int)) or value in ("", False, True):
            raise Unfit(self._id.text)
        return str(value)

    def read(self, found: object, *, headers: Mapping[str, str], echo: Message | None = None) -> Any:
        """The resource that a vendor's object is. `echo`: what was sent, for fields that the vendor does not keep.

        Raises:
            Unfit: the object is not as the descriptor says.
        """
        resource = self.kind.kind()
        if echo is not None:
            for name in self.ignored:
                if name in (field.name for field, _ in echo.ListFields()):
                    _copy(echo, resource, name)
        resource.name = f"{self.kind.table}/{segment(self.id_of(found))}"
        self.fill(resource, found)
        for name, text in self.fixed.items():
            if not getattr(resource, name):
                setattr(resource, name, text)
        version = self._etag(found, headers)
        if version:
            resource.etag = version
        return resource

    def fill(self, resource: M, found: object) -> M:
        """The same resource with the fields that a vendor's object has.

        Raises:
            Unfit: the object is not as the descriptor says.
        """
        for name, expression in self._reads.items():
            value = expression(found)
            if value is not None and value != "":
                try:
                    _set(resource, name, self._fields[name], value)
                except (ValueError, TypeError, OverflowError, ArithmeticError, CallEnded) as error:
                    raise Unfit(name) from error
        return resource

    def written(self, resource: Message, names: Iterable[str]) -> dict[str, Any]:
        """The vendor's members for these fields of ours; an empty field is written as what empties it there.

        Raises:
            Unfit: an expression does not fit what is written.
        """
        ours, found = plain(resource), dict[str, Any]()
        for name in names:
            if name not in self._fields or name in self.fixed:
                continue
            field = self._fields[name]
            value = _written(resource.DESCRIPTOR.fields_by_name[name], field, ours.get(name), name)
            if self._writes[name]:
                for path, expression in self._writes[name]:
                    filled = expression(ours)
                    _put(found, path, self._cleared if filled in (None, "") else filled)
            else:
                _put(found, field.path.split("."), self._cleared if value is None else value)
        return found

    def filtered(self, name: str, request: Message) -> Any:
        """A filter of a list's request as the vendor writes the field of that name; `None` where it is not set."""
        descriptor = request.DESCRIPTOR.fields_by_name[name]
        value = getattr(request, name)
        if not value:
            return None
        if descriptor.enum_type is not None:
            value = short_names(descriptor.enum_type).get(value, "")
        return _written(descriptor, self._fields.get(name, Field()), value, name)

    def words(self, name: str, request: Message) -> list[str] | None:
        """All of the vendor's words for the value of an enum in a list's request; `None` where it is not set."""
        descriptor, value = request.DESCRIPTOR.fields_by_name[name], getattr(request, name)
        if not value or descriptor.enum_type is None or name not in self._fields:
            return None
        return list(_words(self._fields[name].values.get(short_names(descriptor.enum_type).get(value, ""), ())))

    def _etag(self, found: object, headers: Mapping[str, str]) -> str:
        version = self.version
        if version is None:
            return ""
        value = headers.get(version.header.lower(), "") if version.header else ""
        if self._version_at is not None and not value:
            value = self._version_at(found)
        text = "" if value is None else str(value)
        return text if len(text) <= _MAX_ETAG else ""


def quoted(path: str) -> str:
    """A path of member names as JMESPath."""
    return ".".join(f'"{part}"' for part in path.split("."))


def _copy(source: Message, target: Message, name: str) -> None:
    value = getattr(source, name)
    field = source.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated or field.message_type is not None:
        getattr(target, name).MergeFrom(value)
    else:
        setattr(target, name, value)


def _put(found: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        found = found.setdefault(part, {})
    found[path[-1]] = value


def _set(resource: Message, name: str, field: Field, value: Any) -> None:
    descriptor = resource.DESCRIPTOR.fields_by_name[name]
    if descriptor.enum_type is not None:
        ours = next((ours for ours, theirs in field.values.items() if str(value) in _words(theirs)), None)
        numbers = {short: number for number, short in short_names(descriptor.enum_type).items()}
        setattr(resource, name, numbers.get(ours or "", 0))
    elif descriptor.message_type is not None and descriptor.message_type.name == "Timestamp":
        at_ms = _read_time(field.as_, value)
        getattr(resource, name).FromMilliseconds(at_ms)
    elif descriptor.message_type is not None and descriptor.message_type.name == "Duration":
        getattr(resource, name).FromMilliseconds(round(float(value) * (60_000 if field.as_ == "minutes" else 1000)))
    elif descriptor.is_repeated and not isinstance(value, Mapping):
        words = value.split(";") if isinstance(value, str) else value
        getattr(resource, name).extend([str(word) for word in words if word])
    elif descriptor.is_repeated:
        getattr(resource, name).update({str(key): _text(each) for key, each in value.items() if each is not None})
    elif descriptor.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = _text(value)
        setattr(resource, name, f"{REFERENCES[name]}/{segment(text)}" if field.as_ in _REFERENCES else text)
    else:
        setattr(resource, name, _whole(value) if field.as_ != "hundredths" else _whole(Decimal(str(value)) * 100))


def _written(descriptor: Any, field: Field, value: Any, name: str) -> Any:
    if value is None or value == "":
        return None
    if descriptor.enum_type is not None:
        if value not in field.values:
            raise CallEnded(Reason.ARGUMENT_INVALID, f"The system behind has no such {name}: choose another.",
                            metadata={"field": name}, violations=((name, "has no such value there"),))  # fmt: skip
        return _words(field.values[value])[0]
    form = _FORMS.get(field.as_)
    return value if form is None else form(value, name)


def _words(theirs: str | tuple[str, ...]) -> tuple[str, ...]:
    return (theirs,) if isinstance(theirs, str) else theirs


def _as_hundredths(value: Any, _: str) -> Any:
    whole = Decimal(value) / 100
    return int(whole) if whole == whole.to_integral() else float(whole)


def _numbered(value: str, name: str) -> int:
    theirs = vendor_id(value, collection=REFERENCES[name], field=name)
    if not (theirs.isascii() and theirs.isdecimal()):
        raise CallEnded(Reason.ARGUMENT_INVALID, f"The system behind has no such {name}: choose another.",
                        metadata={"field": name}, violations=((name, "names nothing there"),))  # fmt: skip
    return int(theirs)


_FORMS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "hundredths": _as_hundredths,
    "date": lambda value, _: value[:10],
    "epoch_ms": lambda value, _: _milliseconds(value),
    "epoch_s": lambda value, _: _milliseconds(value) // 1000,
    "seconds": lambda value, _: int(value) if value == int(value) else value,
    "minutes": lambda value, _: round(value / 60),
    "words": lambda value, _: ";".join(value),
    "reference": lambda value, name: vendor_id(value, collection=REFERENCES[name], field=name),
    "reference_number": _numbered,
}
_REFERENCES: Final = frozenset(("reference", "reference_number"))


def _read_time(form: str, value: Any) -> int:
    if form in ("epoch_ms", "epoch_s"):
        at_ms = _whole(value) * (1 if form == "epoch_ms" else 1000)
    elif form == "rfc2822":
        at_ms = int(parsedate_to_datetime(str(value)).timestamp() * 1000)
    else:
        at_ms = _milliseconds(str(value))
    if not -_LATEST_MS <= at_ms <= _LATEST_MS:
        raise ValueError("no time of the years 1 to 9999")
    return at_ms


def _milliseconds(text: str) -> int:
    found = dt.datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    aware = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(milliseconds=1)


def _whole(value: Any) -> int:
    try:
        whole = Decimal(str(value))
        if whole != whole.to_integral() or abs(whole) >= 2**63:
            raise ValueError("no whole number")
    except InvalidOperation as error:
        raise ValueError("no number") from error
    return int(whole)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list)):
        raise TypeError("no text")
    return str(value)
