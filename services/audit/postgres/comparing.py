"""Compares what filters look at in PostgreSQL with what the gateway wrote of each decision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.record import Outcome, Record, Settlement
from gateway.records.conclusion import State, concluded, settled
from services.audit.entries import Admitted
from services.audit.postgres.batch import COLUMNS, row_of, rules_of
from services.audit.postgres.lanes import Connection
from services.audit.postgres.texts import line_of

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)

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
    entry = Admitted(_record.decode(row["record"]), _outcome.decode(row["outcome"]), row["record"], row["outcome"])
    before, raw = concluded(entry.record, entry.outcome), row["settlement"]
    after = before if raw is None else settled(before, _settlement.decode(raw))
    wanted: dict[str, Any] = dict(zip(COLUMNS, row_of(entry, after, raw), strict=False))
    if row["state"] == State.IN_DOUBT and wanted["state"] == State.RUNNING:
        wanted["state"] = row["state"]  # marked once its reservation had expired
    if after.reason != before.reason:
        # A settlement that came later has put its words at the end.
        later = f"{dict(zip(COLUMNS, row_of(entry, before, None), strict=False))['words']}{line_of(after.reason)}"
        wanted["words"] = row["words"] if row["words"] == later else wanted["words"]
    yield from (name for name, value in wanted.items() if row[name] != value)
    if set(row["rules"]) != rules_of(entry.record, after):
        yield "rules"
