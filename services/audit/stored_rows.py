"""A decision from the columns that every store keeps of it. Pure."""

from typing import Any, Final

import msgspec

from gateway.core.record import Outcome, Record, Settlement, Verdict
from gateway.core.shadows import ShadowResult
from gateway.records.conclusion import Conclusion, State, state_at
from services.audit.store import Stored

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)


def stored_of(row: tuple[Any, ...], copies: tuple[ShadowResult, ...], *, now_ms: int) -> Stored:
    """What a row says. Its columns: id, those of the conclusion, when it expires, what was written, and its leaves."""
    _, verdict, reason, rule, status, state, settled_ms, expires_ms, record, outcome, settlement, *leaves = row
    return Stored(
        conclusion=Conclusion(
            verdict=Verdict(verdict),
            reason=reason,
            rule=rule,
            status=status,
            state=state_at(State(state), expires_ms=expires_ms, now_ms=now_ms),
            settled_ms=settled_ms,
        ),
        record=_record.decode(record),
        outcome=_outcome.decode(outcome),
        settlement=None if settlement is None else _settlement.decode(settlement),
        copies=copies,
        leaf=leaves[0],
        settled_leaf=leaves[1],
    )
