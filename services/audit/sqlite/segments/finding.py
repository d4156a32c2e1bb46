"""Orders, facets and timelines over segments: asked of each, and put together."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.expression import Expression
from services.audit.filters.fields import Field
from services.audit.finding import Facets, Order, Place, Timeline, added, joined_up
from services.audit.sql import finding
from services.audit.sql.dialects import Dialect, Sql
from services.audit.sqlite.segments.cold import Rows
from services.audit.sqlite.segments.reading import SegmentReader


class Finder:
    """Looks for many decisions at once. `skew_ms` is as in `services.audit.sql.page`."""

    def __init__(
        self, segments: SegmentReader, *, now_ms: int, skew_ms: int, wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """`wanted` says whether anybody still waits for the answer: it is asked before each segment."""
        self._segments = segments
        self._wanted = wanted
        self._now_ms = now_ms
        self._skew_ms = skew_ms

    def ordered(self, expression: Expression, *, order: Order, after: Place | None, size: int) -> Rows:
        """Rows, with `sql.COLUMNS`, of the next `size` decisions in an order."""
        ask = partial(
            finding.ordered,
            order=order,
            after=after,
            size=size,
            now_ms=self._now_ms,
            skew_ms=self._skew_ms,
        )
        found: Rows = []
        # The key is the last column, the id the first.
        parts = self._until_given_up(
            self._segments.asked(expression, partial(_asking, ask), skew_ms=self._skew_ms, newest=order.descending)
        )
        for rows in parts:
            found = sorted([*found, *rows], key=lambda row: (row[-1], row[0]), reverse=order.descending)[:size]
            if order.by_time and len(found) == size:
                break
        return [row[:-1] for row in found]

    def facets(self, expression: Expression, fields: Sequence[Field]) -> Facets:
        """How many decisions match, and how many of them have each value of the fields."""
        counts = {field.name: self._counts(expression, field) for field in fields}
        return Facets(self.span(expression)[0], counts)

    def span(self, expression: Expression) -> tuple[int, int, int]:
        """How many decisions match, and when the first and the last were received; 0 where there are none."""
        ask = partial(finding.total, now_ms=self._now_ms, skew_ms=self._skew_ms)
        rows = [row for rows in self._asked(expression, ask) for row in rows if row[0]]
        total = sum(count for count, _, __ in rows)
        return total, min((first for _, first, __ in rows), default=0), max((last for _, __, last in rows), default=0)

    def timeline(self, expression: Expression, *, start_ms: int, width_ms: int) -> Timeline:
        """How many decisions that match were received in each bucket; none may match before the start."""
        ask = partial(
            finding.timeline,
            start_ms=start_ms,
            width_ms=width_ms,
            now_ms=self._now_ms,
            skew_ms=self._skew_ms,
        )
        parts = self._asked(expression, ask)
        return joined_up(
            start_ms, width_ms, ({(number, verdict): count for number, verdict, count in rows} for rows in parts)
        )

    def _counts(self, expression: Expression, field: Field) -> dict[str | int, int]:
        ask = partial(finding.facet, field=field, now_ms=self._now_ms, skew_ms=self._skew_ms)
        parts = self._asked(expression, ask)
        return dict(added(Facets(0, {field.name: dict(rows)}) for rows in parts).counts.get(field.name, {}))

    def _asked(self, expression: Expression, ask: Callable[..., Sql]) -> Iterator[Rows]:
        return self._until_given_up(self._segments.summed(expression, partial(_asking, ask), skew_ms=self._skew_ms))

    def _until_given_up(self, parts: Iterator[Rows]) -> Iterator[Rows]:
        while self._wanted():
            rows = next(parts, None)
            if rows is None:
                return
            yield rows
        raise CallEnded(Reason.CANCELLED, "Nobody waits for the answer any more.")


def _asking(ask: Callable[..., Sql], narrowed: Expression, dialect: Dialect) -> Sql:
    return ask(narrowed, dialect=dialect)
