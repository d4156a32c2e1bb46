"""A forecast, from columns that are drawn and columns that can be counted by hand."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.simulating.calls import ALLOWED, Call, End, Told
from gateway.core.simulating.course import Came
from services.insights.whatif.forecast import forecast
from services.insights.whatif.pressing import LEAST_IN_GROUP, MOST_GROUPS, WEEK_MS, groups, pressure
from services.insights.whatif.returning import returns
from services.insights.whatif.trial import Contacts, Trial

HOUR_MS = 3_600_000
CAP = ("DENY", "CAP_EXCEEDED weekly")


def call(
    number: int, person: int, *, at_ms: int, was: str = ALLOWED, by: str = "", told: tuple[Told, ...] = ()
) -> Call:
    return Call(
        id=f"{number:032x}", at_ms=at_ms, place=number, cell="acme/0", agent="bot", method="/a/b",
        subject=f"{person:032x}", contact=True, was=was, was_by=by, rules=was, rules_by=by, told=told,
    )  # fmt: skip


def opted_out(at_ms: int) -> tuple[Told, ...]:
    return (Told("unsubscribed", at_ms),)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * WEEK_MS), st.booleans()), max_size=60))
def test_pressure_is_what_counting_one_by_one_says(rows: list[tuple[int, int, bool]]) -> None:
    trial = Trial()
    rows = sorted({(person, at_ms): (person, at_ms, made) for person, at_ms, made in rows}.values(), key=lambda r: r[1])
    for number, (person, at_ms, made) in enumerate(rows):
        trial.add(call(number, person, at_ms=at_ms), Came(ALLOWED) if made else Came(*CAP))
    contacts = trial.contacts()
    named = {person: place for place, person in enumerate(dict.fromkeys(row[0] for row in rows))}
    wanted = [
        sum(made and person == mine and 0 < at_ms - before < WEEK_MS for person, before, made in rows)
        for mine, at_ms, _ in rows
    ]
    assert contacts.person.tolist() == [named[row[0]] for row in rows]
    assert pressure(contacts.after, contacts).tolist() == wanted


@given(st.lists(st.integers(0, 12), min_size=1, max_size=3_000))
def test_groups_follow_each_other_cover_everything_and_are_not_small(pressures: list[int]) -> None:
    found = groups(np.array(pressures, dtype=np.int64))
    assert found[0][0] == 0
    assert len(found) <= MOST_GROUPS
    assert all(one[1] + 1 == other[0] for one, other in itertools.pairwise(found))
    sizes = [sum(low <= each <= high for each in pressures) for low, high in found]
    assert sum(sizes) == len(pressures)
    assert len(found) == 1 or min(sizes) >= LEAST_IN_GROUP


def test_what_is_refused_is_avoided_and_nothing_before_the_time_counts() -> None:
    trial = Trial()
    for person in range(40):
        trial.add(call(3 * person, person, at_ms=person), Came(*CAP))
        trial.add(call(3 * person + 1, person, at_ms=100 + person), Came(ALLOWED))
        trial.add(call(3 * person + 2, person, at_ms=200 + person), Came(*CAP) if person < 10 else Came(ALLOWED))
    found = forecast(trial.contacts(start_ms=100))
    assert (found.people, found.contacts, found.refused, found.allowed) == (40, 80, 10, 0)
    assert found.avoided is not None
    assert found.affected is not None
    assert found.avoided.value == found.affected.value == 10
    assert found.avoided.low < 10 < found.avoided.high
    assert found.opt_outs is None  # nobody opted out
    assert found.purchases is None  # nobody is held out


def test_who_would_not_have_opted_out_stays_open_to_what_was_refused_for_it() -> None:
    trial = Trial()
    for person in range(40):
        goes = person < 4
        trial.add(
            call(2 * person, person, at_ms=0, told=opted_out(1) if goes else ()), Came(*CAP) if goes else Came(ALLOWED)
        )
        later = ("DENY", "CONSENT_MISSING opt-in") if goes else (ALLOWED, "")
        trial.add(call(2 * person + 1, person, at_ms=HOUR_MS, was=later[0], by=later[1]), Came(*later))
    found = forecast(trial.contacts())
    passes = 72 / 80
    assert (found.refused, found.comes_back_most) == (4, 4)
    assert found.comes_back == pytest.approx(4 * passes)
    assert found.avoided is not None
    assert found.avoided.value == pytest.approx(4 - 4 * passes)
    assert found.avoided.low <= 0
    assert found.avoided.high >= 4


def test_repeats_reads_and_what_was_given_back_are_no_contacts() -> None:
    trial = Trial()
    plain = call(1, 1, at_ms=1)
    for change in ({"contact": False}, {"first": "f" * 32}, {"subject": ""}):
        trial.add(msgspec.structs.replace(plain, **change), Came(ALLOWED))
    assert trial.contacts().person.size == 0
    trial.add(msgspec.structs.replace(plain, end=End(5, gave_back=True)), Came(ALLOWED))
    assert (trial.contacts().before.tolist(), trial.contacts().after.tolist()) == ([False], [False])


def test_of_nobody_and_of_few_nothing_is_said() -> None:
    for people in (0, 5):
        trial = Trial()
        for person in range(people):
            trial.add(call(person, person, at_ms=person), Came(*CAP))
        found = forecast(trial.contacts())
        assert (found.refused, found.avoided, found.affected, found.opt_outs) == (people, None, None, None)


def replay(seed: int, *, rises: bool) -> tuple[Contacts, float]:
    """Four weeks of 400 people without a cap, and by how much one of 2 a week changes the opt-outs to be expected."""
    draw = np.random.default_rng(seed)
    trial, expected = Trial(), 0.0
    rows = sorted(
        (int(at), int(person)) for person in range(400) for at in draw.uniform(0, 4 * WEEK_MS, draw.poisson(12))
    )
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for number, (at_ms, person) in enumerate(rows):
        now = sum(at_ms - each < WEEK_MS for each in before.setdefault(person, []))
        then = sum(at_ms - each < WEEK_MS for each in after.setdefault(person, []))
        chance, less = (0.01 * (1.3**count if rises else 1.0) for count in (now, then))
        expected -= chance
        before[person].append(at_ms)
        if then < 2:
            after[person].append(at_ms)
            expected += less
        told = opted_out(at_ms) if draw.random() < chance else ()
        trial.add(call(number, person, at_ms=at_ms, told=told), Came(ALLOWED) if then < 2 else Came(*CAP))
    return trial.contacts(), expected


@pytest.mark.parametrize("rises", [True, False])
def test_intervals_of_the_change_in_opt_outs_hold_the_truth(*, rises: bool) -> None:
    held = 0
    for seed in range(40):
        contacts, truth = replay(seed, rises=rises)
        change = forecast(contacts).opt_outs
        assert change is not None
        held += change.low <= truth <= change.high
    assert held >= 35


def test_agents_that_come_back_are_known_by_it_and_a_rhythm_is_not_taken_for_it() -> None:
    draw = np.random.default_rng(1)

    def trial(*, back: bool) -> Contacts:
        rows = []
        for person in range(200):
            for number in range(8):
                at_ms = int((number + draw.random()) * 3 * 24 * HOUR_MS)
                refused = draw.random() < 0.3
                rows.append((at_ms, person, refused))
                if refused and back:
                    rows.append((at_ms + HOUR_MS, person, False))
        found = Trial()
        for number, (at_ms, person, refused) in enumerate(sorted(rows)):
            was, by = ("DENY", "QUIET_HOURS nights") if refused else (ALLOWED, "")
            found.add(call(number, person, at_ms=at_ms, was=was, by=by), Came(was, by))
        return found.contacts()

    some, none = returns(trial(back=True), alpha=0.05), returns(trial(back=False), alpha=0.05)
    assert some is not None
    assert none is not None
    assert some.low > 0.5
    assert none.low < 0.05
    assert none.high > -0.05
