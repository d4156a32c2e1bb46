"""The server-grade decision store: a database of PostgreSQL, written by one thread of this process, read by others."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from gateway.core.record import CustomerOutcome
from gateway.core.service_objectives import Counts
from services.audit.activity import Activity, Question
from services.audit.arms import Arm, ArmsQuery
from services.audit.counting import Counted
from services.audit.entries import Entry
from services.audit.filters.expression import Expression
from services.audit.filters.fields import Field
from services.audit.finding import Facets, Order, Place, Timeline
from services.audit.inputs import InputsQuery, Kept, Mark
from services.audit.personal import Person
from services.audit.postgres import (
    activity,
    arms,
    batch,
    comparing,
    counts,
    inputs,
    keys,
    notes,
    outcomes,
    partitions,
    retention,
    rows,
    schema,
    shadows,
    staging,
    upstreams,
)
from services.audit.postgres.address import parameters
from services.audit.postgres.conditions import Sql, condition
from services.audit.postgres.finding import Finder
from services.audit.postgres.lanes import Connection, Lane, locked
from services.audit.postgres.log import PostgresLog
from services.audit.postgres.partitions import Partitions
from services.audit.postgres.personal import PostgresPersonal
from services.audit.postgres.views import PostgresViews
from services.audit.shadows import ShadowsQuery, Summary
from services.audit.store import Stored
from services.audit.upstreams import UpstreamsQuery, UpstreamSums

READERS: Final = 2
"""Reading threads. Decoding holds the interpreter's lock, so more of them would only wait for each other."""
HOUR_MS: Final = 3_600_000
PATIENCE: Final = "30s"
"""Longest time that a question of one decision or page may take the server."""

_T = TypeVar("_T")


