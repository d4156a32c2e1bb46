"""A file of one attribute: `customer,value` a line. All of its mistakes are said at once, by line; pure."""

import csv
import io
from typing import Final

import msgspec

from services.vault.attributes import ATTRIBUTES, LONGEST_CUSTOMER, MOST_ROWS

MOST_MISTAKES: Final = 20
"""That are said; the rest is counted."""
_HEAD: Final = ["customer", "value"]


class Row(msgspec.Struct, frozen=True):
    """What the file says of one customer."""

    customer: str
    """Resource name, as agents call them, such as contacts/cnt_000001."""
    value: str


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a line. It never says what stands there: that is personal."""

    line: int
    """From 1, the head."""
    code: str
    """"head", "columns", "customer", "value", "twice", "many", "empty" or "csv"."""


class RowsRefused(Exception):
    """The file has mistakes, so nothing of it is taken."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(f"{len(mistakes)} mistakes")
        self.mistakes = mistakes


def rows_of(text: str, *, attribute: str) -> tuple[Row, ...]:
    """The rows of a file in CSV (RFC 4180) with the head `customer,value`; empty lines are none.

    Raises:
        RowsRefused: a line is wrong, or there are none, or more than `MOST_ROWS`.
    """
    values = frozenset(ATTRIBUTES[attribute])
    found: dict[str, str] = {}
    mistakes: list[Mistake] = []
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        if [each.strip() for each in next(reader, [])] != _HEAD:
            raise RowsRefused((Mistake(1, "head"),))
        for cells in reader:
            if not cells:
                continue
            code = _wrong(cells, found, values)
            if code:
                mistakes.append(Mistake(reader.line_num, code))
            elif len(found) == MOST_ROWS:
                mistakes.append(Mistake(reader.line_num, "many"))
                break
            else:
                found[cells[0].strip()] = cells[1].strip()
    except csv.Error:
        mistakes.append(Mistake(reader.line_num, "csv"))
    if not found and not mistakes:
        mistakes.append(Mistake(reader.line_num, "empty"))
    if mistakes:
        raise RowsRefused(tuple(mistakes))
    return tuple(Row(customer, value) for customer, value in found.items())


def _wrong(cells: list[str], found: dict[str, str], values: frozenset[str]) -> str:
    """What is wrong with a line; empty for nothing."""
    if len(cells) != len(_HEAD):
        return "columns"
    customer, value = (each.strip() for each in cells)
    if not 1 <= len(customer) <= LONGEST_CUSTOMER or not customer.isprintable():
        return "customer"
    if value not in values:
        return "value"
    return "twice" if customer in found else ""
