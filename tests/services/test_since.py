"""Since when something has been so, over many revisions."""

from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.revisions import Published, RevisionStore
from gateway.redis_clients import Client
from services.since import since_each, since_when

NAMES = "abc"


def has(name: str) -> Callable[[Published], bool]:
    return lambda published: name in msgspec.json.decode(published.document)


def longest_tail(documents: list[frozenset[str]], name: str) -> int:
    """The place, from 1, where the unbroken run of documents with it begins that ends with the last; 0 for none."""
    begins = 0
    for place in range(len(documents), 0, -1):
        if name not in documents[place - 1]:
            break
        begins = place
    return begins


@given(documents=st.lists(st.frozensets(st.sampled_from(NAMES)), min_size=1, max_size=8))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_is_so_since_it_was_so_without_a_break(redis: Client, documents: list[frozenset[str]]) -> None:
    await redis.flushall()
    store = RevisionStore(redis)
    for created_ms, names in enumerate(documents, start=1):
        document = msgspec.Raw(msgspec.json.encode(sorted(names)))
        await store.publish(Published(sha256="0" * 64, author="ada", created_ms=created_ms, document=document))
    number = len(documents)
    activated = [entry.activated_ms if (entry := await store.entry(each)) else 0 for each in range(1, number + 1)]
    wanted = {name: longest_tail(documents, name) for name in NAMES}
    expected = {name: (activated[place - 1] or place) if place else 0 for name, place in wanted.items()}
    assert await since_each(store, number, {name: has(name) for name in NAMES}) == expected
    assert {name: await since_when(store, number, same=has(name)) for name in NAMES} == expected
