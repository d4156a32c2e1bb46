"""What there is to tell of a tenant's reviews: how many wait, and what those that were settled say."""

import asyncio
from collections.abc import Mapping

import msgspec

from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.numbers import WINDOW_MS, Numbers, numbers
from services.reviews.store import ReviewStore


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to tell of a tenant."""

    tenant: str
    waiting: int
    overdue: int
    """Of those that wait."""
    numbers: Numbers
    """Of the last 28 days."""


async def told(store: ReviewStore, tenant: str, *, now_ms: int) -> Told:
    """All of it, at that time.

    Raises:
        RedisError: the store does not answer.
    """
    since_ms = now_ms - WINDOW_MS
    settled = await store.settled(tenant, start_ms=since_ms)
    hours = read_hours(await store.hours(tenant), since_ms=since_ms)
    return Told(
        tenant=tenant,
        waiting=await store.waiting(tenant),
        overdue=await store.overdue(tenant, now_ms=now_ms),
        numbers=await asyncio.to_thread(numbers, settled, hours),
    )


def read_hours(kept: Mapping[int, bytes], *, since_ms: int = 0) -> dict[int, Drawn]:
    """Hours as the store keeps them, from the one on in which that time is."""
    first = since_ms // HOUR_MS
    return {hour: msgspec.json.decode(body, type=Drawn) for hour, body in kept.items() if hour >= first}
