"""What customers did after contacts, as it is read in PostgreSQL."""

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.core.record import CustomerOutcome
from services.audit.postgres.lanes import Connection

_TOLD: Final = (
    "type",
    "occurred_ms",
    "reported_ms",
    "reporter",
    "revenue_cents",
    "currency",
    "event",
    "question",
    "answer",
)
_OF: Final = f"""SELECT decision, {", ".join(_TOLD)} FROM outcome WHERE decision = ANY(%s::uuid[])
 ORDER BY occurred_ms, reported_ms, type, event"""


def of(connection: Connection, decisions: Iterable[str]) -> Mapping[str, tuple[CustomerOutcome, ...]]:
    """What customers did after these decisions, oldest first; those after which nobody did anything are left out."""
    found: dict[str, list[CustomerOutcome]] = {}
    for decision, *values in connection.execute(_OF.encode(), (list(decisions),)):
        told = CustomerOutcome(decision=decision.hex, **dict(zip(_TOLD, values, strict=True)))
        found.setdefault(decision.hex, []).append(told)
    return {decision: tuple(told) for decision, told in found.items()}
