"""Checks of single values, shared by all kinds of resources. Each returns what is wrong, or nothing."""

import re
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.errors import CallEnded, Reason
from services.crm.words import MOST_ASKED, words_of

LONGEST_QUERY: Final = 200
"""Characters of a text that lists search by."""
Problem = tuple[str, str]
"""(field of the resource, what is wrong with it); the text completes the sentence "deal.title ..."."""

_ID: Final = "[a-z0-9_-]{1,63}"
_PATTERNS: Final = {
    "email": (re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+"), 'must be a mail address such as "ada@example.org"'),
    "phone": (re.compile(r"\+[1-9]\d{6,14}"), 'must be a number in E.164 such as "+33612345678"'),
    "language": (re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"), 'must be a BCP 47 tag such as "fr-FR"'),
    "currency_code": (re.compile(r"[A-Z]{3}"), 'must be an ISO 4217 code such as "EUR"'),
    "contact": (re.compile(f"contacts/{_ID}"), "must be a name such as contacts/cnt_000042"),
    "customer": (re.compile(f"contacts/{_ID}"), "must be a name such as contacts/cnt_000042"),
    "deal": (re.compile(f"deals/{_ID}"), "must be a name such as deals/opp_000042"),
    "time_zone": (re.compile(r"[A-Za-z0-9_+/-]+"), 'must be an IANA name such as "Europe/Paris"'),
}
_ATTRIBUTE_KEY: Final = re.compile("[a-z0-9_]{1,60}")
_ZONES: Final = frozenset(zoneinfo.available_timezones())


def valid_id(wanted: str) -> bool:
    """Whether `wanted` can be the last segment of a resource name."""
    return re.fullmatch(_ID, wanted) is not None


def texts(resource: Message, limits: Mapping[str, int]) -> Iterator[Problem]:
    """Every text that is longer than `limits` say (characters), or not written the way its field wants."""
    for field, most in limits.items():
        value = getattr(resource, field)
        if len(value) > most:
            yield field, f"must be at most {most} characters"
        elif value and field in _PATTERNS and not _PATTERNS[field][0].fullmatch(value):
            yield field, _PATTERNS[field][1]


def enums(resource: Message) -> Iterator[Problem]:
    """Every enum that holds a number its contract does not know; proto3 lets them through."""
    for field, value in resource.ListFields():
        if field.enum_type is not None and value not in field.enum_type.values_by_number:
            yield field.name, f"must be a value of {field.enum_type.name}"


def times(resource: Message) -> Iterator[Problem]:
    """Every time outside the years 1 to 9999."""
    for field, value in resource.ListFields():
        if isinstance(value, Timestamp) and not (
            -62_135_596_800 <= value.seconds < 253_402_300_800 and 0 <= value.nanos < 1_000_000_000
        ):
            yield field.name, "must be a time of the years 1 to 9999"


def time_zone(value: str) -> Iterator[Problem]:
    """A time zone that the IANA database does not know."""
    if value and value not in _ZONES:
        yield "time_zone", 'must be an IANA name such as "Europe/Paris"'


def query(text: str) -> str:
    """Text that lists search by, as it was given.

    Raises:
        CallEnded: ARGUMENT_INVALID for one that is too long, has too many words, or none.
    """
    found, wrong = words_of(text), ""
    if len(text) > LONGEST_QUERY:
        wrong = f"must be at most {LONGEST_QUERY} characters"
    elif len(found) > MOST_ASKED:
        wrong = f"must be at most {MOST_ASKED} words"
    elif text.strip() and not found:
        wrong = "must have a word: letters or digits"
    if wrong:
        raise CallEnded(Reason.ARGUMENT_INVALID, f"query {wrong}.", violations=(("query", wrong),))
    return text.strip()


def attributes(values: Mapping[str, str]) -> Iterator[Problem]:
    """More than 50 attributes, a key that is no plain word, or a value of more than 500 characters."""
    if len(values) > 50:
        yield "attributes", "must be at most 50"
    for key, value in values.items():
        if not _ATTRIBUTE_KEY.fullmatch(key):
            yield "attributes", "keys must be 1 to 60 characters of a-z, 0-9 and _"
        elif len(value) > 500:
            yield f"attributes.{key}", "must be at most 500 characters"
