"""Writes a simulated quarter into a store of decisions, as gateways and the writer of the log write calls."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from gateway.adapters.sealing import Sealer
from gateway.core.inputs import bound_to, packed, sampled
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.record import CustomerOutcome, SealedInputs
from gateway.core.revision.compiled import Revision
from services.audit.entries import Admitted, Entry, Recorded, Reported, Settled
from services.audit.store import DecisionStore
from services.simulation.deciding import Decided
from services.simulation.plan import TENANT

BATCH: Final = 2_000
"""Entries that are written at once."""
_encode: Final = msgspec.json.Encoder().encode


async def fill(
    store: DecisionStore,
    events: Iterable[Decided | CustomerOutcome],
    *,
    revision: Revision,
    sealer: Sealer,
    progress: Callable[[int], None],
) -> int:
    """Write all of it; returns how many decisions there were. `progress` is told how many there are by now.

    What calls were decided by is kept of as many as the policy says, so that they can be decided once more.

    Raises:
        CallEnded: STORE_UNAVAILABLE where it cannot be written.
    """
    batch: list[Entry] = []
    decisions = 0
    for event in events:
        if isinstance(event, Decided):
            decisions += 1
            batch += _entries(event, revision, sealer)
        else:
            batch.append(Reported(event, TENANT, _encode(event)))
        if len(batch) >= BATCH:
            await store.write(batch)
            progress(decisions)
            batch = []
    await store.write(batch)
    progress(decisions)
    return decisions


def _entries(made: Decided, revision: Revision, sealer: Sealer) -> Iterator[Entry]:
    record, outcome, inputs = made.record, made.outcome, made.inputs
    yield Admitted(record, outcome, _encode(record), _encode(outcome))
    if revision.replay_share and sampled(record.id, revision.replay_share):
        expires_ms = record.received_ms + duration_ms(revision.document.replay.keep)
        said = SealedInputs(record.id, record.received_ms, expires_ms, record.subject_ref)
        yield Recorded(said, TENANT, sealer.seal(packed(inputs), bound_to=bound_to(TENANT, record.id)))
    if made.settlement is not None:
        yield Settled(made.settlement, _encode(made.settlement))
