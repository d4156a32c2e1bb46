"""Runs a backtest: slices of the recorded calls are judged by several processes, and counted here in their order."""

import gc
import itertools
import multiprocessing
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.assignment import BASIS_POINTS
from gateway.core.limits import Bucket
from gateway.core.simulating.calls import ALLOWED, Call, Judged
from gateway.core.simulating.course import Course
from gateway.core.simulating.effects import Effects
from pilote.audit.v1 import planning_pb2
from services.commands.judging_slices import Config, Judge, judge_slice
from services.insights.whatif.forecast import Forecast, forecast
from services.insights.whatif.trial import Contacts, Trial
from services.presenting import present_inherited

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

SLICE: Final = 1_500
"""Calls in a slice, on average: some 0.1 s of work."""
MOST_SLICES: Final = 5_000
HOUR_MS: Final = 3_600_000
_AHEAD: Final = 4
"""Slices that each process may be ahead of what is counted: what waits for it is held in memory."""
_PLACE: Final = itemgetter(0, 1, 2)
_TIME: Final = itemgetter(0)
_judged: Final = msgspec.msgpack.Decoder(Judged)


class ProcessLost(Exception):
    """A process that judged slices was ended from outside."""


class Span(msgspec.Struct, frozen=True):
    """Which calls: received from `start_ms` on and before `end_ms`; `total` of them are kept."""

    start_ms: int
    end_ms: int
    total: int


class Simulated(msgspec.Struct, frozen=True):
    """What came of a backtest."""

    effects: Effects
    left_out: dict[str, list[str]]
    """Some decision ids of calls that cannot be used, by why."""
    left_out_calls: Counter[str]
    controlled: int
    """Calls that were decided upon once more under their own revision too, and agreed."""
    estimated: int
    """Calls whose end was guessed, since they were not made then."""
    kept_share: int
    """Of how many calls the inputs are kept, in basis points."""
    unreadable: tuple[str, ...] = ()
    """Names of the parts of the store that could not be read: calls in them are missing."""
    forecast: Forecast | None = None
    """What that means for customers; `None` where limits and caps could not be counted."""
    forecast_start_ms: int = 0
    """Where the time begins that is forecast: later than the first call by the longest window of a cap."""
    contacts: Contacts | None = None
    """What the forecast was made from."""

    @property
    def counted(self) -> bool:
        """Whether limits and caps could be counted: of a part of the calls nobody can say whether they are full."""
        return self.kept_share == BASIS_POINTS


def simulate(
    config: Config,
    span: Span,
    *,
    processes: int,
    most_examples: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    slice_calls: int = SLICE,
    trial: Callable[[], Trial] = Trial,
) -> Simulated:
    """Judge all calls of the span, and count them in their order. Where only a part is kept nothing is counted.

    `progress` is told how many of how many are done; slices have `slice_calls` on average, and one alone is judged in
    this process. `trial` makes what contacts are noted in.

    Raises:
        AuditSilent: the audit service does not answer.
        ProcessLost: a process was ended from outside, such as for lack of memory.
    """
    for counting in (True, False):
        with closing(_slices(config, span, processes=processes, slice_calls=slice_calls)) as slices:
            found = counted(
                slices, span, most_examples=most_examples, progress=progress, counting=counting, trial=trial()
            )
        if found.counted:
            break
    return found


