"""Compares what filters look at in PostgreSQL with what the gateway wrote of each decision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.audit.comparing import unlike, written
from services.audit.postgres.batch import COLUMNS, row_of, rules_of
from services.audit.postgres.lanes import Connection
from services.audit.postgres.texts import line_of

_NAMES: Final = tuple(name for name in COLUMNS if name not in {"leaf", "settled_leaf"})
"""All but what the log says."""
_ALL: Final = (*_NAMES, "rules")
_ROWS: Final = f"""SELECT {", ".join(_NAMES)},
 ARRAY(SELECT rule FROM decision_rule WHERE decision_rule.decision = decision.id)
 FROM decision WHERE id = ANY(%s::uuid[])"""


def differing(connection: Connection, decisions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns that do not say what was written, by the ids of decisions that have any."""
    found = connection.execute(_ROWS.encode(), (list(decisions),))
    rows = (dict(zip(_ALL, (row[0].hex, *row[1:]), strict=True)) for row in found)
    return {row["id"]: names for row in rows if (names := tuple(_differing(row)))}


def _differing(row: Mapping[str, Any]) -> Iterable[str]:
    its = written(row)
    wanted: dict[str, Any] = dict(zip(COLUMNS, row_of(its.entry, its.after, its.settlement), strict=False))
    if its.after.reason != its.before.reason:
        # A settlement that came later has put its words at the end.
        first = dict(zip(COLUMNS, row_of(its.entry, its.before, None), strict=False))
        later = f"{first['words']}{line_of(its.after.reason)}"
        wanted["words"] = row["words"] if row["words"] == later else wanted["words"]
    yield from unlike(row, wanted)
    if set(row["rules"]) != rules_of(its.entry.record, its.after):
        yield "rules"
