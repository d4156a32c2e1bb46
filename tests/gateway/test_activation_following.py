"""Processes that decide about no call go by the active revision from their first answer on."""

import pytest

from gateway.activation.following import following
from gateway.activation.standing import Standing
from gateway.adapters.revisions import Published, RevisionStore
from gateway.instance import instance
from gateway.redis_clients import Client
from tests.signatures import entry, published


async def _publish(store: RevisionStore, document: bytes) -> int:
    base, revision = await store.active(), published(document, author="")
    return await store.add(revision, entry(revision, base=base, before=await store.entry(base)))


@pytest.mark.parametrize("there", [0, 1, 3])
async def test_what_is_active_is_known_when_a_process_begins_to_answer(redis: Client, there: int) -> None:
    store, swapped = RevisionStore(redis), list[int]()
    for number in range(there):
        await _publish(store, b'{"description":"%d"}' % number)

    async def swap(number: int, _published: Published) -> None:
        swapped.append(number)

    standing = Standing(instance("control"), clock_ms=lambda: 1, told=lambda _runs, _refused: None)
    async with following(redis, swap, standing=standing, trusted_people=None, pin_file=None):
        assert swapped == ([there] if there else [])
