"""Segments whose customers have no room left are told, by what sealed records say of a sample, and nothing is kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.core.record import BucketAsk, BucketLook, Outcome, Record, Verdict, decision_id
from services.audit.entries import Admitted
from services.cli import app
from services.insights.pressure.segments import Target
from services.proof.leaves import ADMIT
from services.workbench.columns.database import Columns
from services.workbench.columns.measured import Values
from services.workbench.columns.reading import read_on
from services.workbench.columns.sums import Entry
from services.workbench.looks.pressure_contacts import WEEK_MS
from services.workbench.segmenting import Segmenting
from tests.services.environment import UNSET
from tests.services.workbench.calls import START_MS
from tests.services.workbench.conftest import Log
from tests.services.workbench.test_sums import Plain

HOUR_MS = 3_600_000
CAPACITY = 10


class Telling(Plain):
    """Opens records of customers by their pseudonym, and counts how many it was asked for."""

    def __init__(self, segments: Mapping[str, Sequence[str]]) -> None:
        self._segments = segments
        self.asked = 0

    async def opened(self, entries: Sequence[Entry], _audit: Any, *, since_ms: int = 0) -> Mapping[str, Values]:
        read = [msgspec.json.decode(parts[0]) for kind, parts, _ in entries if kind == ADMIT]
        self.asked += len(read)
        its = [each for each in read if each["subject_ref"] in self._segments and since_ms == 0]
        return {each["id"]: [("facts.segments", list(self._segments[each["subject_ref"]]))] for each in its}


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
def people() -> Mapping[str, Sequence[str]]:
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


async def read(log: Log, folder: Path, summing: Telling, entries: Sequence[Admitted]) -> Columns:
    ordered: list[Admitted] = sorted(entries, key=lambda each: each.raw_record)
    await log.add(ordered)
    columns = Columns(folder / "columns", summing=summing)
    await read_on(columns, log.stub)
    summing.asked = 0
    return columns


async def test_segments_are_told_apart_by_how_full_the_caps_of_their_customers_are(
    log: Log, tmp_path: Path, people: Mapping[str, Sequence[str]]
) -> None:
    summing = Telling(people)
    first = [contact(number, used=1) for number in range(120)]
    later = [contact(number, used=10 if number < 40 else 5, hour=30) for number in range(80)]
    columns = await read(log, tmp_path, summing, [*first, *later])
    segmenting = Segmenting()
    known = await segmenting.of(columns, log.stub, week_ms=START_MS)
    assert list(known) == [("acme", "email")]
    told = {each.segment: each for each in known["acme", "email"]}
    assert {name: (each.standing, each.people) for name, each in told.items()} == {
        "gold": ("SATURATED", 40),
        "new": ("UNKNOWN", 75),  # from 10 to 50 %
        "town": ("UNDER_SOLICITED", 35),
    }
    assert (told["gold"].fullness.value, told["gold"].fullness.low, told["gold"].fullness.n) == (1.0, 1.0, 40)
    assert summing.asked == 120  # the last one of each
    assert await segmenting.of(columns, log.stub, week_ms=START_MS) is known
    assert summing.asked == 120
    other = Segmenting(target=Target(low=5, high=20))
    standings = {
        each.segment: each.standing for each in (await other.of(columns, log.stub, week_ms=START_MS))["acme", "email"]
    }
    assert standings["town"] == "ON_TARGET"
    columns.close()


async def test_who_cannot_be_opened_counts_nowhere_and_without_keys_there_is_no_segment(
    log: Log, tmp_path: Path, people: Mapping[str, Sequence[str]]
) -> None:
    erased = {name: its for name, its in people.items() if name >= person(5)}
    columns = await read(log, tmp_path, Telling(erased), [contact(number, used=9) for number in range(120)])
    known = await Segmenting().of(columns, log.stub, week_ms=START_MS)
    assert {each.segment: each.people for each in known["acme", "email"]} == {"gold": 35, "new": 75, "town": 35}
    columns.summing = None
    assert await Segmenting().of(columns, log.stub, week_ms=START_MS) == {}
    columns.close()


async def test_of_a_week_before_the_log_there_is_nothing(log: Log, tmp_path: Path) -> None:
    columns = await read(log, tmp_path, Telling({}), [contact(1, used=1)])
    assert await Segmenting().of(columns, log.stub, week_ms=START_MS - WEEK_MS) == {}
    columns.close()


def test_a_target_that_nothing_could_meet_is_refused(tmp_path: Path) -> None:
    own = {"PILOTE_HOME": str(tmp_path), "PILOTE_INSIGHTS_TARGET_LOW_PERCENT": "90", "PILOTE_LANG": "en"}
    found = CliRunner().invoke(app, ["insights", "run"], env=UNSET | own)
    assert found.exit_code == 1
    assert "PILOTE_INSIGHTS_TARGET_LOW_PERCENT is above PILOTE_INSIGHTS_TARGET_HIGH_PERCENT" in found.stderr
