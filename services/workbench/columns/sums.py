"""Sums of what calls were decided by: a histogram of each measure and hour, which names nobody.

Of a customer each agent, version and method counts once a day, by the first call: how they are is no news an hour
later, and what many calls about the same people say is less than their number. What a histogram holds is sealed where
it rests.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import numpy as np

from services.insights.drift.histograms import Grid, Histogram, by_hour
from services.workbench.columns.measured import Values, measured, segments_of
from services.workbench.columns.rows import Row
from services.workbench.columns.tables import ADMITTED

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

Entry = tuple[str, Sequence[bytes], bytes]
"""Kind, parts and hash of an entry of the log."""
GRID: Final = Grid(step=0.02, logarithmic=True)
"""Numbers that differ by 2 % are told apart."""
VERDICT: Final = "verdict"
LATENCY: Final = "latency"
"""Of calls that have ended, by segment: see `latencies`."""
KEPT_HOURS: Final = 24 * 18
"""How long sums are kept: the seventeen days that drift is looked for in, and one more."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_AT: Final = ADMITTED.places
_ID, _SUMMED = _AT["id"], _AT["summed"]
_SERIES: Final = ("tenant", "agent", "model", "version", "method")
_PERSON: Final = itemgetter(*(_AT[name] for name in (*_SERIES, "subject", "at_ms")))
_OWN: Final = itemgetter(*(_AT[name] for name in ("operation", "standby", "repeats", "tenant")))
_CALL: Final = itemgetter(*(_AT[name] for name in (*_SERIES, "at_ms", "verdict", "reason")))


class Summing(Protocol):
    """Opens what calls were decided by, and seals the sums of it where they come to rest."""

    async def opened(
        self, entries: Sequence[Entry], audit: "AuditServiceAsyncStub", *, since_ms: int
    ) -> Mapping[str, Values]:
        """What may be measured of calls since a time, by the id of the decision; nothing of whom was erased.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer.
        """

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        """`clear`, sealed; it opens only where the same `bound_to` is given."""

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """What was sealed; `None` where its key is not there, or it is not what was sealed for `bound_to`."""


class Group(msgspec.Struct, frozen=True, order=True):
    """What one histogram is of."""

    tenant: str
    agent: str
    version: str
    method: str
    segment: str
    """Empty: of all customers."""
    measure: str
    field: str
    numbers: bool
    at_hour: int
    """Since the epoch."""

    @property
    def bound_to(self) -> bytes:
        """What its seal is bound to."""
        return b"sums\x00" + msgspec.json.encode(self)


def named(model: str, version: str) -> str:
    """What is called a version wherever versions are compared: "lead-score/2" of a model that was asked, else "2"."""
    return f"{model}/{version}" if model and version else version


Person = tuple[str, str, str, str, str, int]
"""Tenant, agent, version, method, pseudonym and day."""


def person_of(row: Row) -> Person | None:
    """Who counts once, of a row of decisions; `None` where it is about no single customer."""
    tenant, agent, model, version, method, subject, at_ms = _PERSON(row)
    return (tenant, agent, named(model, version), method, subject, at_ms // DAY_MS) if subject else None


def summed(
    rows: Iterable[Row], values: Mapping[str, Values], *, known: Iterable[Person]
) -> tuple[list[Row], dict[Group, Histogram]]:
    """Rows of decisions, with whether each counts, and the sums of those that do.

    `values` has what calls were decided by, by the id of the decision; `known` who counts already.
    """
    counted, found, marked = set(known), _Gathered(), []
    for row in rows:
        its = values.get(str(row[_ID]))
        if its is None or not is_call(row):
            marked.append(row)
            continue
        person = person_of(row)
        first = person is None or person not in counted
        if person is not None:
            counted.add(person)
        found.add(row, its, first=first)
        marked.append((*row[:_SUMMED], first, *row[_SUMMED + 1 :]))
    return marked, found.histograms()


def packed(keys: Sequence[Any], counts: Sequence[float]) -> bytes:
    """A histogram as bytes, to be sealed."""
    return msgspec.msgpack.encode((keys, counts))


def unpacked(clear: bytes, *, numbers: bool) -> Histogram:
    """It again."""
    keys, counts = msgspec.msgpack.decode(clear, type=tuple[list[Any], list[float]])
    kind = np.int64 if numbers else np.str_
    return Histogram(GRID if numbers else None, np.array(keys, dtype=kind), np.array(counts, dtype=np.float64))


class _Gathered:
    """Values by what their histograms will be of: agent and hour first, since many values have those in common."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], dict[tuple[str, str, str, bool], list[Any]]] = {}

    def add(self, row: Row, values: Values, *, first: bool) -> None:
        tenant, agent, model, version, method, at_ms, verdict, reason = _CALL(row)
        its = self._found.setdefault((tenant, agent, named(model, version), method, at_ms // HOUR_MS), {})
        segments = segments_of(values)
        for segment in segments:  # every call of it: who was refused was so at a later one, as often as not
            its.setdefault((segment, VERDICT, "", False), []).append(f"{verdict} {reason}".rstrip())
        if first:
            for each in measured(values):
                for segment in ("", *segments):
                    its.setdefault((segment, each.measure, each.field, each.numbers), []).append(each.value)

    def histograms(self) -> dict[Group, Histogram]:
        """All of them: those of numbers in one go, and those of names, since thousands are of a few values each."""
        found: dict[Group, Histogram] = {}
        for numbers, grid in ((True, GRID), (False, None)):
            groups, values, sizes = self._of(numbers=numbers)
            if groups:
                places = np.repeat(np.arange(len(groups)), sizes)
                parts = by_hour(np.array(values, dtype=np.float64 if numbers else np.str_), places, grid=grid)
                found |= {groups[place]: histogram for place, histogram in parts.items()}
        return found

    def _of(self, *, numbers: bool) -> tuple[list[Group], list[Any], list[int]]:
        """Whose values are numbers, or are not; their values one after the other, and how many each has."""
        groups, values, sizes = list[Group](), list[Any](), list[int]()
        for (tenant, agent, version, method, at_hour), its in self._found.items():
            for (segment, measure, field, are), some in its.items():
                if are == numbers:
                    groups.append(Group(tenant, agent, version, method, segment, measure, field, are, at_hour))
                    values += some
                    sizes.append(len(some))
        return groups, values, sizes


def is_call(row: Row) -> bool:
    """Whether it is a call of its own, of a tenant that is known; see `looks.series`."""
    operation, standby, repeats, tenant = _OWN(row)
    return bool(operation) and not standby and not repeats and tenant not in ("", "_")
