"""What is worked out is kept for whoever shows it, and what comes late changes a day visibly."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway.adapters.progress import ObjectiveStore
from gateway.core.policy.reporting import Reporting
from gateway.core.record import Record
from gateway.redis_clients import Client
from services.cockpit.days import DAY_MS, OPEN_DAYS
from services.cockpit.standing import Aims
from services.cockpit.store import KpiStore
from services.cockpit.viewing import Span, date_of, view
from services.workbench.columns.database import Columns
from services.workbench.kpis.examples import examples_of
from services.workbench.kpis.keeping import KpiKeeper
from tests.services.cockpit.test_standing import objective
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.campaigns import contact, reaction

FIRST = START_MS // DAY_MS
PERIOD = {"first": date_of(FIRST), "last": date_of(FIRST + 30)}
DOLLARS = Reporting(currency="EUR", rates={"USD": "0.5"})


@pytest.fixture
async def columns(tmp_path: Path) -> AsyncIterator[Columns]:
    made = Columns(tmp_path / "columns")
    yield made
    made.close()


async def nobody(_tenant: str, _people: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Of whom no segments are known."""
    return {}


def keeper(redis: Client) -> KpiKeeper:
    async def wanted() -> Aims:
        return Aims(reporting=DOLLARS, objectives=(objective(name="spring", period=PERIOD),))

    return KpiKeeper(redis, belonging=nobody, wanted=wanted)


def bought(sent: Read, cents: int, *, days: int = 1, reported_day: int = 0) -> Read:
    """A purchase in dollars."""
    reported_ms = (FIRST + reported_day) * DAY_MS if reported_day else 0
    return reaction(
        sent, after_ms=days * DAY_MS, type_="converted", revenue_cents=cents, currency="USD", reported_ms=reported_ms
    )


def sent(count: int = 50) -> list[Read]:
    draw = np.random.default_rng(1)
    return [contact(draw, at_ms=START_MS + each, person=each) for each in range(count)]


async def test_a_late_outcome_revises_its_day_and_says_by_how_much(redis: Client, columns: Columns) -> None:
    contacts, bench = sent(), keeper(redis)
    columns.append([*contacts, bought(contacts[0], 1000)])
    await bench.keep(columns, now_ms=(FIRST + 1) * DAY_MS)
    day = Span(first=FIRST, last=FIRST)
    first = await view(KpiStore(redis), "acme", day)
    assert (first.whole.contacts, first.whole.numbers["revenue_cents"].revised) == (50, None)
    columns.append([bought(contacts[1], 2400, days=9)])
    await bench.keep(columns, now_ms=(FIRST + 10) * DAY_MS)
    store = KpiStore(redis)
    (known,) = [each for number, each in (await store.days("acme")).items() if number == FIRST]
    assert known.heads["revenue"] == 1700
    (change,) = known.changes
    assert (change.was["revenue"], change.now["revenue"]) == (500, 1700)
    found = (await view(store, "acme", day)).whole.numbers["revenue_cents"].revised
    assert found is not None
    assert (found.by, found.at_ms) == (1200, (FIRST + 10) * DAY_MS)


async def test_working_out_twice_changes_nothing(redis: Client, columns: Columns) -> None:
    contacts, bench = sent(), keeper(redis)
    columns.append([*contacts, bought(contacts[0], 1000)])
    for _ in range(2):
        await bench.keep(columns, now_ms=(FIRST + 3) * DAY_MS)
    assert all(each.changes == () for each in (await KpiStore(redis).days("acme")).values())


async def test_a_day_is_left_alone_once_nothing_may_come_any_more(redis: Client, columns: Columns) -> None:
    contacts, bench = sent(), keeper(redis)
    columns.append(contacts)
    await bench.keep(columns, now_ms=(FIRST + 1) * DAY_MS)
    closed = FIRST + OPEN_DAYS + 1
    await bench.keep(columns, now_ms=closed * DAY_MS)
    columns.append([bought(contacts[0], 1000, days=20, reported_day=OPEN_DAYS + 1)])
    await bench.keep(columns, now_ms=closed * DAY_MS)
    known = (await KpiStore(redis).days("acme"))[FIRST]
    assert (known.heads["revenue"], known.changes) == (0, ())
    assert (await view(KpiStore(redis), "acme", Span(first=FIRST, last=FIRST))).open_days == 1


async def test_what_happens_after_28_days_belongs_to_no_contact(redis: Client, columns: Columns) -> None:
    contacts, bench = sent(), keeper(redis)
    columns.append([*contacts, bought(contacts[0], 1000, days=28), bought(contacts[1], 600, days=27)])
    await bench.keep(columns, now_ms=(FIRST + 30) * DAY_MS)
    assert (await KpiStore(redis).days("acme"))[FIRST].heads["revenue"] == 300


async def test_a_second_answer_within_28_days_is_ignored_and_a_later_one_counts(
    redis: Client, columns: Columns
) -> None:
    draw, bench = np.random.default_rng(2), keeper(redis)
    asked = [contact(draw, at_ms=START_MS + day * DAY_MS, person=1) for day in (0, 2, 27, 28)]
    said = [
        reaction(each, after_ms=5, type_="answered", question="nps", answer=answer)
        for each, answer in zip(asked, ("10", "0", "0", "3"), strict=True)
    ]
    felt = reaction(asked[1], after_ms=5, type_="answered", question="pressure", answer="a_bit_too_much")
    no_answer = reaction(asked[0], after_ms=1, type_="answered", question="nps", answer="11")
    columns.append([*asked, no_answer, *reversed(said), felt])
    await bench.keep(columns, now_ms=(FIRST + 30) * DAY_MS)
    store = KpiStore(redis)
    cells = await store.cells("acme", "all", range(FIRST, FIRST + 30))
    scores = {day: cells[day][""].scores for day in cells if any(cells[day][""].scores)}
    assert scores == {FIRST: (1, 0, 0), FIRST + 28: (0, 0, 1)}
    assert cells[FIRST + 2][""].felt == {"a_bit_too_much": 1}


async def test_how_an_objective_stands_is_kept_with_the_days(redis: Client, columns: Columns) -> None:
    draw = np.random.default_rng(3)
    serving = [contact(draw, at_ms=START_MS + each, person=each, objective="spring") for each in range(40)]
    columns.append([*serving, *sent(20), *(bought(each, 100) for each in serving[:10])])
    await keeper(redis).keep(columns, now_ms=(FIRST + 3) * DAY_MS)
    found = (await ObjectiveStore(redis).get("acme"))["spring"]
    assert (found.contacts, found.n, found.value) == (40, 40, 0.25)


async def test_an_objective_is_shown_by_its_newest_contacts_and_a_harm_by_those_that_did_it(columns: Columns) -> None:
    draw = np.random.default_rng(7)
    made = [contact(draw, at_ms=START_MS + each, person=each, objective="spring") for each in range(30)]
    others = [contact(draw, at_ms=START_MS + 50 + each, person=each) for each in range(5)]
    columns.append([*made, *others, reaction(made[3], after_ms=9, type_="unsubscribed")])
    stated, now_ms = objective(name="spring", period=PERIOD), (FIRST + 3) * DAY_MS
    ids = [msgspec.json.decode(each[1][0], type=Record).id for each in made]
    assert list(examples_of(columns, stated, "conversion_rate", now_ms=now_ms)) == sorted(ids, reverse=True)[:20]
    assert examples_of(columns, stated, "opt_out_rate", now_ms=now_ms) == (ids[3],)
    assert examples_of(columns, stated, "perceived_too_much", now_ms=now_ms) == ()
