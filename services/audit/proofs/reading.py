"""Reads the log in its order, from a place on, as its contract has it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain, pairwise
from typing import Final

from gateway.core.errors import invalid
from pilote.audit.v1 import log_pb2
from services.audit.proofs.log import Log, Span
from services.proof.merkle import HASH_BYTES

_SPAN: Final = 16_384
"""Places that are read at once: several hours of a thousand calls each, whose files are then read once and not for each
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
    told = log_pb2.ReadLogResponse(tree_size=size)
    async for span in _spans(log, request.start_index, end=size):
        for first, end in _cut(span):
            if request.packed:
                _pack(span, first, end, into=told.span)
            else:
                for at in range(first, end):
                    told.entries.add(
                        index=span.start + at, kind=span.kinds[at], parts=span.parts[at], leaf_hash=_hashes(span, at)
                    )
            yield told
            told = log_pb2.ReadLogResponse()
    if told.tree_size == size:  # nothing was there to be told with it
        yield told


async def _spans(log: Log, start: int, *, end: int) -> AsyncIterator[Span]:
    """All places, in parts; while one is told the next one is read."""
    begun: asyncio.Task[Span] | None = None
    try:
        for at in range(start, end, _SPAN):
            span = await (begun or _begun(log, at, end=end))
            begun = _begun(log, at + _SPAN, end=end) if at + _SPAN < end else None
            yield span
    finally:
        if begun is not None:
            begun.cancel()


def _begun(log: Log, start: int, *, end: int) -> asyncio.Task[Span]:
    return asyncio.create_task(log.span(start, end=min(start + _SPAN, end)))


def _cut(span: Span, first: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Which entries of it are sent together: from, and up to. Most are about as large as their neighbours."""
    end = len(span.parts) if end is None else end
    count = end - first
    size = sum(map(len, chain.from_iterable(span.parts[first:end]))) + count * _BESIDE_BYTES
    messages = min(count, -(-size // _MESSAGE_BYTES))
    if messages <= 1:
        yield first, end
        return
    bounds = [first + count * at // messages for at in range(messages + 1)]
    for each in pairwise(bounds):
        yield from _cut(span, *each)


def _pack(span: Span, first: int, end: int, *, into: log_pb2.LogSpan) -> None:
    """In its place: what is put into a message is copied."""
    kinds, parts = span.kinds[first:end], span.parts[first:end]
    places = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
    into.start_index = span.start + first
    into.kinds.extend(places)
    into.kind_places = bytes(map(places.__getitem__, kinds))
    into.part_counts = bytes(map(len, parts))
    into.parts.extend(chain.from_iterable(parts))
    into.leaf_hashes = _hashes(span, first, end)


def _hashes(span: Span, first: int, end: int = 0) -> bytes:
    """Those of the entries from one on, up to and without another: of one without it."""
    return span.hashes[first * HASH_BYTES : (end or first + 1) * HASH_BYTES]
