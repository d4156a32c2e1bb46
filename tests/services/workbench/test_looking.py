"""A round looks once for each hour that is complete, and again where a look could not cope."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.core import keys
from gateway.redis_clients import Client
from services.cockpit.standing import Aims
from services.findings.finding import Seen
from services.findings.pressure import PressureStore
from services.findings.store import FindingStore
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from services.workbench.columns.database import Columns
from services.workbench.columns.source import Source
from services.workbench.filling import Filling
from services.workbench.kpis.keeping import KpiKeeper
from services.workbench.looking import SETTLING_MS, Look, Looking
from services.workbench.looks.pressure import PressureLook
from services.workbench.segmenting import Segmenting
from services.workbench.targeting import TargetKeeper
from tests.services.audit.test_log import admitted
from tests.services.findings.test_finding import seen
from tests.services.workbench.calls import HOUR_MS
from tests.services.workbench.conftest import Log
from tests.services.workbench.kpis.test_keeping import nobody


class Noting:
    """A look that sees something, and notes when it was asked; at some times it cannot cope."""

    kind = "drift"

    def __init__(self, *, fails: int = 0) -> None:
        self.asked: list[int] = []
        self._fails = fails

    def look(self, _columns: Source, *, now_ms: int) -> Sequence[Seen]:
        self.asked.append(now_ms)
        if len(self.asked) <= self._fails:
            raise ZeroDivisionError
        return [seen(now_ms // HOUR_MS - 1)]


async def in_euros() -> Aims:
    return Aims()


def bench(columns: Columns, log: Log, redis: Client, looks: Sequence[Look], *, now: list[int]) -> Looking:
    """Who makes rounds at the time that `now` holds."""
    return Looking(
        columns,
        log.stub,
        FindingStore(redis),
        looks,
        filling=Filling(ReviewStore(redis), RuleBook(redis)),
        pressure=PressureStore(redis),
        kpis=KpiKeeper(redis, belonging=nobody, wanted=in_euros),
        targeting=TargetKeeper(redis, belonging=nobody),
        clock_ms=lambda: now[0],
        segmenting=Segmenting(redis),
    )


class Away:
    """A look that asks a store that is away."""

    kind = "fairness"

    def look(self, _columns: Source, *, now_ms: int) -> Sequence[Seen]:
        raise RedisConnectionError(now_ms)


async def test_a_look_whose_store_is_away_waits_for_it_as_all_else_does(
    log: Log, redis: Client, tmp_path: Path
) -> None:
    columns, now = Columns(tmp_path / "columns"), [100 * HOUR_MS + SETTLING_MS]
    with pytest.raises(RedisConnectionError):
        await bench(columns, log, redis, [Away()], now=now).round()
    columns.close()


async def test_it_looks_once_an_hour_and_reads_every_time(log: Log, redis: Client, tmp_path: Path) -> None:
    columns, look, now = Columns(tmp_path / "columns"), Noting(), [100 * HOUR_MS + SETTLING_MS]
    looking = bench(columns, log, redis, [look], now=now)
    rounds = []
    for number, minutes in enumerate((0, 5, 50, 60, 65)):
        now[0] = (100 * 60 + minutes) * 60_000 + SETTLING_MS
        await log.add([admitted(number)])
        rounds.append(await looking.round())
    assert look.asked == [100 * HOUR_MS, 101 * HOUR_MS]
    assert [(each.read, each.seen, len(each.news)) for each in rounds] == [
        (1, 1, 1), (1, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0, 0),
    ]  # fmt: skip
    columns.close()


async def test_a_look_that_cannot_cope_blinds_no_other_and_is_asked_again(
    log: Log, redis: Client, tmp_path: Path
) -> None:
    columns, bad, good = Columns(tmp_path / "columns"), Noting(fails=1), Noting()
    looking = bench(columns, log, redis, [bad, good], now=[100 * HOUR_MS])
    first, second, third = [await looking.round() for _ in range(3)]
    assert (first.failed, first.seen, second.failed, second.seen) == (("drift",), 1, (), 2)
    assert (third.seen, len(bad.asked), len(good.asked)) == (0, 2, 2)
    columns.close()


async def test_reviews_that_cannot_be_read_are_named_and_looked_at_again(
    log: Log, redis: Client, tmp_path: Path
) -> None:
    columns, look = Columns(tmp_path / "columns"), Noting()
    looking = bench(columns, log, redis, [look], now=[100 * HOUR_MS])
    await log.add([admitted(1)])
    rules = keys.reviews("acme", "rules")
    await redis.set(rules, b"no rules")
    first = await looking.round()
    await redis.delete(rules)
    second, third = await looking.round(), await looking.round()
    assert (first.failed, second.failed, third.failed) == (("review", "review-queue"), (), ())
    assert (first.seen, len(look.asked)) == (1, 2)
    columns.close()


async def test_a_round_keeps_the_numbers_about_pressure_that_the_look_for_it_has_worked_out(
    log: Log, redis: Client, tmp_path: Path
) -> None:
    columns, store = Columns(tmp_path / "columns"), PressureStore(redis)
    await log.add([admitted(1)])
    looks = [PressureLook()]
    await bench(columns, log, redis, looks, now=[100 * HOUR_MS]).round()
    (tenant,) = columns.tenants()
    assert await store.get(tenant) == looks[0].told[0]
    columns.close()
