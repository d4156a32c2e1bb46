"""Compares what filters look at in segments with what the gateway wrote of each decision.

Not the index of words of a SQLite file: it has no texts, only where which word stands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.audit.comparing import unlike, written
from services.audit.filters.searching import indexed, searched
from services.audit.sql.dialects import SQLITE, Dialect, Sql
from services.audit.sqlite.batch import COLUMNS, row_of, rules_of
from services.audit.sqlite.segments.cold import Rows, one_of

_PLACES: Final = frozenset(("leaf", "settled_leaf", "seq"))
"""What is no word of the gateway's: the log says whether the first two are right."""
_NAMES: Final = tuple(name for name in COLUMNS if name not in _PLACES)
_COLUMNS: Final = ", ".join(f"decision.{name}" for name in _NAMES)
_ALL: Final = (*_NAMES, "rules", "words")
# By the rules, of which there are few: the table's key leads with them, and has no order by decision.
_OF_SQLITE: Final = f"""WITH RECURSIVE name (rule) AS (SELECT min(rule) FROM decision_rule UNION ALL
 SELECT (SELECT min(e.rule) FROM decision_rule AS e WHERE e.rule > name.rule) FROM name WHERE name.rule IS NOT NULL),
 had AS MATERIALIZED (SELECT e.decision, json_group_array(e.rule) AS rules FROM name CROSS JOIN decision_rule AS e
 WHERE e.rule = name.rule AND e.decision >= ? AND e.decision <= ? GROUP BY 1)
 SELECT {_COLUMNS}, ifnull(had.rules, '[]'), NULL FROM decision LEFT JOIN had ON had.decision = decision.id
 WHERE decision.id {{one_of}}"""  # noqa: S608
_OF_PARQUET: Final = f"SELECT {_COLUMNS}, to_json(rules), words FROM decision WHERE decision.id {{one_of}}"  # noqa: S608

Each = Callable[[Sequence[str], Callable[[Dialect], Sql]], Rows]
"""Asks the segments of decisions, see `SegmentReader.each`."""


def differing(each: Each, decisions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns that do not say what was written, by the ids of decisions that have any."""
    if not decisions:
        return {}

    def ask(dialect: Dialect) -> Sql:
        if dialect is SQLITE:
            bounds = (min(decisions), max(decisions))
            return Sql(_OF_SQLITE.format(one_of=dialect.one_of), (*bounds, one_of(decisions)))
        return Sql(_OF_PARQUET.format(one_of=dialect.one_of), (one_of(decisions),))

    rows = (dict(zip(_ALL, row, strict=True)) for row in each(decisions, ask))
    return {row["id"]: found for row in rows if (found := tuple(_differing(row)))}


def _differing(row: Mapping[str, Any]) -> Iterable[str]:
    its = written(row)
    yield from unlike(row, dict(zip(COLUMNS, row_of(its.entry, its.after, its.settlement), strict=False)))
    record, outcome = its.entry.record, its.entry.outcome
    if sorted(msgspec.json.decode(row["rules"])) != list(rules_of(record, its.after)):
        yield "rules"
    if row["words"] is not None and row["words"] != indexed(searched(record, outcome, its.after)):
        yield "words"
