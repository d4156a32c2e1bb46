"""Journeys, and who is in them, as connectors check them. The embedded CRM has none."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from pilote.orchestration.v1.journey_pb2 import Enrolment, Journey
from services.crm import checks
from services.crm.collection import Collection
from services.crm.messages import CATEGORIES, CHANNELS

_NAMES: Final = {"journey": "journeys", "customer": "contacts"}
_NAME: Final = re.compile("[a-z0-9_-]{1,63}")
_KEY: Final = re.compile("[a-z0-9_]{1,60}")
_WORDS: Final = {"channel": CHANNELS, "category": CATEGORIES}
MOST_PARAMETERS: Final = 50
MOST_CHARACTERS: Final = 500
"""Of a parameter."""
MOST_REASON_CHARACTERS: Final = 200


class Journeys(Collection[Any]):
    """What there is of journeys."""

    kind = Journey
    table = "journeys"
    word = "journey"
    limits: ClassVar = {"display_name": 200}


class Enrolments(Collection[Any]):
    """What there is of a person's way through one. Their names begin with that of the journey."""

    kind = Enrolment
    table = "enrolments"
    word = "enrolment"
    limits: ClassVar = {"customer": 80}

    def subject(self, resource: Any) -> str:
        """The person who is in the journey."""
        return str(resource.customer)


def problems(request: Any) -> Iterator[checks.Problem]:
    """Whatever is wrong with a request to take somebody into a journey, or out of it."""
    for field, collection in _NAMES.items():
        prefix, _, last = getattr(request, field).partition("/")
        if prefix != collection or not _NAME.fullmatch(last):
            yield field, f"must be {collection}/ and an identifier"
    for field, words in _WORDS.items():
        if field in request.DESCRIPTOR.fields_by_name and getattr(request, field) not in words:
            yield field, f"must be one of {', '.join(words)}"
    if "parameters" in request.DESCRIPTOR.fields_by_name:
        yield from _parameters(request.parameters)
    elif len(request.exit_reason) > MOST_REASON_CHARACTERS:
        yield "exit_reason", f"must be at most {MOST_REASON_CHARACTERS} characters"


def _parameters(values: Any) -> Iterator[checks.Problem]:
    if len(values) > MOST_PARAMETERS:
        yield "parameters", f"must be at most {MOST_PARAMETERS}"
    for key in sorted(values):
        if not _KEY.fullmatch(key):
            yield "parameters", "keys must be 1 to 60 characters of a-z, 0-9 and _"
        elif len(values[key]) > MOST_CHARACTERS:
            yield f"parameters.{key}", f"must be at most {MOST_CHARACTERS} characters"
