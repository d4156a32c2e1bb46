"""The job that shows what a sentence would have come to: recorded calls, judged by a policy of that one part."""

import itertools
from collections import Counter
from contextlib import closing
from typing import Final

import msgspec

from gateway.activation.loading import canonical, load_stored
from gateway.core.assignment import BASIS_POINTS
from gateway.core.changes import Place
from gateway.core.limits import Bucket
from gateway.core.record import Record
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.simulating.calls import Call, Forms
from gateway.core.simulating.course import Course
from gateway.replays.replaying import replayed
from pilote.audit.v1 import planning_pb2
from services.commands.judging_slices import AuditSilent, Config, Judge
from services.commands.replaying import Opened
from services.commands.simulating import Span, bounds
from services.control.drafts.checking import loaded
from services.control.drafts.examples import Example, Outcome, alone, chosen, outcome_of
from services.control.drafts.trials import NoSuchPart
from services.control.drafts.working import Asked, Sources, config_of, span_asked
from services.control.jobs import JobFailed, Progress

_SLICES: Final = 20


class Witness(Judge):
    """Judges like a backtest, and keeps what was recorded and what the new policy says of each call."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.seen: Final[dict[str, tuple[Record, Record]]] = {}
        """By id: as recorded, and as it would be."""

    def _judged(self, kept: planning_pb2.CallInputs, opened: Opened, forms: Forms) -> Call:
        call = super()._judged(kept, opened, forms)
        found = replayed(self._new, opened.inputs, pseudonym_key=self._config.pseudonym_key).record
        self.seen[call.id] = opened.record, found
        return call


class Examples(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of it."""

    looked: int
    """Calls that were decided about."""
    left_out: int
    """Calls that could not be: what they would be decided by was not read at the time."""
    counts: dict[str, int]
    """By outcome."""
    watched: bool
    """Whether the part itself only watches, so that nothing follows of it yet."""
    partly: bool
    """Whether only a part of the calls is kept, so that limits and caps come out too low."""
    examples: tuple[Example, ...]


def exemplify(sources: Sources, asked: Asked, progress: Progress) -> bytes:
    """Three to five recorded calls, and what one part of the policy alone would have come to: as JSON.

    Limits and caps are counted over all calls that are looked at, in their order.

    Raises:
        JobFailed: the policy has mistakes or no such part, or nobody answers.
    """
    place = Place(asked.section, asked.name)
    try:
        document = loaded(asked.text)[0].document
        new = load_stored(canonical(alone(document, place)))
    except NoSuchPart as missing:
        raise JobFailed("try-part") from missing
    except PolicyInvalid as invalid:
        raise JobFailed("job-invalid") from invalid
    span = span_asked(sources, asked)
    progress(0, span.total)
    try:
        with closing(Witness(config_of(sources, asked, new))) as witness:
            calls, left_out, partly = _judged(witness, span, progress)
    except AuditSilent as silent:
        raise JobFailed("job-audit") from silent
    found, course = list[Example](), Course()
    for call, forms in calls:
        came, (was, would) = course.take(call, forms), witness.seen[call.id]
        outcome = outcome_of(call, came, would, place=place)
        if outcome is not None:
            found.append(_example(was, call.was, outcome))
    left_out += len(calls) - len(found)
    part = next(each for each in getattr(document, place.section) if each.name == place.name)
    return msgspec.json.encode(_told(found, left_out=left_out, partly=partly, watched=part.mode != "enforce"))


def _judged(
    witness: Witness, span: Span, progress: Progress
) -> tuple[list[tuple[Call, tuple[Bucket, ...]]], int, bool]:
    """All calls in the order of their admission, how many cannot be judged, and whether only a part is kept."""
    calls, left_out, partly = list[tuple[Call, tuple[Bucket, ...]]](), 0, False
    count = max(1, min(_SLICES, span.total // 50, span.end_ms - span.start_ms))
    for start_ms, end_ms in itertools.pairwise(bounds(span, count)):
        judged = witness.slice(start_ms, end_ms)
        calls += [(call, judged.forms) for call in judged.calls]
        left_out += sum(map(len, judged.left_out.values()))
        partly |= judged.kept_share < BASIS_POINTS
        progress(min(len(calls) + left_out, span.total), span.total)
    return sorted(calls, key=lambda each: (each[0].at_ms, each[0].place, each[0].id)), left_out, partly


def _example(was: Record, verdict: str, outcome: Outcome) -> Example:
    return Example(
        decision=was.id,
        agent=was.agent,
        method=was.method,
        channel=was.channel,
        category=was.category,
        subject=was.subject_ref,
        received_ms=was.received_ms,
        verdict=verdict,
        outcome=outcome,
    )


def _told(found: list[Example], *, left_out: int, partly: bool, watched: bool) -> Examples:
    return Examples(
        looked=len(found),
        left_out=left_out,
        counts=dict(Counter(each.outcome for each in found)),
        watched=watched,
        partly=partly,
        examples=chosen(found),
    )
