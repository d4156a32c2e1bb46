"""Clients of the store leave nothing behind, whenever who asks for one goes away."""

import asyncio
import gc
import warnings

from gateway.redis_clients import connected


async def test_no_connection_stays_open_of_whoever_is_cancelled_while_the_store_is_asked(redis_url: str) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for turns in range(80):
            task = asyncio.create_task(connected(redis_url))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled():
                await task.result().aclose()
        gc.collect()
    assert [str(each.message) for each in seen if issubclass(each.category, ResourceWarning)] == []
