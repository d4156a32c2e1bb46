"""A channel most of whose customers have no room left under their caps is found when the week is over."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from gateway.core.record import BucketAsk, BucketLook, Outcome
from services.audit.filters.filter import parse
from services.findings import wording
from services.insights.pressure.segments import Standing
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.looks.saturation import SaturationLook
from services.workbench.looks.spans import DAY_MS
from services.workbench.looks.standings import standings
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.campaigns import contact
from tests.services.workbench.quiet import of_decisions

CAP = BucketAsk("five-a-week", "cap", 5, WEEK_MS)
NEXT_WEEK_MS = START_MS + WEEK_MS + DAY_MS


def contacted(
    counts: list[int], *, seed: int, channel: str, tenant: str = "acme", capped: bool = True
) -> Iterator[Read]:
    """One contact each of so many people, whose caps had counted so many with it; of 0 it was last week."""
    draw = np.random.default_rng(seed)
    for whom, count in enumerate(counts):
        at_ms = START_MS + (whom % 7) * DAY_MS - (0 if count else WEEK_MS)
        granted = msgspec.json.encode(Outcome(granted=True, looks=(BucketLook(count or 1, 0),) if capped else ()))
        made = {"channel": channel, "tenant": tenant, "buckets": (CAP,) if capped else ()}
        yield contact(draw, at_ms=at_ms, person=1000 * seed + whom, granted=granted, **made)


def columns_of(folder: Path, *parts: Iterator[Read]) -> Columns:
    columns = Columns(folder)
    columns.append([each for part in parts for each in part])
    return columns


def test_a_channel_is_saturated_where_most_of_its_customers_are_at_their_cap(tmp_path: Path) -> None:
    columns = columns_of(
        tmp_path,
        contacted([5] * 70 + [1] * 30, seed=1, channel="sms"),
        contacted([5] * 50 + [2] * 50, seed=2, channel="email"),
        contacted([1] * 30 + [0] * 70, seed=3, channel="letter"),
        contacted([5] * 20, seed=4, channel="phone"),
        contacted([5] * 100, seed=5, channel="push", capped=False),
    )
    (found,) = SaturationLook().look(columns, now_ms=NEXT_WEEK_MS)
    assert (found.about, found.reach, found.n, found.value) == ((("channel", "sms"),), 70, 100, 0.7)
    assert 0.5 < found.low < 0.7 < found.high
    assert found.certainty > 0.999
    assert len(found.decisions) == 20
    assert of_decisions(columns, found, "channel || CAST(cap_used AS VARCHAR)") == {"sms5"}
    parse(found.filter)
    assert 'channel = "sms" AND operation = CONTACT AND receive_time' in found.filter
    assert wording.title(found, language="fr") == "Saturation\N{NO-BREAK SPACE}: canal sms"
    assert SaturationLook().look(columns, now_ms=NEXT_WEEK_MS + 5 * DAY_MS) == [found]
    assert SaturationLook().look(columns, now_ms=START_MS + DAY_MS) == []
    stand = standings(columns, "acme", week_ms=START_MS, alpha=0.05)
    assert {name: each.segment.standing for name, each in stand.items()} == {
        "sms": Standing.SATURATED,
        "email": Standing.UNKNOWN,
        "letter": Standing.UNDER_SOLICITED,
        "phone": Standing.UNKNOWN,
    }
    columns.close()


def test_of_weeks_in_which_half_are_at_their_cap_at_most_five_in_a_hundred_have_a_finding(tmp_path: Path) -> None:
    draw = np.random.default_rng(6)
    tenants = 80
    columns = columns_of(
        tmp_path,
        *(
            contacted(draw.choice((2, 5), 60).tolist(), seed=10 + 2 * number + at, channel=channel, tenant=f"t{number}")
            for number in range(tenants)
            for at, channel in enumerate(("sms", "email"))
        ),
    )
    found = SaturationLook().look(columns, now_ms=NEXT_WEEK_MS)
    assert len({each.tenant for each in found}) <= 0.05 * tenants
    columns.close()
