"""Reads the log in its order, from a place on, as its contract has it."""

from collections.abc import AsyncIterator
from typing import Final

from gateway.core.errors import invalid
from pilote.audit.v1 import log_pb2
from services.audit.proofs.log import Log, Place

_SPAN: Final = 1_024
"""Places that are read at once, as many as export reads."""
_MESSAGE_BYTES: Final = 1 << 20
"""Of one message, if it holds several entries. A client takes 4 MiB."""


async def read_on(log: Log, request: log_pb2.ReadLogRequest) -> AsyncIterator[log_pb2.ReadLogResponse]:
    """The entries of the log as it is now; what comes while it is read is for the next one who asks.

    Raises:
        CallEnded: ARGUMENT_INVALID for a place that there cannot be.
    """
    if request.start_index < 0:
        raise invalid("start_index", "start_index is the place of an entry: 0 or more.")
    size = await log.size()
    answer, room = log_pb2.ReadLogResponse(tree_size=size), _MESSAGE_BYTES
    for start in range(request.start_index, size, _SPAN):
        for place in await log.places(start, end=min(start + _SPAN, size)):
            entry = _entry(place)
            if (room := room - entry.ByteSize()) < 0 and answer.entries:
                yield answer
                answer, room = log_pb2.ReadLogResponse(), _MESSAGE_BYTES - entry.ByteSize()
            answer.entries.append(entry)
    yield answer


def _entry(place: Place) -> log_pb2.LogEntry:
    parts = () if place.leaf is None else place.leaf.parts
    return log_pb2.LogEntry(index=place.index, kind=place.kind, parts=parts, leaf_hash=place.hash)
