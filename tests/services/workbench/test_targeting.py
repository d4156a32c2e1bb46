"""Who is contacted too much or never is worked out of the log once a day, by segments that are kept nowhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.record import Verdict
from gateway.redis_clients import Client
from services.findings.targeting import TargetingStore
from services.workbench.columns.database import Columns
from services.workbench.looks.spans import DAY_MS
from services.workbench.targeting import TargetKeeper
from tests.services.workbench.calls import START_MS
from tests.services.workbench.campaigns import contact

PEOPLE = 160
GOLD, RURAL = range(40), range(40, 80)


def person(number: int) -> str:
    return f"{number + 1:032x}"


async def belonging(_tenant: str, people: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    names = {person(number): ("gold",) for number in GOLD} | {person(number): ("rural",) for number in RURAL}
    return {each: names[each] for each in people if each in names}


async def test_segments_with_too_much_or_nothing_are_kept_with_agent_campaign_and_rule(
    redis: Client, tmp_path: Path
) -> None:
    draw = np.random.default_rng(3)
    entries = []
    for number in range(PEOPLE):
        for week in range(4):
            at_ms = START_MS + 7 * week * DAY_MS + number
            if number in RURAL:
                refused: dict[str, Any] = {"verdict": Verdict.DENY, "reason": "POLICY_DENIED", "rule": "no-villages"}
                entries.append(contact(draw, at_ms=at_ms, person=number, agent="news-bot", **refused))
                continue
            entries.append(contact(draw, at_ms=at_ms, person=number, agent="news-bot", campaign="weekly"))
            for more in range(3 * (number in GOLD)):
                later_ms = at_ms + (more + 1) * DAY_MS
                entries.append(contact(draw, at_ms=later_ms, person=number, agent="loud-bot", campaign="spring"))
            entries.append(contact(draw, at_ms=at_ms + 1, person=number, agent="news-bot", category="legal"))
    columns = Columns(tmp_path / "columns")
    try:
        columns.append(entries)
        keeper = TargetKeeper(redis, belonging=belonging)
        now_ms = START_MS + 28 * DAY_MS + 3_600_000
        assert await keeper.keep(columns, now_ms=now_ms) == 1
        assert await keeper.keep(columns, now_ms=now_ms + 3_600_000) == 0  # the same day
    finally:
        columns.close()
    found = await TargetingStore(redis).get("acme")
    assert found is not None
    assert (found.people, found.end_ms - found.start_ms) == (PEOPLE, 28 * DAY_MS)
    told = {(each.segment, each.question): each for each in found.skews if each.standing == "MORE"}
    assert told.keys() == {("gold", "much"), ("rural", "never")}
    much, never = told["gold", "much"], told["rural", "never"]
    assert (much.ceiling, much.events, much.people, much.other_events) == (1, 40, 40, 0)
    assert much.cause is not None
    assert (much.cause.agent, much.cause.campaign, much.cause.reason) == ("loud-bot", "spring", "")
    assert never.cause is not None
    assert (never.cause.reason, never.cause.rule, never.cause.part) == ("POLICY_DENIED", "no-villages", 40)
    assert never.cause.share_low is not None
    assert never.cause.share_low > 0.8
