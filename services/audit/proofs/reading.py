"""Reads the log in its order, from a place on, as its contract has it."""

from collections.abc import AsyncIterator
from typing import Final

from gateway.core.errors import invalid
from pilote.audit.v1 import log_pb2
from services.audit.proofs.log import Log

_SPAN: Final = 8_192
"""Places that are read at once: some hours of a thousand calls each, whose files are then read once and not for each
thousand places."""
_MESSAGE_BYTES: Final = 1 << 20
"""Of one message, about, if it holds several entries. A client takes 4 MiB."""
_BESIDE_BYTES: Final = 80
"""Of an entry beside its parts: index, kind, hash, and how long everything is."""


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
            parts = () if place.leaf is None else place.leaf.parts
            size_of = sum(map(len, parts)) + _BESIDE_BYTES
            if (room := room - size_of) < 0 and answer.entries:
                yield answer
                answer, room = log_pb2.ReadLogResponse(), _MESSAGE_BYTES - size_of
            # Made in its place: what is appended is copied.
            answer.entries.add(index=place.index, kind=place.kind, parts=parts, leaf_hash=place.hash)
    yield answer
