"""Days of the cube add up, over any time, to what counting customers one after the other comes to."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.converting import converted
from gateway.core.record import Record
from services.cockpit.cells import Cell, Sums, summed
from services.cockpit.days import DAY_MS
from services.cockpit.dimensions import ALL
from services.workbench.columns.database import Columns
from services.workbench.kpis.contacts import _SIGNED
from services.workbench.kpis.cube import Cube, work_out
from tests.services.workbench.calls import START_MS, Read
from tests.services.workbench.kpis.counting import Counted, counted, spending
from tests.services.workbench.kpis.trading import trading

RATES = {"EUR": Fraction(1), "USD": Fraction("0.92")}
DAYS = 60
FIRST = START_MS // DAY_MS
SEGMENTS = {f"{person + 1:032x}": ("gold", "urban") if person % 3 else ("gold",) for person in range(0, 200, 2)}
CELLS: Mapping[str, tuple[str, str, Callable[[Record], bool]]] = {
    "everything": (ALL, "", lambda _: True),
    "agent": ("agent", "care-bot", lambda each: each.agent == "care-bot"),
    "version": ("version", "score/2", lambda each: each.agent == "sales-bot"),
    "own version": ("version", "7", lambda each: each.agent == "care-bot"),
    "campaign": ("campaign", "spring", lambda each: each.campaign == "spring"),
    "objective": ("objective", "more", lambda each: each.objective == "more"),
    "category": ("category", "service", lambda each: each.category == "service"),
    "channel": ("channel", "sms", lambda each: each.channel == "sms"),
    "segment": ("segment", "urban", lambda each: "urban" in SEGMENTS.get(each.subject_ref, ())),
}


@pytest.fixture(scope="module")
def read() -> list[Read]:
    return [*trading(seed=1, people=200, days=DAYS), *trading(seed=2, people=50, days=5, tenant="globex")]


@pytest.fixture(scope="module")
def columns(read: list[Read], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Columns]:
    made = Columns(tmp_path_factory.mktemp("kpis") / "columns")
    made.append(read)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cube(columns: Columns) -> Cube:
    end_ms = START_MS + DAYS * DAY_MS
    return work_out(columns, "acme", start_day=FIRST, end_ms=end_ms, rates=RATES, segments=SEGMENTS)


def sums(cube: Cube, dimension: str, key: str, *, start_day: int, end_day: int) -> Sums:
    cells = {day: cube.days[day][dimension].get(key, Cell()) for day in range(start_day, end_day)}
    return summed(cells, start_day=start_day)


def of_acme(read: list[Read], of: Callable[[Record], bool], *, start_day: int, end_day: int) -> Counted:
    return counted(
        read, start_day=start_day, end_day=end_day, rates=RATES, of=lambda each: each.tenant == "acme" and of(each)
    )


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=15, deadline=None)
@given(span=st.tuples(st.integers(0, DAYS - 1), st.integers(1, DAYS)))
def test_every_time_and_cell_is_what_counting_comes_to(
    read: list[Read], cube: Cube, name: str, span: tuple[int, int]
) -> None:
    dimension, key, of = CELLS[name]
    start_day = FIRST + min(span)
    end_day = max(start_day + 1, FIRST + max(span))
    found = sums(cube, dimension, key, start_day=start_day, end_day=end_day)
    wanted = of_acme(read, of, start_day=start_day, end_day=end_day)
    assert found.contacts == wanted.contacts
    for deed, its in (("active", wanted.active), ("converted", wanted.converted), ("gone", wanted.left)):
        assert found.deeds[deed] == len(its)
    assert found.deeds["clicked"] <= found.deeds["active"]
    assert found.deeds["opted_out"] + found.deeds["complained"] >= found.deeds["gone"]
    for group in ("contacted", "treated", "held"):
        its = getattr(found, group)
        assert its == spending(getattr(wanted, group), its.spenders)
        assert its.spenders >= sum(each != 0 for each in getattr(wanted, group).values())
    scores = [int(answer) for question, answer in wanted.answers if question == "nps"]
    assert found.promoters == sum(each >= 9 for each in scores)
    assert found.detractors == sum(each <= 6 for each in scores)
    assert found.promoters + found.passives + found.detractors == len(scores)
    felt = [answer for question, answer in wanted.answers if question == "pressure"]
    assert found.felt == {answer: felt.count(answer) for answer in sorted(set(felt))}


def test_tenants_are_apart_and_days_without_contacts_are_there(columns: Columns, cube: Cube) -> None:
    end_ms = START_MS + 10 * DAY_MS
    other = work_out(columns, "globex", start_day=FIRST, end_ms=end_ms, rates=RATES, segments={})
    assert other.days[FIRST + 8][ALL][""] == Cell()
    assert 0 < other.days[FIRST][ALL][""].contacts < cube.days[FIRST][ALL][""].contacts
    assert {key for day in other.days.values() for key in day["segment"]} == set()


def test_a_later_start_changes_nothing_of_the_days_after_it(columns: Columns, cube: Cube) -> None:
    end_ms = START_MS + DAYS * DAY_MS
    later = work_out(columns, "acme", start_day=FIRST + 50, end_ms=end_ms, rates=RATES, segments=SEGMENTS)
    assert {day: later.days[day] for day in later.days} == {day: cube.days[day] for day in later.days}


def test_amounts_without_a_rate_are_counted_apart(read: list[Read], cube: Cube) -> None:
    assert {currency for day in cube.apart.values() for currency in day} == {"XTS"}
    assert sum(n for day in cube.apart.values() for n, _ in day.values()) > 100


@settings(max_examples=200, deadline=None)
@given(
    cents=st.integers(-(10**15), 10**15),
    rate=st.one_of(st.integers(1, 999_999_999).map(lambda n: Fraction(n, 10**6)), st.sampled_from([Fraction(1, 2)])),
)
def test_sql_converts_amounts_as_the_exact_rule_does(columns: Columns, cents: int, rate: Fraction) -> None:
    text = f"SELECT {_SIGNED} AS made FROM (SELECT $cents::BIGINT AS revenue_cents, $top::BIGINT AS top, $bottom::BIGINT AS bottom)"  # noqa: E501, S608
    found = columns.asked(text, {"cents": cents, "top": rate.numerator, "bottom": rate.denominator})
    assert int(found["made"][0]) == converted(cents, rate)


def test_refused_contacts_count_once_a_day_and_not_where_they_were_made_after_all(cube: Cube) -> None:
    whole = sums(cube, ALL, "", start_day=FIRST, end_day=FIRST + DAYS)
    by_rule = sums(cube, "rule", "weekly", start_day=FIRST, end_day=FIRST + DAYS)
    assert whole.refused == by_rule.refused
    assert sum(by_rule.refused.values()) > 0
    assert by_rule.contacts == 0
    assert set(by_rule.refused) <= set(whole.made)
    assert sum(each.n for each in whole.made.values()) == whole.contacts
    assert sum(each.total for each in whole.made.values()) == whole.contacted.total
    assert whole.tally.n > 150
