"""In which order decisions are listed, and where in it a page begins. Pure."""

import re
from typing import Final

from services.audit.filters.fields import FIELDS
from services.audit.filters.filter_texts import Mistake
from services.audit.filters.matching import values
from services.audit.filters.suggesting import nearest
from services.audit.filters.values import short
from services.audit.finding import NEWEST, Order, Place
from services.audit.store import Stored

UNKNOWN: Final = -1
"""What stands for a number that a decision does not have: below all others."""
_TEXT: Final = re.compile(r"\s*([^\s,]+)(?:\s+(asc|desc))?\s*")
_SORTABLE: Final = {name: field for name, field in FIELDS.items() if field.sortable}


def order_of(text: str, *, language: str = "en") -> Order:
    """The order that `text` asks for, such as "latency desc"; an empty text asks for the newest first.

    Raises:
        CallEnded: ARGUMENT_INVALID, with what may be written instead, in `language` too.
    """
    if not text.strip():
        return NEWEST
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Mistake("order", text=short(text)).ended("order_by", language)
    field = _SORTABLE.get(found[1])
    if field is None:
        near = nearest(found[1], tuple(_SORTABLE))
        code = "order-near" if near else "order-unknown"
        mistake = Mistake(code, name=short(found[1]), near=near, known=tuple(sorted(_SORTABLE)))
        raise mistake.ended("order_by", language)
    return Order(field, descending=found[2] == "desc")


def place_of(order: Order, stored: Stored) -> Place:
    """Where a decision stands in an order."""
    if order.by_time:
        return Place(stored.record.id)
    found = values(order.field, stored)
    return Place(stored.record.id, int(found[0]) if found else UNKNOWN)


def in_order(order: Order, found: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """The decisions in that order: what is found in several places is put together so."""

    def key(stored: Stored) -> tuple[int, str]:
        place = place_of(order, stored)
        return place.key, place.id

    return tuple(sorted(found, key=key, reverse=order.descending))
