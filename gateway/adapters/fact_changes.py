"""What events tell, written to the facts where gateways read them: once, however often an event comes.

A batch costs one look and one step of the store for each cell that it touches. Facts are compared and swapped, as
statements are (`gateway.adapters.consents`): where somebody else was faster the subject is looked at anew, so nobody's
change is lost to another's. The mark of an event is set in the very step that writes what it told.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gateway.adapters.cells import CellBook
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.cells import cell_of
from gateway.core.consents import Consent
from gateway.core.fact_changes import Change, Known, changed
from gateway.core.keys import Cell
from gateway.redis_clients import Client

REMEMBERED_MS: Final = 24 * 3_600_000
"""How long an event is known again."""
MOST_SUBJECTS: Final = 200
"""Subjects of one step: more would keep the store from calls for longer than a few milliseconds."""
_SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_FACTS: Final = msgspec.json.Decoder(Facts)
_TIMES: Final = msgspec.json.Decoder(dict[str, int])
_ENCODER: Final = msgspec.json.Encoder()
_log = logging.getLogger(__name__)


class Damaged(Exception):
    """What the store holds of a subject cannot be read; `pilote facts import --replace-damaged` puts it in anew."""


class Told(msgspec.Struct, frozen=True):
    """One event: whom it is about, what it is called, and what it changes."""

    subject_ref: str
    message: str
    """Stands for the event's id, the same for its repeats; no text of the sender's. Empty: what may be told twice."""
    changes: tuple[Change, ...]
    statements: tuple[Consent, ...] = ()
    """What the customer says in it about being contacted."""


class Words(NamedTuple):
    """What is said of one subject."""

    changes: tuple[Change, ...] = ()
    statements: tuple[Consent, ...] = ()


class Taken(NamedTuple):
    """What came of a batch."""

    repeated: frozenset[str] = frozenset()
    """Marks (`Told.message`) of the events that were taken before, within `REMEMBERED_MS`."""
    damaged: frozenset[str] = frozenset()
    """Subjects of whom the store holds what cannot be read: of them nothing was taken, and it is left as it is."""


class FactChanges:
    """Takes events. When `take` returns, every gateway's cache has been told to forget the old facts.

    Raises `RedisError` when the store does not answer. What was taken of a batch by then stays; the batch may be sent
    again.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)

    async def read(self, tenant: str, subject_ref: str) -> Known | None:
        """What is known of a subject; `None` for nothing.

        Raises:
            Damaged: the store holds what cannot be read.
        """
        cell = await self._cells.of_subject(tenant, subject_ref)
        found: Any = await self._redis.mget([keys.facts(cell, subject_ref), keys.fact_times(cell, subject_ref)])
        facts, times = found
        return None if facts is None else _known(facts, times or b"")

    async def change(self, tenant: str, subject_ref: str, by: Callable[[Known | None], Words]) -> Known:
        """Change the facts of one subject by what is known of it now, and give what is known then.

        `by` is asked anew where somebody else was faster; whatever it raises ends this, and nothing was changed.

        Raises:
            Damaged: the store holds what cannot be read.
        """
        cell = await self._cells.of_subject(tenant, subject_ref)
        names = [keys.facts(cell, subject_ref), keys.fact_times(cell, subject_ref)]
        while True:  # one of those who meet here always wins, so this ends
            found: Any = await self._redis.mget(names)
            facts, times = (each or b"" for each in found)
            before = _known(facts, times)
            words = by(before if facts else None)
            swapped = _swapped(facts, times, [Told(subject_ref, "", *words)])
            taken: Any = await self._redis.eval(_SCRIPT, len(names), *names, REMEMBERED_MS, 0, *swapped)
            if taken[0]:
                return _known(swapped[1], swapped[3])

    async def take(self, tenant: str, events: Sequence[Told]) -> Taken:
        """Take events."""
        if not events:
            return Taken()
        count = await self._cells.of(tenant)
        cells: dict[Cell, dict[str, dict[str, Told]]] = {}
        for event in events:
            cell = keys.cell(tenant, cell_of(count, event.subject_ref))
            cells.setdefault(cell, {}).setdefault(event.subject_ref, {}).setdefault(event.message, event)
        repeats, damaged = set[str](), set[str]()
        await asyncio.gather(*(self._take(cell, subjects, repeats, damaged) for cell, subjects in cells.items()))
        return Taken(frozenset(repeats), frozenset(damaged))

    async def _take(
        self, cell: Cell, subjects: Mapping[str, Mapping[str, Told]], repeats: set[str], damaged: set[str]
    ) -> None:
        left = dict(subjects)
        while left:  # one of those who meet here always wins, so this ends
            part = dict(list(left.items())[:MOST_SUBJECTS])
            for subject_ref in await self._step(cell, part, repeats, damaged):
                del left[subject_ref]

    async def _step(
        self, cell: Cell, subjects: Mapping[str, Mapping[str, Told]], repeats: set[str], damaged: set[str]
    ) -> list[str]:
        """Look, change and write; the subjects that are done with. Adds to `repeats` and `damaged`."""
        names = [name for ref, events in subjects.items() for name in _names(cell, ref, events)]
        found: Any = iter(await self._redis.mget(names))
        writes, names_out, arguments, done = [], [], list[Any](), []
        for subject_ref, events in subjects.items():
            facts, times = next(found) or b"", next(found) or b""
            new = {}
            for message, event in events.items():
                if not message or next(found) is None:
                    new[message] = event
                else:
                    repeats.add(message)
            if not new:
                done.append(subject_ref)
                continue
            try:
                swapped = _swapped(facts, times, new.values())
            except Damaged:
                damaged.add(subject_ref)
                done.append(subject_ref)
                continue
            writes.append(subject_ref)
            names_out += _names(cell, subject_ref, new)
            arguments += [sum(map(bool, new)), *swapped]
        if writes:
            taken: Any = await self._redis.eval(_SCRIPT, len(names_out), *names_out, REMEMBERED_MS, *arguments)
            done += [ref for ref, was in zip(writes, taken, strict=True) if was]
        return done


def _names(cell: Cell, subject_ref: str, events: Mapping[str, Told]) -> list[str]:
    marks = [keys.told(cell, subject_ref, message) for message in events if message]
    return [keys.facts(cell, subject_ref), keys.fact_times(cell, subject_ref), *marks]


def _swapped(facts: bytes, times: bytes, events: Collection[Told]) -> tuple[bytes, bytes, bytes, bytes]:
    """Facts before and after, times before and after.

    Raises:
        Damaged: what was before cannot be read.
    """
    before = _known(facts, times)
    after = changed(
        before,
        [change for event in events for change in event.changes],
        [statement for event in events for statement in event.statements],
    )
    same = facts and after.facts == before.facts
    return facts, facts if same else _ENCODER.encode(after.facts), times, _ENCODER.encode(after.times)


def _known(facts: bytes, times: bytes) -> Known:
    try:
        return Known(_FACTS.decode(facts) if facts else Facts(), _TIMES.decode(times) if times else {})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.error("stored facts cannot be read", exc_info=error)
        raise Damaged from error
