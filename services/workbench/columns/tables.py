"""Which columns there are.

Each table has a row for every entry of the log of its kind, `spent` one for each budget that an entry names. Nothing is
ever changed: how a decision ended, and what the customer did, stand in tables of their own.
"""

from collections.abc import Container, Mapping
from typing import Any, Final

import duckdb
import msgspec
from numpy.typing import NDArray

NUMBER: Final = "BIGINT"
ID: Final = "UUID"
WORD: Final = "VARCHAR"
TRUTH: Final = "BOOLEAN"


class Table(msgspec.Struct, frozen=True):
    """A table of columns, each with its kind."""

    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def places(self) -> Mapping[str, int]:
        """Where each column is in a row."""
        return {name: place for place, (name, _) in enumerate(self.columns)}

    @property
    def creation(self) -> str:
        """The statement that makes it, where it is not there."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({columns})"

    def insertion(self, same: Container[str] = ()) -> str:
        """The statement that adds the rows of `batch`; of an id "" stands for none.

        Columns in which all rows are the `same` are parameters by their names.
        """
        given = ((f"${name}" if name in same else name, kind) for name, kind in self.columns)
        columns = ", ".join(f"CAST(nullif({each}, '') AS UUID)" if kind == ID else each for each, kind in given)
        return f"INSERT INTO {self.name} SELECT {columns} FROM batch"  # noqa: S608 - our own names

    @property
    def clearing(self) -> str:
        """The statement that deletes what belongs to decisions whose records are kept until before a time."""
        return f"DELETE FROM {self.name} WHERE id IN (SELECT id FROM admitted WHERE until_ms < ?)"  # noqa: S608


def insert(
    engine: duckdb.DuckDBPyConnection,
    statement: str,
    batch: Mapping[str, NDArray[Any]],
    parameters: Mapping[str, object] | None = None,
) -> None:
    """Run a statement that takes its rows from the table `batch`, which is there for it only."""
    engine.register("batch", dict(batch))
    try:
        engine.execute(statement, dict(parameters or {}))
    finally:
        engine.unregister("batch")


ADMITTED: Final = Table(
    "admitted",
    (
        ("leaf", NUMBER),  # index in the log
        ("id", ID),
        ("at_ms", NUMBER),  # when the call was received
        ("until_ms", NUMBER),  # how long its record is kept
        ("tenant", WORD),
        ("agent", WORD),
        ("agent_version", WORD),
        ("led_by", WORD),  # the version whose inference led to it, as "model/version"; else the agent's own
        ("method", WORD),
        ("operation", WORD),
        ("subject", ID),  # the customer's pseudonym
        ("channel", WORD),
        ("category", WORD),
        ("campaign", WORD),
        ("objective", WORD),  # the one that it served, or was to serve
        ("model", WORD),
        ("version", WORD),
        ("route", WORD),
        ("arm", WORD),
        ("revision", NUMBER),
        ("verdict", WORD),
        ("reason", WORD),
        ("rule", WORD),  # the rule, limit or cap that decided
        ("rules", WORD),  # all that applied, parted by blanks
        ("watched", WORD),  # those of them that only watch
        ("cap", WORD),  # the cap of the customer with the least room
        ("cap_used", NUMBER),
        ("cap_capacity", NUMBER),
        ("held_out", TRUTH),
        ("weighed", TRUTH),  # the customer was looked for in a holdout
        ("repeats", TRUTH),  # it got the answer of an earlier call
        ("standby", TRUTH),  # no call of its own: another arm of one
        ("inference", ID),
        ("parent", ID),
        ("request_bytes", NUMBER),
        ("refused_us", NUMBER),  # the whole time of a call that did not go through
        ("summed", TRUTH),  # what it was decided by is part of sums, see `sums`
    ),
)
SETTLED: Final = Table(
    "settled",
    (
        ("leaf", NUMBER),
        ("id", ID),
        ("at_ms", NUMBER),
        ("status", WORD),
        ("reason", WORD),
        ("in_doubt", TRUTH),
        ("gave_back", TRUTH),
        ("total_us", NUMBER),
        ("upstream_us", NUMBER),
        ("response_bytes", NUMBER),
        ("arm", WORD),  # where another one answered; likewise the next
        ("version", WORD),
    ),
)
FOLLOWED: Final = Table(
    "followed",
    (
        ("leaf", NUMBER),
        ("id", ID),  # of the decision
        ("tenant", WORD),
        ("at_ms", NUMBER),
        ("reported_ms", NUMBER),
        ("type", WORD),
        ("question", WORD),
        ("answer", WORD),
        ("revenue_cents", NUMBER),
        ("currency", WORD),
    ),
)
SPENT: Final = Table(
    "spent",
    (
        ("leaf", NUMBER),
        ("id", ID),
        ("name", WORD),  # of the budget
        ("amount", NUMBER),  # what the call really cost, such as tokens
    ),
)
COPIED: Final = Table(
    "copied",
    (
        ("leaf", NUMBER),
        ("id", ID),  # of the call that was copied
        ("tenant", WORD),
        ("at_ms", NUMBER),
        ("route", WORD),
        ("arm", WORD),
        ("version", WORD),
        ("ended", WORD),
        ("verdict", WORD),
    ),
)
TABLES: Final = (SETTLED, SPENT, FOLLOWED, COPIED, ADMITTED)
"""In the order in which what is old is deleted: decisions last, which say what is."""
