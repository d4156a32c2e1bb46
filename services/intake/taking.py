"""Takes the events of one request: each is accepted, known already, about nobody we have a name for, or refused."""

import asyncio
import datetime as dt
import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core.record import subject_ref
from services.intake.events import Batch, Event, Problem, batch_in, event_in, happened_ms, named
from services.intake.meaning import Meaning
from services.intake.merging import merged
from services.intake.outcomes import Happened, Outcomes, happened
from services.intake.taken import MOST_SAID, Answer, Said, said_of


class _Read(NamedTuple):
    """One event as it was sent, and what it is."""

    event: Event | Problem
    mark: str
    subject_ref: str = ""


class Taking:
    """Takes events of any source. `clock_ms` gives milliseconds since the epoch."""

    def __init__(
        self,
        facts: FactChanges,
        outcomes: Outcomes,
        *,
        pseudonym_key: bytes,
        clock_ms: Callable[[], int],
        told: Callable[[str, str, str, int], None] = lambda _source, _kind, _end, _count: None,
    ) -> None:
        """`told` counts: the source, the kind of event, how it ended, and of how many."""
        self._facts = facts
        self._outcomes = outcomes
        self._key = pseudonym_key
        self._clock_ms = clock_ms
        self._told = told

    async def take(
        self, meaning: Meaning, body: bytes, *, kind: str, language: str, gpc: bool = False
    ) -> Answer | Problem:
        """Take the event of a body that was sent as `kind`, or those of a batch. Raises what `take_events` does."""
        batch = batch_in(body) if kind == "batch" else Batch([msgspec.Raw(body)])
        if isinstance(batch, Problem):
            return batch
        own = "" if kind == "batch" else kind
        events = [(event_in(raw, kind=own), bytes(raw)) for raw in batch.batch]
        return await self.take_events(meaning, events, sent_at=batch.sent_at, language=language, gpc=gpc)

    async def take_events(
        self,
        meaning: Meaning,
        events: Sequence[tuple[Event | Problem, bytes]],
        *,
        language: str,
        sent_at: dt.datetime | None = None,
        gpc: bool = False,
    ) -> Answer:
        """Take events, or what is wrong with them, each with its text. `gpc`: see `Meaning.of`.

        Raises:
            RedisError, CallEnded: the store does not answer; what was taken by then is known again.
            AioRpcError: the audit service does not answer, which knows what contacts there were; likewise.
        """
        received_ms = self._clock_ms()
        read = [self._read(meaning, event, raw) for event, raw in events]
        told: list[Told] = []
        followed: list[Happened] = []
        ignored: list[Said] = []
        for index, (event, mark, ref) in enumerate(read):
            if isinstance(event, Problem) or not ref:
                continue
            at_ms = happened_ms(event, sent_at=sent_at, received_ms=received_ms)
            taken = meaning.of(event, at_ms=at_ms, gpc=gpc)
            if taken.changes or taken.statements:
                told.append(Told(ref, mark, taken.changes, taken.statements))
            ignored += [said_of(index, event, Problem("unfit", place), language) for place in taken.unfit]
            followed += happened(meaning.source, event, index=index, subject_ref=ref, mark=mark, at_ms=at_ms)
        taken_now = await self._facts.take(meaning.source.tenant, told)
        known = taken_now.repeated
        # An event is refused as a whole: it must be sent again once its customer's facts are put right.
        read = [_refused_if(each, taken_now.damaged) for each in read]
        followed = [each for each in followed if each.subject_ref not in taken_now.damaged]
        ignored = [each for each in ignored if isinstance(read[each.index].event, Event)]
        damaged = await self._merge(meaning, read)
        read = [
            _Read(Problem("damaged", "previousId"), each.mark) if n in damaged else each for n, each in enumerate(read)
        ]
        # Consents that the same request tells count for its outcomes. Each outcome is kept once by itself, so one that
        # could not be kept the last time is kept now, though its event is known.
        ends = await asyncio.gather(*(self._report(meaning, each, now_ms=received_ms) for each in followed))
        for each, end in zip(followed, ends, strict=True):
            if end == "repeated":
                known |= {each.mark}
            elif isinstance(end, Problem):
                event = read[each.index].event
                ignored.append(said_of(each.index, event if isinstance(event, Event) else None, end, language))
        return self._answer(meaning.source.name, read, known=known, ignored=ignored, language=language)

    async def _merge(self, meaning: Meaning, read: Sequence[_Read]) -> set[int]:
        """Do what aliases say; gives those about customers whose facts are damaged."""
        damaged = set[int]()
        for index, (event, _, ref) in enumerate(read):
            if isinstance(event, Problem) or event.type != "alias" or not ref or not meaning.source.aliases:
                continue
            if named(event.previous_id):
                previous = self._ref(meaning, meaning.named(event.previous_id))
                if not await merged(self._facts, meaning.source.tenant, previous=previous, into=ref):
                    damaged.add(index)
        return damaged

    def _ref(self, meaning: Meaning, subject: str) -> str:
        return subject_ref(self._key, tenant=meaning.source.tenant, subject=subject)

    async def _report(self, meaning: Meaning, outcome: Happened, *, now_ms: int) -> str | Problem:
        if outcome.problem:
            return Problem("unfit", outcome.problem)
        end = await self._outcomes.report(meaning.source, outcome, now_ms=now_ms)
        return Problem(end) if end in ("unattributed", "unconsented", "damaged") else end

    def _read(self, meaning: Meaning, event: Event | Problem, raw: bytes) -> _Read:
        if isinstance(event, Problem):
            return _Read(event, "")
        # One without an id is known again by all that it says.
        name = event.message_id.encode() if event.message_id else raw
        subject = meaning.subject(event)
        mark = hashlib.blake2b(name, digest_size=16, key=self._key[:64]).hexdigest()
        return _Read(event, mark, self._ref(meaning, subject) if subject else "")

    def _answer(
        self,
        source: str,
        read: Sequence[_Read],
        *,
        known: frozenset[str],
        ignored: Sequence[Said],
        language: str,
    ) -> Answer:
        rejected: list[Said] = []
        ends: dict[tuple[str, str], int] = {}
        seen: set[tuple[str, str]] = set()
        for index, (event, mark, ref) in enumerate(read):
            if isinstance(event, Problem):
                rejected.append(said_of(index, None, event, language))
                end = ("", "rejected")
            elif not named(event.user_id):
                end = (event.type, "anonymous")
            else:
                again = mark in known or (ref, mark) in seen
                end = (event.type, "repeated" if again else "accepted")
                seen.add((ref, mark))
            ends[end] = ends.get(end, 0) + 1
        for (kind, how), count in ends.items():
            self._told(source, kind, how, count)
        count_of: Any = {how: sum(count for (_, end), count in ends.items() if end == how) for how in _ENDS}
        return Answer(
            success=count_of["rejected"] < len(read) or not read,
            accepted=count_of["accepted"],
            repeated=count_of["repeated"],
            anonymous=count_of["anonymous"],
            rejected=tuple(itertools.islice(rejected, MOST_SAID)),
            ignored=tuple(itertools.islice(ignored, MOST_SAID)),
        )


def _refused_if(read: _Read, damaged: frozenset[str]) -> _Read:
    return _Read(Problem("damaged", "userId"), read.mark) if read.subject_ref in damaged else read


_ENDS: Final = ("accepted", "repeated", "anonymous", "rejected")
