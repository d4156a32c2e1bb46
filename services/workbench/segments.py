"""In which segments customers are, as what is known of them says it now: read into memory, and kept nowhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.cells import cell_of
from gateway.redis_clients import Client

_AT_ONCE: Final = 1_000
_READ: Final = msgspec.json.Decoder(Facts)


async def segments_of(redis: Client, tenant: str, people: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The segments of a tenant's customers, by pseudonym; who is in none, or of whom nothing can be read, is left out.

    Raises:
        RedisError: the store does not answer.
    """
    store: Any = redis
    cells = int(await store.hget(keys.CELLS, tenant) or 1)
    by_cell: dict[int, list[str]] = {}
    for each in people:
        by_cell.setdefault(cell_of(cells, each), []).append(each)
    found: dict[str, tuple[str, ...]] = {}
    for number, its in by_cell.items():
        for at in range(0, len(its), _AT_ONCE):
            some = its[at : at + _AT_ONCE]
            kept = await store.mget([keys.facts(keys.cell(tenant, number), each) for each in some])
            found |= {each: segments for each, body in zip(some, kept, strict=True) if (segments := _segments(body))}
    return found


def _segments(body: bytes | None) -> tuple[str, ...]:
    try:
        return () if body is None else _READ.decode(body).segments
    except msgspec.DecodeError:
        return ()
