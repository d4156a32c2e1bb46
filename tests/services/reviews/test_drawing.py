"""Which decisions are drawn depends on nothing but themselves, and what is found of them estimates all."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.insights.review.sampling import Sums
from services.reviews.drawing import Hour, draw, joined, known_ones
from services.reviews.item import Item, Label, Why, id_of
from services.reviews.rules import ReviewRules
from tests.services.reviews.test_item import item, says

RULES = ReviewRules(random=0.02, risk=0.2, disagreement=0.5, known=0.5, most_per_hour=500)


def hour(count: int, *, seed: int = 1) -> Hour:
    """An hour with decisions of two agents; one in ten is risky, one in twenty another one than its shadow's."""
    made = np.random.default_rng(seed)
    risky = made.random(count) < 0.1
    return Hour(
        ids=[made.bytes(16).hex() for _ in range(count)],
        agents=["sales-bot" if each else "nurture" for each in made.random(count) < 0.7],
        models=["score"] * count,
        versions=["1"] * count,
        verdicts=["ALLOW"] * count,
        at_ms=np.arange(count),
        risks=np.where(risky, 0.9, 0.05),
        disagrees=made.random(count) < 0.05,
    )


def drawn_of(found: Hour, rules: ReviewRules = RULES, *, seed: int = 7) -> tuple[Item, ...]:
    return draw("acme", found, rules=rules, seed=seed, now_ms=10**9)[1]


def test_the_same_are_drawn_in_whatever_order_they_come_and_others_by_another_seed() -> None:
    found = hour(2_000)
    turned = msgspec.structs.replace(
        found, **{name: list(reversed(getattr(found, name))) for name in ("ids", "agents", "versions", "verdicts")},
        **{name: getattr(found, name)[::-1] for name in ("at_ms", "risks", "disagrees")},
    )  # fmt: skip
    one, other = ({each.decision: each.chance for each in drawn_of(some_hour)} for some_hour in (found, turned))
    assert one == pytest.approx(other)
    assert one.keys() != {each.decision for each in drawn_of(found, seed=8)}


def test_what_was_drawn_says_how_many_there_were_of_each_agent_and_version() -> None:
    found = hour(2_000)
    there, items = draw("acme", found, rules=RULES, seed=7, now_ms=0)
    assert there.items == len(items) > 50
    assert {(agent, n) for agent, *_, n in there.led} == {
        (agent, found.agents.count(agent)) for agent in ("nurture", "sales-bot")
    }
    assert {each.why for each in items} == {Why.RANDOM, Why.RISK, Why.DISAGREEMENT}
    assert draw("acme", hour(0), rules=RULES, seed=7, now_ms=0)[1] == ()


@given(some.integers(0, 2**63 - 1), some.integers(1, 100), some.floats(1e-6, 1))
def test_a_busy_hour_has_no_more_than_people_can_judge_and_every_decision_its_chance(
    seed: int, most: int, random: float
) -> None:
    rules = ReviewRules(random=random, risk=1.0, most_per_hour=most)
    items = drawn_of(BUSY, rules, seed=seed)
    assert len(items) <= most + 8 * most**0.5 + 8
    assert all(0 < each.chance <= 1 for each in items)


BUSY = hour(1_500, seed=3)


def test_weighed_by_their_chances_the_few_tell_how_many_of_all_are_wrong() -> None:
    found = hour(3_000)
    wrong = {each for each, risk in zip(found.ids, found.risks.tolist(), strict=True) if risk > 0.5}
    estimates = []
    for seed in range(60):
        items = drawn_of(found, seed=seed)
        sums = Sums.of([each.decision in wrong for each in items], probabilities=[each.chance for each in items])
        estimates.append(sums.wrong_weights)
    assert np.mean(estimates) == pytest.approx(len(wrong), rel=0.05)


def test_a_flagged_decision_that_is_drawn_as_well_keeps_what_was_said_and_gets_its_chance() -> None:
    there = item(1, answers=(says("ada", Label.RIGHT),), why=Why.FLAGGED, version=4)
    after = joined(there, item(1, chance=0.25))
    assert (after.answers, after.why, after.chance, after.version) == (there.answers, Why.FLAGGED, 0.25, 5)


def test_known_ones_are_those_that_were_found_wrong_and_nobody_who_spoke_of_one_is_given_it() -> None:
    both = (says("ada", Label.WRONG_SHOULD_ALLOW), says("bob", Label.WRONG_SHOULD_ALLOW))
    wrong = item(1, outcome=Label.WRONG_SHOULD_ALLOW, settled_ms=5, answers=both)
    right = item(2, outcome=Label.RIGHT, settled_ms=5)
    given_by_eve = item(3, why=Why.KNOWN, known=Label.RIGHT, barred=("eve",))
    asked = item(
        4, id=id_of("acme", f"{1:032x}", secret=1, more="known/1"), why=Why.KNOWN, known=Label.WRONG_SHOULD_ALLOW
    )
    former = msgspec.structs.replace(
        asked, decision=wrong.decision, created_ms=9, settled_ms=9, answers=(says("flo", Label.RIGHT),)
    )
    pool, drawn = [wrong, right, given_by_eve, former], [item(number) for number in range(10, 40)]
    found = {each.decision: each for each in known_ones(pool, drawn=drawn, rules=RULES, seed=1, hour=2, now_ms=9)}
    assert found.keys() == {wrong.decision, given_by_eve.decision}
    assert found[wrong.decision].barred == ("ada", "bob", "flo")
    assert found[given_by_eve.decision].barred == ("eve",)
    assert {each.known for each in found.values()} == {Label.WRONG_SHOULD_ALLOW, Label.RIGHT}
    assert {each.chance for each in found.values()} == {0.0}
    waits = [*pool, msgspec.structs.replace(former, settled_ms=0)]
    later = known_ones(waits, drawn=drawn, rules=RULES, seed=1, hour=3, now_ms=9)
    assert [each.decision for each in later] == [given_by_eve.decision]