def counted(
    slices: Iterator[tuple[int, Judged]],
    span: Span,
    *,
    most_examples: int,
    progress: Callable[[int, int], None],
    counting: bool,
    trial: Trial | None = None,
) -> Simulated:
    """All slices, each with its end, counted; `counting`: only until one tells that a part of the calls is not kept."""
    course, effects, trial = Course(counting=counting), Effects(most_examples=most_examples), trial or Trial()
    longest_ms = 0
    left_out: dict[str, list[str]] = {}
    left_out_calls: Counter[str] = Counter()
    controlled = done = 0
    kept_share = BASIS_POINTS
    unreadable: set[str] = set()
    # What is made here lives long and in no circles: looking for those takes a third of the time.
    gc.disable()
    try:
        for judged, ready in _in_order(slices):
            for call, forms in ready:
                came = course.take(call, forms)
                newly = came.counted and came.verdict == ALLOWED
                its_ms = _longest_ms(call, forms)
                effects.add(call, came, early=newly and call.at_ms - its_ms < span.start_ms)
                trial.add(call, came)
                longest_ms = max(longest_ms, its_ms)
            if judged is None:
                continue
            for why, decisions in judged.left_out.items():
                left_out_calls[why] += len(decisions)
                examples = left_out.setdefault(why, [])
                examples += decisions[: most_examples - len(examples)]
            controlled += judged.controlled
            kept_share = min(kept_share, judged.kept_share)
            unreadable.update(judged.unreadable)
            done += len(judged.calls) + sum(map(len, judged.left_out.values()))
            progress(done, max(done, span.total))
            if counting and kept_share < BASIS_POINTS:
                break
    finally:
        gc.enable()
    start_ms = min(span.start_ms + longest_ms, (span.start_ms + span.end_ms) // 2)
    contacts = trial.contacts(start_ms=start_ms) if kept_share == BASIS_POINTS else None
    return Simulated(
        effects,
        left_out,
        left_out_calls,
        controlled,
        course.estimated,
        kept_share,
        tuple(sorted(unreadable)),
        None if contacts is None else forecast(contacts),
        start_ms,
        contacts,
    )


def _longest_ms(call: Call, forms: Sequence[Bucket]) -> int:
    return max([forms[asked.form].period_ms for asked in call.buckets], default=0)


_Ready = list[tuple[Call, Sequence[Bucket]]]


def _in_order(slices: Iterator[tuple[int, Judged]]) -> Iterator[tuple[Judged | None, _Ready]]:
    """Each slice with the calls that are next: those received in it or before, and admitted before its end.

    A call may be admitted a while after it was received: then it is counted with a later slice.
    """
    waiting: list[tuple[int, int, str, Call, Sequence[Bucket]]] = []
    for end_ms, judged in slices:
        waiting += [(call.at_ms, call.place, call.id, call, judged.forms) for call in judged.calls]
        waiting.sort(key=_PLACE)  # they nearly are in order
        now = bisect_left(waiting, end_ms, key=_TIME)
        yield judged, [each[3:] for each in waiting[:now]]
        del waiting[:now]
    yield None, [each[3:] for each in waiting]


def _slices(config: Config, span: Span, *, processes: int, slice_calls: int) -> Generator[tuple[int, Judged]]:
    """The slices in the order of time, each with its end; one alone is judged here, several by several processes."""
    count = max(1, min(MOST_SLICES, span.total // slice_calls, span.end_ms - span.start_ms))
    if count == 1:
        with closing(Judge(config)) as judge:
            yield span.end_ms, judge.slice(span.start_ms, span.end_ms)
        return
    running: deque[tuple[int, Future[bytes]]] = deque()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=present_inherited) as pool:
        try:
            for start_ms, end_ms in itertools.pairwise(bounds(span, count)):
                running.append((end_ms, pool.submit(judge_slice, config, start_ms, end_ms)))
                if len(running) >= processes * _AHEAD:
                    first_ms, first = running.popleft()
                    yield first_ms, _judged.decode(first.result())
            while running:
                first_ms, first = running.popleft()
                yield first_ms, _judged.decode(first.result())
        except BrokenProcessPool:
            raise ProcessLost from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def bounds(span: Span, count: int) -> tuple[int, ...]:
    """Where the slices begin, and the end of the last: about `count` of the same length.

    They begin with whole hours where they are so long: what is kept of an hour is read at once.
    """
    width = -(-(span.end_ms - span.start_ms) // count)
    first = span.start_ms + width
    if width >= HOUR_MS // 2:
        width = max(1, round(width / HOUR_MS)) * HOUR_MS
        first = (span.start_ms // HOUR_MS + 1) * HOUR_MS
    return span.start_ms, *range(first, span.end_ms, width), span.end_ms


async def span_of(audit: "AuditServiceAsyncStub", *, start_ms: int, end_ms: int, tenant: str, most: int) -> Span:
    """The span of the newest `most` calls (0: all) that are kept of a time, or an empty one where none is.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer.
    """
    start, end = Timestamp(), Timestamp()
    start.FromMilliseconds(max(0, start_ms))
    end.FromMilliseconds(end_ms)
    request = planning_pb2.ListInputsRequest(tenant=tenant, start_time=start, end_time=end, max_results=most)
    call = audit.ListInputs(request)
    answer: planning_pb2.ListInputsResponse | None = await anext(aiter(call), None)
    call.cancel()
    if answer is None or not answer.inputs:
        return Span(start_ms, end_ms, 0)
    first = msgspec.json.decode(answer.inputs[0].record, type=_Received)
    return Span(first.received_ms, end_ms, answer.total_size)


class _Received(msgspec.Struct, frozen=True):
    received_ms: int
