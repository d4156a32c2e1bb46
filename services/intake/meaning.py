"""What an event says of its customer, by what its source's policy takes of it. Pure."""

import math
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gateway.core.consents import Consent, Status
from gateway.core.fact_changes import Change, Word
from gateway.core.gpp import said_by
from gateway.core.policy.sources import ConsentTold, Source
from gateway.core.sources import steps_to, subject_of
from gateway.core.tcf import Allowed, allowed_by
from gateway.core.zones import name_of
from services.intake.events import Event, named
from services.intake.reading import MISSING, READ_BY, found_in

MOST_CHARACTERS: Final = 1_000
"""Of a trait."""
MOST_PROOF_CHARACTERS: Final = 200
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})([-_][A-Za-z0-9]{1,8})*\Z")


class Unfit(Exception):
    """The value is none that the fact can have."""


class Taken(NamedTuple):
    """What is taken of an event: its changes, and the places whose values are none that their facts can have."""

    changes: tuple[Change, ...]
    statements: tuple[Consent, ...] = ()
    unfit: tuple[str, ...] = ()


class Meaning:
    """What one source's events say."""

    def __init__(self, source: Source) -> None:
        self.source: Final = source
        self._takes: dict[str, list[tuple[str, tuple[str, ...], str]]] = {kind: [] for kind in READ_BY}
        for place, fact in source.facts.items():
            steps = steps_to(place) or ()
            for kind, origins in READ_BY.items():
                if steps and steps[0] in origins:
                    self._takes[kind].append((place, steps, fact))

    def subject(self, event: Event) -> str:
        """The customer that an event is about, as agents name them; empty where the sender has no name for them."""
        return self.named(event.user_id) if named(event.user_id) else ""

    def named(self, user_id: str | int | None) -> str:
        """The customer whom the sender calls so, as agents name them."""
        return subject_of(self.source.subject, str(user_id))

    def of(self, event: Event, *, at_ms: int, gpc: bool = False) -> Taken:
        """What an event says, which happened at `at_ms`. `gpc`: its request had Global Privacy Control's header."""
        changes, unfit = [], []
        for place, steps, fact in self._takes[event.type]:
            found = found_in(event, steps)
            if found is MISSING:
                continue
            try:
                changes.append(Change(fact, at_ms, word_of(fact, found)))
            except Unfit:
                unfit.append(place)
        statements = []
        for told in self.source.consents:
            try:
                status = _status(told, event, gpc=gpc)
            except Unfit:
                unfit.append(told.place or "")
                continue
            if status is not None:
                statements += _statements(told, status, source=self.source.name, at_ms=at_ms)
        return Taken(tuple(changes), tuple(statements), tuple(unfit))


def word_of(fact: str, value: Any) -> Word:
    """What a fact becomes by a value of JSON; null takes it away.

    Raises:
        Unfit: it is none that the fact can have.
    """
    if value is None:
        return None
    match fact.partition(".")[0]:
        case "traits":
            return _text(value)
        case "scores" if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        case "segments" if isinstance(value, bool):
            return value or None
        case "time_zone" if isinstance(value, str) and (zone := name_of(value)):
            return zone
        case "language" if isinstance(value, str) and (tag := _LANGUAGE.match(value)):
            return tag[1].lower()
    raise Unfit


def _status(told: ConsentTold, event: Event, *, gpc: bool) -> Status | None:
    """What the customer says in an event; `None` for nothing.

    Raises:
        Unfit: it cannot be read.
    """
    if told.place is None:
        return "withdrawn" if event.type == "track" and event.event == told.event else None
    steps = steps_to(told.place) or ("",)
    value = found_in(event, steps)
    if told.reads == "gpc":
        return "refused" if gpc or value in (True, 1, "1") else None
    if value is MISSING or value is None:
        return None
    if told.reads == "truth":
        if not isinstance(value, bool):
            raise Unfit
        return "granted" if value else "refused"
    if told.reads == "gpp":
        said = said_by(value) if isinstance(value, str) else None
        if said is None:
            raise Unfit
        if said.opted_out:
            return "refused"
        return _allows(told, said.allowed) if told.purposes and said.allowed is not None else None
    allowed = allowed_by(value) if isinstance(value, str) else None
    if allowed is None:
        raise Unfit
    return _allows(told, allowed)


def _allows(told: ConsentTold, allowed: Allowed) -> Status:
    whole = allowed.purposes.issuperset(told.purposes) and (told.vendor is None or told.vendor in allowed.vendors)
    return "granted" if whole else "refused"


def _statements(told: ConsentTold, status: Status, *, source: str, at_ms: int) -> list[Consent]:
    """The statements for each channel. A withdrawal is one of whatever was said before it, whenever that was."""
    proof = f"{source}: {told.place or told.event}"[:MOST_PROOF_CHARACTERS]
    withdrawn_ms = at_ms if status == "withdrawn" else 0
    return [
        Consent(
            channel=channel,
            status=status,
            captured_ms=at_ms,
            withdrawn_ms=withdrawn_ms,
            purpose=told.purpose or "",
            proof=proof,
        )
        for channel in told.channels
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float) and len(text := str(value)) <= MOST_CHARACTERS:
        return text
    raise Unfit


def meanings(sources: tuple[Source, ...]) -> Iterator[tuple[str, Meaning]]:
    """Each source's by the SHA-256 of each of its write keys."""
    for source in sources:
        meaning = Meaning(source)
        for key in source.keys:
            yield key.sha256, meaning
