"""What a browser has sent with a form, as a struct of the page that asks."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import msgspec

from gateway.core.errors import Reason
from services.control.access.principals import Asked
from services.control.undone import Undone

AS_TYPED: Final = "as typed"
Secret = Annotated[str, msgspec.Meta(description=AS_TYPED)]
"""A text whose space around it counts: a password."""
T = TypeVar("T", bound=msgspec.Struct)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form; all that nobody need send has a default. Texts come without space around them."""


async def form_as(request: Asked, kind: type[T]) -> T:
    """What the form of a request says: fields by name, those of tuples as often as they were sent, files never.

    Raises:
        Undone: ARGUMENT_INVALID where it cannot be that, with the field where there is one.
    """
    return read(texts_in(await request.form()), kind)


def texts_in(form: Any) -> Mapping[str, list[str]]:
    """All texts of a form, by name."""
    found = dict[str, list[str]]()
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def read(texts: Mapping[str, list[str]], kind: type[T]) -> T:
    """The same of texts by name; raises alike."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        sent = texts.get(field.encode_name, [])
        kept = sent if field.type == Secret else [each.strip() for each in sent]
        if kept:
            given[field.encode_name] = kept if _is_many(field.type) else kept[0]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        path = str(error).rpartition("at `$.")[2].partition("`")[0].partition("[")[0]
        raise Undone(Reason.ARGUMENT_INVALID, "form", field=path, name=path or "-") from error


def _is_many(kind: Any) -> bool:
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_origin(kind) is tuple
