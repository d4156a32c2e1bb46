"""Counts by time: which buckets there are, and what is answered. Pure."""

from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.core.record import Verdict
from gateway.rpc.times import duration, timestamp
from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.entries import LARGEST
from services.audit.filters.expression import All, Comparison, Expression
from services.audit.filters.fields import FIELDS
from services.audit.finding import Timeline

MOST_BUCKETS: Final = 2_000
CHOSEN_BUCKETS: Final = 60
"""Most buckets where their width is ours to choose: what fits on a screen."""
DAY_MS: Final = 86_400_000
WEEK_MS: Final = 7 * DAY_MS
_MONDAY_MS: Final = 4 * DAY_MS
"""The first Monday since 1970."""
_SECONDS: Final = (1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800)


class Span(msgspec.Struct, frozen=True):
    """From when on until when, and in buckets of which width; `None` where that is not asked for."""

    start_ms: int | None
    end_ms: int | None
    width_ms: int | None


class Buckets(msgspec.Struct, frozen=True):
    """Buckets one after the other."""

    start_ms: int
    width_ms: int
    count: int

    def within(self, expression: Expression) -> Expression:
        """The filter, of what was received within the buckets only."""
        received, end_ms = FIELDS["receive_time"], self.start_ms + self.count * self.width_ms
        parts = expression.parts if isinstance(expression, All) else (expression,)
        start, end = (
            Comparison(received, ">=", self.start_ms * 1_000),
            Comparison(received, "<", end_ms * 1_000),
        )
        return All((*parts, start, end))


def asked(request: summaries_pb2.ChartDecisionsRequest, expression: Expression) -> Span:
    """What is asked for; times that are not named are those of the filter.

    Raises:
        CallEnded: ARGUMENT_INVALID for times that are none, or a width that is no whole number of seconds.
    """
    start_ms, end_ms = _bounds(expression)
    if request.HasField("start_time"):
        start_ms = _time("start_time", request.start_time.ToMilliseconds())
    if request.HasField("end_time"):
        end_ms = _time("end_time", request.end_time.ToMilliseconds())
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        raise invalid("end_time", "end_time must be after start_time.")
    width_ms = None
    if request.HasField("bucket_width"):
        width_ms = request.bucket_width.ToMilliseconds()
        if width_ms < 1_000 or width_ms % 1_000 or request.bucket_width.nanos:
            raise invalid("bucket_width", "bucket_width must be whole seconds, at least 1.")
    return Span(start_ms, end_ms, width_ms)


def buckets(start_ms: int, end_ms: int, *, width_ms: int | None) -> Buckets:
    """The buckets from before `start_ms` until after `end_ms`.

    Raises:
        CallEnded: ARGUMENT_INVALID when there were too many of that width.
    """
    if width_ms is None:
        return next(made for width in _widths() if (made := _made(start_ms, end_ms, width)).count <= CHOSEN_BUCKETS)
    made = _made(start_ms, end_ms, width_ms)
    if made.count > MOST_BUCKETS:
        least = -(-(end_ms - start_ms) // ((MOST_BUCKETS - 1) * 1_000))
        text = f"There would be {made.count} buckets, more than {MOST_BUCKETS}: make them {least} s or longer."
        raise invalid("bucket_width", text)
    return made


def answered(made: Buckets, found: Timeline) -> summaries_pb2.ChartDecisionsResponse:
    """The answer of the contract: gaps are filled with empty buckets."""
    response = summaries_pb2.ChartDecisionsResponse(
        bucket_width=duration(made.width_ms * 1_000), total_count=sum(found.counts.values())
    )
    by_bucket: dict[int, dict[str, int]] = {}
    for (number, verdict), count in found.counts.items():
        by_bucket.setdefault(number, {})[verdict] = count
    for number in range(made.count):
        counts = by_bucket.get(number, {})
        response.buckets.append(
            summaries_pb2.ChartBucket(
                start_time=timestamp(made.start_ms + number * made.width_ms),
                count=sum(counts.values()),
                verdicts=[
                    summaries_pb2.VerdictCount(
                        verdict=decision_pb2.Verdict.Value(f"VERDICT_{verdict}"), count=counts[verdict]
                    )
                    for verdict in Verdict
                    if verdict in counts
                ],
            )
        )
    return response


def _bounds(expression: Expression) -> tuple[int | None, int | None]:
    """From when on and until when matches can have been received, as far as the filter says so."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    start_ms: int | None = None
    end_ms: int | None = None
    for part in parts:
        if isinstance(part, Comparison) and part.field.name == "receive_time" and isinstance(part.value, int):
            at_ms = part.value // 1_000
            if part.comparator in {">", ">=", "="}:
                start_ms = max(at_ms, start_ms or 0)
            if part.comparator in {"<", "<=", "="}:
                last_ms = -(-part.value // 1_000) if part.comparator == "<" else at_ms + 1
                end_ms = last_ms if end_ms is None else min(last_ms, end_ms)
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        end_ms = start_ms + 1  # nothing can match, and one bucket says so
    return start_ms, end_ms


def _widths() -> "list[int]":
    most = _SECONDS[-1] * 1_000
    # Beyond weeks as many of them as are needed: ten thousand years have half a million.
    return [*(seconds * 1_000 for seconds in _SECONDS), *(most * 2**power for power in range(1, 20))]


def _made(start_ms: int, end_ms: int, width_ms: int) -> Buckets:
    offset_ms = _MONDAY_MS if width_ms % WEEK_MS == 0 else 0
    first = (start_ms - offset_ms) // width_ms
    last = -(-(end_ms - offset_ms) // width_ms)
    return Buckets(first * width_ms + offset_ms, width_ms, last - first)


def _time(field: str, at_ms: int) -> int:
    if not 0 <= at_ms <= LARGEST:
        raise invalid(field, f"{field} must be a time from 1970 to 9999.")
    return at_ms
