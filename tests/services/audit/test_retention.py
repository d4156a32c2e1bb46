"""Decisions go once they have been kept for as long as their class says; what was summed and proved of them stays."""

from pathlib import Path

import msgspec
import pytest

from gateway.core.record import DEFAULT_KEEP_DAYS, CustomerOutcome
from gateway.core.shadows import CopyEnd, ShadowResult
from services.audit.entries import Copied, Entry, Reported
from services.audit.proofs.checking import Check
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.segments.rows import DAY_MS
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from tests.services.audit.conftest import NOW_MS, SIGNER, a_record, a_settlement, admit, an_id, settle
from tests.services.audit.kinds import Kind
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, everything, files, filled
from tests.services.audit.test_segments import a_time, admitted, ended, entry

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


def _told(number: int, event: str = "") -> list[Entry]:
    """What came of a decision besides its end."""
    decision = an_id(number)
    told = CustomerOutcome(
        decision=decision, type="opened", event=event, occurred_ms=NOW_MS, reported_ms=NOW_MS, reporter="e"
    )
    copied = ShadowResult(
        id=decision, kind="shadow", received_ms=NOW_MS, route="r", arm="b", upstream="u", end=CopyEnd.AGREED
    )
    encode = msgspec.json.encode
    return [Reported(told, "acme", encode(told)), Copied(copied, encode(copied), "acme")]


async def test_what_is_kept_beside_decisions_goes_with_them_and_its_hashes_stay(
    store: DecisionStore, stores: Kind
) -> None:
    short, long, early = 1, 2, -5 * 3_600_000
    for number, days in ((short, 1), (long, 400)):
        await store.write([entry(admit(a_record(number, keep_days=days))), *_told(number)])
    ids = (an_id(short), an_id(long), an_id(0, at_ms=NOW_MS + early))
    await store.write([entry(settle(a_settlement(id=decision))) for decision in ids])
    checkpoints = Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS)
    seen = []

    async def after(days: int) -> None:
        # An hour that is over is sealed first, a database looks once an hour.
        for hour in range(1, 5):
            await store.tend(now_ms=NOW_MS + days * DAY_MS + hour * HOUR_MS)
        seen.append({(table, int(decision[:12], 16) - NOW_MS) for table, decision in stores.beside()})

    await after(0)
    await after(1)
    await store.write(_told(short, event="late")[:1])
    await after(DEFAULT_KEEP_DAYS + 1)
    await checkpoints.now()
    looked = Check(store, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None)
    wrong = [each async for each in looked.run()]
    size = await store.log.size()
    hashes = await store.log.hashes(0, end=size)
    await after(401)
    wrong += [each async for each in Check(store, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None).run()]

    everything = {(table, number) for table in ("outcome", "copy") for number in (short, long)}
    of_long = {("outcome", long), ("copy", long)}
    assert seen == [
        everything | {("early", early)},
        of_long | {("early", early)},
        of_long | {("outcome", short)},  # what came too late for it
        set(),
    ]
    assert wrong == []
    assert looked.tally.deleted == 4  # the admission, its end, and the two beside it
    assert await store.log.hashes(0, end=size) == hashes


async def test_settlements_wait_for_a_segment_that_cannot_be_read_however_long_that_takes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(0, keep_days=10_000), admitted(4, keep_days=10_000)])
    await store.close()
    (path,) = (tmp_path / "audit" / "segments").glob("*.sqlite")
    kept = path.read_bytes()
    path.write_bytes(b"nonsense" * 1_000)
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([ended(4)])
    await _tended(store, LATER_MS + DAY_MS)
    path.write_bytes(kept)
    await _tended(store, LATER_MS + 2 * DAY_MS)
    found = await store.get(an_id(0, at_ms=a_time(4)), now_ms=NOW_MS)
    await store.close()

    assert found is not None
    assert found.settlement is not None


async def test_half_a_year_is_kept_by_default(tmp_path: Path) -> None:
    store = await filled(tmp_path, 8)
    await cold(store)
    await _tended(store, NOW_MS + 182 * DAY_MS)
    found = await everything(store)
    await store.close()

    assert len(found) == 8
