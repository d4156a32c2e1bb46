"""What is said of fatigue holds where other ways of counting blame contacts that harm nobody. `-n 0 -s` shows it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.insights.pressure.deciles import Fatigue, costs
from services.insights.pressure.trends import between
from services.insights.pressure.watching import Clock, Moments, watch
from services.workbench.looks.pressure_contacts import WEEK_MS, Contacts
from services.workbench.looks.pressure_weeks import ANSWERS, OPT_OUTS, Weeks, fatigue, weeks_of

WEEKS, LOOKS = 8, 4
Counts = NDArray[np.int64]
Truths = NDArray[np.bool_]


def contacts(person: Counts, at_ms: Counts, *, unsubscribed: Truths, since_ms: Counts) -> Contacts:
    order = np.argsort(at_ms, kind="stable")
    none = np.zeros(person.size, dtype=np.bool_)
    return Contacts(
        person=person[order],
        at_ms=at_ms[order],
        leaf=np.arange(person.size),
        agent=np.zeros(person.size, dtype=np.int64),
        agents=("sales-bot",),
        held=none,
        since_ms=since_ms[person[order]],
        unsubscribed=unsubscribed[order],
        complained=none,
        answered=none,
        much=none,
    )


def harmless(rng: np.random.Generator, people: int, *, liking: float, stays: float) -> Contacts:
    """Weeks in which each contact is one too many with the same chance, whatever came before.

    Some get more than others, and for a person who does the chance is larger by `liking`; moods, in which somebody gets
    four times as much, stay from week to week with the chance `stays`.
    """
    likes = rng.gamma(2.0, 0.5, people)
    mood = (rng.random(people)[:, None] < 0.5) ^ (np.cumsum(rng.random((people, WEEKS)) > stays, axis=1) % 2 == 1)
    amounts = rng.poisson(1.5 * likes[:, None] * np.where(mood, 1.6, 0.4))
    who, week = np.divmod(np.repeat(np.arange(people * WEEKS), amounts.ravel()), WEEKS)
    at_ms = ((week + rng.random(who.size)) * WEEK_MS).astype(np.int64)
    order = np.lexsort((at_ms, who))
    who, at_ms = who[order], at_ms[order]
    gone = rng.random(who.size) < np.minimum(0.03 * np.exp(liking * (likes[who] - 1)), 0.3)
    first = np.searchsorted(who, who)
    before: Counts = np.cumsum(gone) - gone
    still: Truths = before == before[first]
    people_left, who = np.unique(who[still], return_inverse=True)
    since = np.full(people_left.size, np.iinfo(np.int64).max)
    np.minimum.at(since, who, at_ms[still])
    return contacts(who.astype(np.int64), at_ms[still], unsubscribed=gone[still], since_ms=since)


def weeks(given: Contacts) -> Weeks:
    return weeks_of(given, start_ms=0, weeks=WEEKS, looks=LOOKS)


def test_contacts_that_harm_alike_are_not_blamed_though_other_ways_of_counting_blame_them() -> None:
    rng, runs = np.random.default_rng(31), 100
    raised = proven = against_looks = by_person = 0
    for _ in range(runs):
        made = harmless(rng, 1500, liking=0.0, stays=0.8)
        its = weeks(made)
        opt_outs = {each.outcome: each for each in fatigue(its, alpha=0.05)}[OPT_OUTS]
        raised += opt_outs.fatigue in {Fatigue.PROVEN, Fatigue.ASSOCIATED}
        proven += opt_outs.fatigue is Fatigue.PROVEN
        naive = {each.outcome: each for each in costs(its.watches, alpha=0.05)}[OPT_OUTS]
        against_looks += naive.within is not None and naive.within.ratio.low > 1
        clock = Clock(looks_ms=tuple(each * WEEK_MS for each in range(4, 8)), window_ms=WEEK_MS, horizon_ms=WEEK_MS)
        sent, gone = Moments.of(made.person, made.at_ms), made.unsubscribed
        left = Moments.of(made.person[gone], made.at_ms[gone])
        plain = between(watch(made.people, contacts=sent, events=left, clock=clock), alpha=0.05 / 9)
        by_person += plain is not None and plain.ratio.low > 1
    shares = {"raised": raised, "proven": proven, "against earlier looks": against_looks, "by person": by_person}
    print({name: f"{each / runs:.1%}" for name, each in shares.items()})  # noqa: T201
    assert raised <= 0.05 * runs
    assert against_looks > 0.1 * runs
    assert by_person > 0.9 * runs


def test_who_gets_more_and_leaves_more_anyway_is_associated_and_never_taken_for_proof() -> None:
    rng, runs = np.random.default_rng(32), 100
    found = [
        {each.outcome: each for each in fatigue(weeks(harmless(rng, 1500, liking=1.0, stays=0.8)), alpha=0.05)}[
            OPT_OUTS
        ]
        for _ in range(runs)
    ]
    proven = sum(each.fatigue is Fatigue.PROVEN for each in found)
    associated = sum(each.fatigue is Fatigue.ASSOCIATED for each in found)
    print(f"proven {proven / runs:.1%}, associated {associated / runs:.1%}")  # noqa: T201
    assert proven <= 0.05 * runs
    assert associated > 0


few = st.lists(st.tuples(st.integers(0, 4), st.integers(0, WEEKS * WEEK_MS - 1), st.booleans()), max_size=40)


@settings(max_examples=60, deadline=None)
@given(few)
def test_each_week_of_each_person_is_as_counted_one_by_one(given: list[tuple[int, int, bool]]) -> None:
    given = sorted({at_ms: (person, at_ms, gone) for person, at_ms, gone in given}.values(), key=lambda each: each[1])
    names = sorted({person for person, _, _ in given})
    person = np.array([names.index(each[0]) for each in given], dtype=np.int64)
    at_ms = np.array([each[1] for each in given], dtype=np.int64)
    gone = np.array([each[2] for each in given], dtype=np.bool_)
    made = contacts(person, at_ms, unsubscribed=gone, since_ms=np.zeros(len(names), dtype=np.int64))
    its = weeks(made)
    seen = its.watches[OPT_OUTS]
    for who in range(len(names)):
        own = [(at // WEEK_MS, bool(left)) for one, at, left in zip(person, at_ms, gone, strict=True) if one == who]
        for look in range(LOOKS):
            week = WEEKS - LOOKS + look
            inside = [left for at, left in own if at == week]
            assert seen.pressure[who, look] == sum(at == week - 1 for at, _ in own)
            assert seen.at_risk[who, look] == (bool(inside) and not any(left for at, left in own if at < week))
            assert seen.event[who, look] == (seen.at_risk[who, look] and inside[0])
            before = [np.log2(1 + sum(at == each for at, _ in own)) for each in range(week)]
            assert np.isclose(its.more[who, look], before[-1] - np.mean(before[:-1]))
    assert not its.watches[ANSWERS].at_risk.any()
    assert {each.fatigue for each in fatigue(its, alpha=0.05)} == {Fatigue.TOO_FEW}
