"""Nobody counts on for whoever has gone."""

from pathlib import Path

import pytest

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.expression import EVERYTHING
from services.audit.sqlite.segments.finding import Finder
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.conftest import NOW_MS, a_record, an_id
from tests.services.audit.filters import Row, entries

HOUR_MS = 3_600_000


async def test_a_search_that_nobody_waits_for_ends_with_the_segment_that_it_is_at(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    hours: list[Row] = [(a_record(hour, id=an_id(hour, at_ms=NOW_MS - hour * HOUR_MS)), None) for hour in range(3)]
    await store.write(entries(hours))
    waiting = iter([True, True, False])
    finder = Finder(store._segment_reader(), now_ms=NOW_MS, skew_ms=0, wanted=lambda: next(waiting))

    with pytest.raises(CallEnded) as ended:
        finder.facets(EVERYTHING, [])

    assert (ended.value.reason, next(waiting, None)) == (Reason.CANCELLED, None)
    assert (await store.facets(EVERYTHING, [], now_ms=NOW_MS)).total == 3
    await store.close()
