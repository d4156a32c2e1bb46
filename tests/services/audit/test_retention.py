"""Decisions go once they have been kept for as long as their class says; what was summed and proved of them stays."""

from pathlib import Path

import pytest

from gateway.core.record import DEFAULT_KEEP_DAYS
from services.audit.sqlite.segments.rows import DAY_MS
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.conftest import NOW_MS, an_id
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, everything, files, filled
from tests.services.audit.test_segments import a_time, admitted, ended

LATER_MS = NOW_MS + DEFAULT_KEEP_DAYS * DAY_MS
"""When those of the default class that came at NOW_MS are over."""


async def _tended(store: SqliteStore, now_ms: int) -> None:
    for _ in range(3):
        await store.tend(now_ms=now_ms)


@pytest.mark.parametrize("hot", [False, True])
async def test_what_is_over_goes_and_the_rest_of_its_hour_stays(tmp_path: Path, *, hot: bool) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    decisions = [(0, 0), (4, 400), (8, 1), (1, 0)]
    for number, days in decisions:
        await store.write([admitted(number, keep_days=days, retention="long" if days else ""), ended(number)])
    hashes = [place.hash for place in await store.log.places(0, end=await store.log.size())]
    counts = await store.counts("", start_ms=0, end_ms=1 << 53)
    await (store.tend(now_ms=COLD_MS - 1) if hot else cold(store))
    seen = []
    for now_ms in (NOW_MS + DAY_MS, NOW_MS + DAY_MS + 8, LATER_MS - 1, LATER_MS, LATER_MS + 400 * DAY_MS):
        await _tended(store, now_ms)
        seen.append({each.record.id for each in await everything(store)})
    again = await store.write([admitted(0), ended(0)])
    places = await store.log.places(0, end=await store.log.size())
    after = await store.counts("", start_ms=0, end_ms=1 << 53)
    left, count, unreadable = await everything(store), await store.count(), store.unreadable
    await store.close()

    ids = {number: an_id(0, at_ms=a_time(number)) for number, _ in decisions}
    assert seen == [set(ids.values()), {ids[0], ids[1], ids[4]}, {ids[0], ids[4]}, {ids[4]}, set()]
    # What was summed stays, what was proved too, and nothing comes back.
    assert (after, [place.hash for place in places], again, left, count) == (counts, hashes, (), [], 0)
    assert (files(tmp_path), unreadable) == ([], ())


async def test_half_a_year_is_kept_by_default(tmp_path: Path) -> None:
    store = await filled(tmp_path, 8)
    await cold(store)
    await _tended(store, NOW_MS + 182 * DAY_MS)
    found = await everything(store)
    await store.close()

    assert len(found) == 8