class PostgresStore:
    """A `services.audit.store.DecisionStore` in the database that `url` names, with a role that may make tables in it.

    Nothing is connected before it is asked something: a server that is away now may be there later. Several processes
    may write to one database; what one stores the other knows. `lock_ms` is how long one waits for another. Without
    `make` it must be there already, for whoever only looks.

    Raises:
        ValueError: the URL is none; the text does not repeat it.
    """

    def __init__(self, url: str, *, lock_ms: int = 2_000, make: bool = True) -> None:
        self._lock_ms = lock_ms
        self._prepare = schema.bring_up_to_date if make else schema.be_there
        where = parameters(url)
        self._partitions = Partitions()
        self._tended_ms = 0
        self._writer = Lane(where, threads=1, name="audit-write", made=self._made_to_write)
        self._readers = Lane(where, threads=READERS, name="audit-read", made=self._made_to_read)
        # Of its own, so that sums over a million calls hold up nobody who looks for a decision.
        self._sums = Lane(where, threads=1, name="audit-sum", made=self._prepare)
        self.log = PostgresLog(self._readers, writer=self._writer)
        """See `DecisionStore.log`."""
        self.personal = PostgresPersonal(self._readers, writer=self._writer)
        """See `DecisionStore.personal`."""
        self.views = PostgresViews(self._readers, writer=self._writer)
        """See `DecisionStore.views`."""

    async def write(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        """See `DecisionStore.write`."""

        def write(connection: Connection) -> tuple[str, ...]:
            self._partitions.prepare(connection, entries)
            return locked(connection, lambda: batch.write(connection, entries))

        return await self._writer.run(write)

    async def mark_in_doubt(self, *, now_ms: int) -> int:
        """See `DecisionStore.mark_in_doubt`."""
        return await self._writer.run(
            lambda connection: locked(connection, lambda: batch.mark_in_doubt(connection, now_ms=now_ms))
        )

    async def get(self, decision: str, *, now_ms: int) -> Stored | None:
        """See `DecisionStore.get`."""
        query = Sql(f"SELECT {rows.COLUMNS} FROM decision WHERE id = %s", (decision,))
        found = await self._read(lambda connection: rows.found(connection, query, now_ms=now_ms))
        return found[0] if found else None

    async def page(self, expression: Expression, *, now_ms: int, before: str, size: int) -> tuple[Stored, ...]:
        """See `DecisionStore.page`."""
        return await self._read(
            lambda connection: rows.pages(connection, expression, now_ms=now_ms, before=before, size=size)
        )

    async def ordered(
        self, expression: Expression, *, now_ms: int, order: Order, after: Place | None, size: int
    ) -> tuple[Stored, ...]:
        """See `DecisionStore.ordered`."""

        def find(connection: Connection) -> tuple[Stored, ...]:
            query = Finder(connection, now_ms=now_ms).ordered(expression, order=order, after=after, size=size)
            return rows.found(connection, query, now_ms=now_ms)

        return await (self._read(find) if order.by_time else self._sum(find))

    async def facets(self, expression: Expression, fields: Sequence[Field], *, now_ms: int) -> Facets:
        """See `DecisionStore.facets`."""
        return await self._sum(lambda connection: Finder(connection, now_ms=now_ms).facets(expression, fields))

    async def span(self, expression: Expression, *, now_ms: int) -> tuple[int, int, int]:
        """See `DecisionStore.span`."""
        return await self._sum(lambda connection: Finder(connection, now_ms=now_ms).span(expression))

    async def timeline(self, expression: Expression, *, now_ms: int, start_ms: int, width_ms: int) -> Timeline:
        """See `DecisionStore.timeline`."""
        return await self._sum(
            lambda connection: Finder(connection, now_ms=now_ms).timeline(
                expression, start_ms=start_ms, width_ms=width_ms
            )
        )

    async def among(self, decisions: Sequence[str], *, expression: Expression, now_ms: int) -> tuple[Stored, ...]:
        """See `DecisionStore.among`."""
        wanted = condition(expression, now_ms=now_ms)
        text = f"SELECT {rows.COLUMNS} FROM decision WHERE id = ANY(%s::uuid[]) AND ({wanted.text}) ORDER BY id"
        query = Sql(text, (list(decisions), *wanted.parameters))
        return await self._read(lambda connection: rows.found(connection, query, now_ms=now_ms))

    async def differing(self, decisions: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """See `DecisionStore.differing`."""
        return await self._sum(lambda connection: comparing.differing(connection, decisions))

    async def misleading(self) -> Sequence[str]:
        """See `DecisionStore.misleading`. Its indexes are the server's own."""
        return ()

    async def misnoted(self) -> Sequence[int]:
        """See `DecisionStore.misnoted`."""
        return await self._sum(notes.wrong)

    async def told_after(self, decisions: Sequence[str]) -> Mapping[str, tuple[CustomerOutcome, ...]]:
        """See `DecisionStore.told_after`."""
        return await self._read(lambda connection: outcomes.of(connection, decisions))

    async def tenants(self) -> tuple[str, ...]:
        """See `DecisionStore.tenants`."""
        found = await self._read(lambda connection: connection.execute("SELECT name FROM tenant").fetchall())
        return tuple(name for (name,) in found)

    async def arms(self, query: ArmsQuery) -> tuple[Arm, ...]:
        """See `DecisionStore.arms`."""
        return await self._sum(lambda connection: arms.summarize(connection, query))

    async def copies(self, query: ShadowsQuery) -> tuple[Summary, ...]:
        """See `DecisionStore.copies`."""
        return await self._sum(lambda connection: shadows.sum_copies(connection, query))

    async def route_counts(
        self, routes: Sequence[str], *, windows_ms: Sequence[int], now_ms: int
    ) -> Mapping[tuple[str, int], Counts]:
        """See `DecisionStore.route_counts`."""
        return await self._sum(
            lambda connection: counts.route_counts(connection, routes, windows_ms=windows_ms, now_ms=now_ms)
        )

    async def counts(self, tenant: str, *, start_ms: int, end_ms: int) -> tuple[Counted, ...]:
        """See `DecisionStore.counts`."""
        return await self._sum(lambda connection: counts.count(connection, tenant, start_ms=start_ms, end_ms=end_ms))

    async def activity(self, question: Question) -> Activity:
        """See `DecisionStore.activity`."""
        return await self._read(lambda connection: activity.of(connection, question))

    async def upstreams(self, question: UpstreamsQuery) -> UpstreamSums:
        """See `DecisionStore.upstreams`."""
        return await self._read(lambda connection: upstreams.of(connection, question))

    async def inputs_begin(self, query: InputsQuery, *, now_ms: int) -> tuple[Mark, int]:
        """See `DecisionStore.inputs_begin`."""
        return await self._read(lambda connection: inputs.begin(connection, query, now_ms=now_ms))

    async def inputs_page(self, query: InputsQuery, *, now_ms: int, at: Mark, size: int) -> tuple[Kept, ...]:
        """See `DecisionStore.inputs_page`."""
        return await self._sum(lambda connection: inputs.page(connection, query, now_ms=now_ms, at=at, size=size))

    async def expire_inputs(self, *, now_ms: int) -> int:
        """See `DecisionStore.expire_inputs`."""

        def expire(connection: Connection) -> int:
            keys.expire(connection, now_ms=now_ms)
            return inputs.expire(connection, now_ms=now_ms)

        return await self._writer.run(lambda connection: locked(connection, lambda: expire(connection)))

    async def forget_inputs(self, subject_refs: Sequence[str]) -> int:
        """See `DecisionStore.forget_inputs`."""
        return await self._writer.run(
            lambda connection: locked(connection, lambda: inputs.forget(connection, subject_refs))
        )

    async def inputs_kept(self, person: Person, *, now_ms: int) -> tuple[int, int]:
        """See `DecisionStore.inputs_kept`."""
        return await self._read(lambda connection: inputs.kept_of(connection, person, now_ms=now_ms))

    async def count(self) -> int:
        """See `DecisionStore.count`."""
        found = await self._sum(lambda connection: connection.execute("SELECT count(*) FROM decision").fetchone())
        return int(found[0]) if found else 0

    async def tend(self, *, now_ms: int) -> None:
        """See `DecisionStore.tend`: once an hour, delete what is kept no longer. The writer goes on in between."""
        await self._writer.run(
            lambda connection: locked(connection, lambda: activity.forget(connection, now_ms=now_ms))
        )
        await self._writer.run(
            lambda connection: locked(connection, lambda: upstreams.forget(connection, now_ms=now_ms))
        )
        if abs(now_ms - self._tended_ms) < HOUR_MS:
            return
        for day in await self._writer.run(partitions.days):
            await self._writer.run(functools.partial(self._drop, day, now_ms))
        while await self._writer.run(
            lambda connection: locked(connection, lambda: retention.delete(connection, now_ms=now_ms))
        ):
            pass
        await self._writer.run(
            lambda connection: locked(connection, lambda: retention.forget_unclaimed(connection, now_ms=now_ms))
        )
        self._tended_ms = now_ms

    shared: Final = True
    """See `DecisionStore.shared`."""
    unreadable: Final = ()
    """The server answers with everything or not at all."""

    async def close(self) -> None:
        """See `DecisionStore.close`."""
        for lane in (self._readers, self._sums, self._writer):
            await lane.close()

    def _drop(self, day: int, now_ms: int, connection: Connection) -> None:
        if retention.drop(connection, day, now_ms=now_ms):
            self._partitions.forget(day)

    async def _read(self, work: Callable[[Connection], _T]) -> _T:
        return await self._readers.run(work, again=True)

    async def _sum(self, work: Callable[[Connection], _T]) -> _T:
        return await self._sums.run(work, again=True)

    def _made_to_write(self, connection: Connection) -> None:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (str(self._lock_ms),))
        # An entry is acknowledged and then trimmed from its stream once it is stored here.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        self._prepare(connection)
        staging.lay_out(connection)

    def _made_to_read(self, connection: Connection) -> None:
        self._prepare(connection)
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (PATIENCE,))
        connection.execute("SET default_transaction_read_only = on")
