"""Segments whose customers have no room left are told, by what is known of a sample of them, and nothing is kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.adapters.facts import put
from gateway.core.call import Facts
from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, Verdict, decision_id
from gateway.redis_clients import Client
from services.audit.entries import Admitted
from services.cli import app
from services.insights.pressure.segments import Target
from services.proof.leaves import ADMIT, Leaf
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.segmenting import Segmenting
from tests.services.environment import UNSET
from tests.services.workbench.calls import START_MS

People = Mapping[str, Sequence[str]]
HOUR_MS = 3_600_000
CAPACITY = 10


def person(number: int) -> str:
    return f"{number + 1:032x}"


def contact(number: int, *, used: int, channel: str = "email", hour: int = 1) -> Admitted:
    """A contact of somebody, after which so many of `CAPACITY` were used."""
    at_ms = START_MS + hour * HOUR_MS + number
    draw = np.random.default_rng(at_ms)
    record = Record(
        id=decision_id(now_ms=at_ms, random=draw.bytes(10)),
        received_ms=at_ms,
        decided_ms=at_ms + 1,
        verdict=Verdict.ALLOW,
        tenant="acme",
        agent="sales-bot",
        method="/pilote.crm.v1.MessageService/SendMessage",
        operation="CONTACT",
        channel=channel,
        subject_ref=person(number),
        buckets=(BucketAsk("weekly", "cap", CAPACITY, WEEK_MS),),
        expires_ms=at_ms + 30_000,
    )
    outcome = Outcome(granted=True, looks=(BucketLook(used, 0),))
    return Admitted(record, outcome, msgspec.json.encode(record), msgspec.json.encode(outcome))


@pytest.fixture
def people() -> People:
    """Of 120 customers 40 are in gold, 40 in new, 35 in both of new and town, and five in few."""
    return {
        person(number): ("gold",)
        if number < 40
        else ("new",)
        if number < 80
        else ("new", "town")
        if number < 115
        else ("few",)
        for number in range(120)
    }


async def filled(redis: Client, folder: Path, contacts: Sequence[Admitted], people: People) -> Columns:
    """Columns of those contacts; of these people it is known in which segments they are."""
    await redis.flushall()
    for name, segments in people.items():
        await put(redis, "acme", subject_ref=name, facts=Facts(segments=tuple(segments)))
    columns = Columns(folder / "columns")
    leaves = [Leaf(ADMIT, (each.raw_record, each.raw_outcome)) for each in contacts]
    columns.append([(each.kind, each.parts, each.hash) for each in leaves])
    return columns


async def test_segments_are_told_apart_by_how_full_the_caps_of_their_customers_are(
    redis: Client, tmp_path: Path, people: People
) -> None:
    first = [contact(number, used=1) for number in range(120)]
    later = [contact(number, used=10 if number < 40 else 5, hour=30) for number in range(80)]
    columns = await filled(redis, tmp_path, [*first, *later], people)
    segmenting = Segmenting(redis)
    known = await segmenting.of(columns, week_ms=START_MS)
    assert list(known) == [("acme", "email")]
    told = {each.segment: each for each in known["acme", "email"]}
    assert {name: (each.standing, each.people) for name, each in told.items()} == {
        "gold": ("SATURATED", 40),
        "new": ("UNKNOWN", 75),  # from 10 to 50 %
        "town": ("UNDER_SOLICITED", 35),
    }
    assert (told["gold"].fullness.value, told["gold"].fullness.low, told["gold"].fullness.n) == (1.0, 1.0, 40)
    assert await segmenting.of(columns, week_ms=START_MS) is known, "once a week"
    lower = await Segmenting(redis, target=Target(low=5, high=20)).of(columns, week_ms=START_MS)
    assert {each.segment: each.standing for each in lower["acme", "email"]}["town"] == "ON_TARGET"
    columns.close()


async def test_of_whom_nothing_is_known_counts_in_no_segment(redis: Client, tmp_path: Path, people: People) -> None:
    left = {name: its for name, its in people.items() if name >= person(5)}
    columns = await filled(redis, tmp_path, [contact(number, used=9) for number in range(120)], left)
    known = await Segmenting(redis).of(columns, week_ms=START_MS)
    assert {each.segment: each.people for each in known["acme", "email"]} == {"gold": 35, "new": 75, "town": 35}
    assert await Segmenting(redis).of(columns, week_ms=START_MS - WEEK_MS) == {}, "before the log there is nothing"
    columns.close()


def test_a_target_that_nothing_could_meet_is_refused(tmp_path: Path) -> None:
    own = {"PILOTE_HOME": str(tmp_path), "PILOTE_INSIGHTS_TARGET_LOW_PERCENT": "90", "PILOTE_LANG": "en"}
    found = CliRunner().invoke(app, ["insights", "run"], env=UNSET | own)
    assert found.exit_code == 1
    assert "PILOTE_INSIGHTS_TARGET_LOW_PERCENT is above PILOTE_INSIGHTS_TARGET_HIGH_PERCENT" in found.stderr
