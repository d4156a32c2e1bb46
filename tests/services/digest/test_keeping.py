"""What was worked out becomes a digest once a week is over, and what was told stays as it was told."""

from typing import Any

import msgspec
import pytest

from gateway.core import keys
from gateway.core.policy.objectives import Objective
from gateway.redis_clients import Client
from services.cockpit.viewing import date_of
from services.digest.lines import of_settled, of_week
from services.digest.making import Digests, DigestWrong, wanted
from services.digest.store import KEPT_WEEKS, DigestStore
from services.digest.week import last_over, week_named
from services.findings.store import FindingStore
from tests.services.cockpit.kept import keep
from tests.services.cockpit.test_standing import objective
from tests.services.digest.weeks import WEEK, week
from tests.services.findings.test_finding import seen

NOW_MS = WEEK.end_ms + 5_000


def stated(**fields: Any) -> tuple[Objective, ...]:
    period = {"first": date_of(WEEK.first - 10), "last": date_of(WEEK.first + 30)}
    over = objective(name="over", period={"first": date_of(WEEK.first - 90), "last": date_of(WEEK.first - 1)})
    return objective(period=period, **fields), over, objective(name="theirs", tenant="globex", period=period)


async def test_a_week_is_told_out_of_what_is_kept(redis: Client) -> None:
    await keep(redis, last_day=WEEK.span.last, days=60)
    mine = msgspec.structs.replace(seen(), start_ms=WEEK.start_ms, end_ms=WEEK.start_ms + 9)
    await FindingStore(redis).see([mine], now_ms=NOW_MS)
    found = await Digests(redis).of("acme", WEEK, stated=stated(), now_ms=NOW_MS)
    told = found.told
    assert (found.kept, told.week, told.currency) == (False, "2026-W47", "EUR")
    assert (told.now.contacts, told.before.contacts, told.settled.contacts) == (700, 700, 700)
    assert told.now.refusals == 7 * 5
    assert [name for name, _ in told.course] == [WEEK.before(7 - at).name for at in range(8)]
    assert [each.rule for each in told.rules] == ["rule-one", "rule-few"]
    assert [each.name for each in told.goals] == ["objective-one"]
    assert ([each.kind for each in told.findings], told.open_findings) == (["drift"], 1)
    assert {each.called for each in of_week(told)} <= {"same", "open", "unknown"}
    assert {each.called for each in of_settled(told)} <= {"same", "unknown"}


async def test_what_was_kept_stays_however_days_are_revised(redis: Client) -> None:
    digests = Digests(redis)
    assert not await digests.keep("acme", stated=(), now_ms=NOW_MS)  # nothing is known of it yet
    await keep(redis, last_day=WEEK.span.last)
    assert await digests.keep("acme", stated=stated(), now_ms=NOW_MS)
    first = await digests.of("acme", WEEK, stated=(), now_ms=NOW_MS + 1)
    await keep(redis, last_day=WEEK.span.last, days=3)
    assert not await digests.keep("acme", stated=(), now_ms=NOW_MS + 86_400_000)
    again = await digests.of("acme", WEEK, stated=(), now_ms=NOW_MS + 2)
    assert first == again
    assert first.kept
    assert await digests.weeks("acme") == ("2026-W47",)


async def test_very_old_ones_go_and_what_another_version_wrote_is_made_anew(redis: Client) -> None:
    store = DigestStore(redis)
    names = [WEEK.before(at).name for at in range(KEPT_WEEKS + 2)]
    for name in reversed(names):
        assert await store.keep(week(week=name))
    assert await store.weeks("acme") == tuple(names[:KEPT_WEEKS])
    await redis.hset(keys.digests("acme"), names[0], b'{"tenant": 5}')
    assert await store.get("acme", names[0]) is None
    assert await store.get("acme", names[1]) == week(week=names[1])


def test_a_week_that_cannot_be_told_is_refused_in_words() -> None:
    assert wanted("", now_ms=NOW_MS) == WEEK == last_over(NOW_MS)
    assert wanted("2026-W46", now_ms=NOW_MS) == week_named("2026-W46")
    for name, said in (("soon", "write it as 2026-W47"), ("2026-W48", "ask for 2026-W47")):
        with pytest.raises(DigestWrong) as wrong:
            wanted(name, now_ms=NOW_MS)
        assert said in wrong.value.said("en")
        assert "2026-W47" in wrong.value.said("fr")
