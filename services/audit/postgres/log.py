"""A `services.audit.proofs.log.Log` in PostgreSQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from services.audit.postgres import checkpoints, log_rows
from services.audit.postgres.lanes import Connection, Lane, locked
from services.audit.proofs.log import Place, Proved, Raw, Say, Signed, Span
from services.proof import leaves
from services.proof.merkle import parted
from services.proof.tiles import Tree, leaf_hashes

_ROWS: Final = "SELECT number, kind, decision FROM leaf WHERE number >= %s AND number < %s"
_DECISIONS: Final = """SELECT decision FROM leaf WHERE number >= %s AND number < %s AND kind = ANY(%s)
 ORDER BY number"""
_TENANT: Final = "coalesce(whole_tenant, convert_to(tenant, 'UTF8'))"
_ONE: Final[Mapping[str, str]] = {
    leaves.ADMIT: "SELECT leaf, record, outcome FROM decision WHERE id = ANY(%s::uuid[])",
    leaves.SETTLE: "SELECT settled_leaf, settlement FROM decision WHERE id = ANY(%s::uuid[])",
    leaves.OUTCOME: f"SELECT leaf, {_TENANT}, raw FROM outcome WHERE decision = ANY(%s::uuid[])",
    leaves.COPY: f"SELECT leaf, {_TENANT}, raw FROM copy WHERE decision = ANY(%s::uuid[])",
}
_RAW: Final = """SELECT id, record, outcome, settlement, leaf, settled_leaf FROM decision
 WHERE id = ANY(%s::uuid[])"""
_NOTED: Final = "SELECT leaf, raw FROM noted WHERE leaf = ANY(%s::bigint[])"


class PostgresLog:
    """The log of one store, read in one lane of it, and written in another one."""

    def __init__(self, lane: Lane, *, writer: Lane) -> None:
        self._lane = lane
        self._writer = writer

    async def size(self) -> int:
        """See `Log.size`."""
        return await self._lane.run(log_rows.size, again=True)

    async def root(self, size: int) -> bytes:
        """See `Log.root`."""
        return await self._lane.run(lambda connection: log_rows.tree(connection, size).root(), again=True)

    async def places(self, start: int, *, end: int) -> tuple[Place, ...]:
        """See `Log.places`."""
        return (await self.span(start, end=end)).places()

    async def span(self, start: int, *, end: int) -> Span:
        """See `Log.span`."""
        return await self._lane.run(lambda connection: _span(connection, start, end), again=True)

    async def decisions(self, start: int, *, end: int) -> tuple[str, ...]:
        """See `Log.decisions`."""

        def read(connection: Connection) -> tuple[str, ...]:
            found = connection.execute(_DECISIONS, (start, end, [leaves.ADMIT, leaves.SETTLE]))
            return tuple(decision.hex for (decision,) in found)

        return await self._lane.run(read, again=True)

    async def hashes(self, start: int, *, end: int) -> Sequence[bytes]:
        """See `Log.hashes`."""
        whole = await self._lane.run(lambda connection: _hashes(connection, start, end), again=True)
        return parted(whole)

    async def raw(self, decisions: Sequence[str]) -> Mapping[str, Raw]:
        """See `Log.raw`."""

        def read(connection: Connection) -> dict[str, Raw]:
            return {decision.hex: Raw(*row) for decision, *row in connection.execute(_RAW, (list(decisions),))}

        return await self._lane.run(read, again=True)

    async def inclusion(self, indexes: Sequence[int], *, size: int) -> tuple[Proved, ...]:
        """See `Log.inclusion`."""

        def prove(connection: Connection) -> tuple[Proved, ...]:
            tree = log_rows.tree(connection, size)
            return tuple(_proved(tree, index) for index in indexes)

        return await self._lane.run(prove, again=True)

    async def sign(self, say: Say, *, now_ms: int) -> Signed:
        """See `Log.sign`."""
        return await self._writer.run(
            lambda connection: locked(connection, lambda: checkpoints.sign(connection, say, now_ms=now_ms))
        )

    async def newest(self, *, cosigned: bool = False) -> Signed | None:
        """See `Log.newest`."""
        return await self._lane.run(lambda connection: checkpoints.newest(connection, cosigned=cosigned), again=True)

    async def checkpoint(self, size: int) -> Signed | None:
        """See `Log.checkpoint`."""
        return await self._lane.run(lambda connection: checkpoints.of(connection, size), again=True)

    async def checkpoints(self) -> tuple[Signed, ...]:
        """See `Log.checkpoints`."""
        return await self._lane.run(checkpoints.every, again=True)

    async def cosign(self, size: int, add: Callable[[str], str]) -> bool:
        """See `Log.cosign`."""
        return await self._writer.run(
            lambda connection: locked(connection, lambda: checkpoints.cosign(connection, size, add))
        )

    async def consistency(self, first: int, *, second: int) -> tuple[bytes, ...]:
        """See `Log.consistency`."""
        return await self._lane.run(lambda connection: log_rows.tree(connection, second).consistency(first), again=True)


def _proved(tree: Tree, index: int) -> Proved:
    return Proved(tree.leaf(index), tree.inclusion(index))


def _span(connection: Connection, start: int, end: int) -> Span:
    count = end - start
    kinds, decisions, parts = [""] * count, [""] * count, list[tuple[bytes, ...]]([()]) * count
    own: dict[str, dict[int, Any]] = {}
    for number, kind, decision in connection.execute(_ROWS, (start, end)):
        kinds[number - start], decisions[number - start] = kind, "" if decision is None else decision.hex
        own.setdefault(kind, {})[number] = decision
    for kind, its in own.items():
        for number, those in _parts(connection, kind, its):
            parts[number - start] = those
    return Span(start, _hashes(connection, start, end), kinds, parts, decisions)


def _parts(connection: Connection, kind: str, own: Mapping[int, Any]) -> Iterable[tuple[int, tuple[bytes, ...]]]:
    """(index, parts) of those leaves of one kind that are kept whole."""
    text, wanted = _ONE.get(kind, _NOTED), list(own.values() if kind in _ONE else own)
    for number, *parts in connection.execute(text.encode(), (wanted,)):
        if number in own and None not in parts:
            yield number, tuple(parts)


def _hashes(connection: Connection, start: int, end: int) -> bytes:
    return leaf_hashes(start, end=end, read=lambda number: log_rows.read(connection, 0, number))
