"""What a store's columns must say of a decision, by what the gateway wrote of it: the same for every store. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.core.record import Outcome, Record, Settlement
from gateway.records.conclusion import Conclusion, State, concluded, settled
from services.audit.entries import Admitted

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)


class Written(msgspec.Struct, frozen=True):
    """What the gateway wrote of a decision, and what that comes to."""

    entry: Admitted
    settlement: bytes | None
    """As it was written; `None` for none."""
    before: Conclusion
    """When it was admitted or refused."""
    after: Conclusion
    """With the settlement, if there is one."""


def written(row: Mapping[str, Any]) -> Written:
    """Of a row with `record`, `outcome` and `settlement` as they were written."""
    entry = Admitted(_record.decode(row["record"]), _outcome.decode(row["outcome"]), row["record"], row["outcome"])
    before, raw = concluded(entry.record, entry.outcome), row["settlement"]
    return Written(entry, raw, before, before if raw is None else settled(before, _settlement.decode(raw)))


def unlike(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """The columns in which a row is not what is wanted; a call may be marked in doubt since."""
    for name, value in wanted.items():
        marked = name == "state" and row[name] == State.IN_DOUBT and value == State.RUNNING
        if row[name] != value and not marked:
            yield name
