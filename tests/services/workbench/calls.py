"""Calls as they stand in the log, many at once: drawn from seeds, always the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from gateway.core.record import Outcome, Record, Settlement, Verdict, decision_id
from services.audit.entries import Admitted, Entry, Settled
from services.proof.leaves import ADMIT, SETTLE, Leaf

HOUR_MS = 3_600_000
START_HOUR = 498_720
"""A Monday at midnight."""
START_MS = START_HOUR * HOUR_MS
Read = tuple[str, tuple[bytes, ...], bytes]
_encode = msgspec.json.encode
_GRANTED = _encode(Outcome(granted=True))


def calls(
    hours: Iterable[int],
    *,
    seed: int,
    each: int = 20,
    start_ms: int = START_MS,
    record: Callable[[np.random.Generator], Mapping[str, Any]] = lambda _draw: {},
    settlement: Callable[[np.random.Generator], Mapping[str, Any]] = lambda _draw: {},
) -> Iterator[Read]:
    """Entries of `each` calls in each hour from the start; `record` and `settlement` say what is so in them."""
    draw = np.random.default_rng(seed)
    for hour in hours:
        for number in range(each):
            at_ms = start_ms + hour * HOUR_MS + number * (HOUR_MS // each)
            wanted: dict[str, Any] = {
                "id": decision_id(now_ms=at_ms, random=draw.bytes(10)),
                "received_ms": at_ms,
                "decided_ms": at_ms + 1,
                "verdict": Verdict.ALLOW,
                "tenant": "acme",
                "agent": "sales-bot",
                "version": "score@1",
                "method": "/pilote.crm.v1.MessageService/SendMessage",
                "operation": "CONTACT",
                "channel": "email",
                "expires_ms": at_ms + 30_000,
            } | dict(record(draw))
            made = Record(**wanted)
            yield _entry(ADMIT, _encode(made), _GRANTED)
            if made.verdict is Verdict.ALLOW:
                took = int(draw.lognormal(10, 0.5))
                ended: dict[str, Any] = {
                    "id": made.id,
                    "settled_ms": at_ms + 9,
                    "status": "OK",
                    "total_us": took,
                    "upstream_us": took,
                }
                yield _entry(SETTLE, _encode(Settlement(**(ended | dict(settlement(draw))))))


def _entry(kind: str, *parts: bytes) -> Read:
    return kind, parts, Leaf(kind, parts).hash


def as_stored(read: Iterator[Read]) -> list[Entry]:
    """The same, as a writer of the log takes them."""
    found: list[Entry] = []
    for kind, parts, _ in read:
        if kind == SETTLE:
            found.append(Settled(msgspec.json.decode(parts[0], type=Settlement), parts[0]))
        else:
            record, outcome = msgspec.json.decode(parts[0], type=Record), msgspec.json.decode(parts[1], type=Outcome)
            found.append(Admitted(record, outcome, parts[0], parts[1]))
    return found
