"""What a row of an export says in columns: all of it follows from the bytes that are proved. Pure."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from gateway.core import keys
from gateway.core.record import Outcome, Record, Settlement
from gateway.records.conclusion import concluded, settled, state_at
from services.proof import leaves
from services.proof.leaves import Leaf

Value = str | int | None
Columns = dict[str, Value]

NAMES: Final = (
    *("kind", "id", "tenant", "agent", "method", "operation", "subject_ref", "channel", "category", "purpose", "model"),
    *("model_version", "route", "arm", "upstream", "revision", "verdict", "reason", "rule", "status", "state"),
    *("receive_time", "decide_time", "settle_time", "latency_us", "leaf", "settle_leaf"),
)
NUMBERS: Final = frozenset({"revision", "latency_us", "leaf", "settle_leaf"})
"""Those that hold numbers; all others hold texts."""
DECISION: Final = "decision"
"""Kind of a row about a decision; a row about another entry of the log has the entry's kind."""

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)


def of_decision(
    admission: Leaf, settlement: Leaf | None, *, places: tuple[int | None, int | None], at_ms: int
) -> Columns:
    """The columns of a decision as it stood at a time; `places` are the indexes of both leaves in the log.

    Raises:
        ValueError: these are no such leaves, or not of one decision.
    """
    if admission.kind != leaves.ADMIT or (settlement is not None and settlement.kind != leaves.SETTLE):
        raise ValueError("A decision is an admission, and a settlement where the call has ended.")
    record, outcome = _record.decode(admission.parts[0]), _outcome.decode(admission.parts[1])
    conclusion = concluded(record, outcome)
    end = None if settlement is None else _settlement.decode(settlement.parts[0])
    if end is not None:
        if end.id != record.id:
            raise ValueError("The settlement belongs to another decision.")
        conclusion = settled(conclusion, end)
    state = state_at(conclusion.state, expires_ms=record.expires_ms, now_ms=at_ms)
    return {
        "kind": DECISION,
        "id": record.id,
        "tenant": "" if record.tenant == keys.NOBODY else record.tenant,
        **{name: getattr(record, name) for name in NAMES[3:11]},
        "model_version": record.version,
        **{name: getattr(record, name) for name in ("route", "arm", "upstream", "revision")},
        "verdict": conclusion.verdict.value,
        "reason": conclusion.reason,
        "rule": conclusion.rule,
        "status": conclusion.status,
        "state": state.value,
        "receive_time": time_text(record.received_ms),
        "decide_time": time_text(record.decided_ms),
        "settle_time": None if conclusion.settled_ms is None else time_text(conclusion.settled_ms),
        "latency_us": None if end is None else end.total_us,
        "leaf": places[0],
        "settle_leaf": places[1],
    }


def of_entry(kind: str, place: int | None) -> Columns:
    """The columns of an entry that is no part of a decision."""
    return {**dict.fromkeys(NAMES), "kind": kind, "leaf": place}


def time_text(at_ms: int) -> str:
    """A time as RFC 3339 has it, to milliseconds.

    Raises:
        ValueError: it is outside the years 1970 to 9999.
    """
    seconds, milliseconds = divmod(at_ms, 1_000)
    if at_ms < 0:
        raise ValueError("A time is before 1970.")
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError("A time is after the year 9999.") from error
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
