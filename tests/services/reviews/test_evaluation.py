"""What reviewers say of a version estimates all that it led to, in all tenants, and counts nothing twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.evaluation import NOTHING, Reviewed, evaluations
from services.reviews.item import Item, Label, Why
from tests.services.reviews.test_item import item, says

VERSION = ("lead-score", "2")
RIGHT, DENY = Label.RIGHT, Label.WRONG_SHOULD_DENY


def judged(number: int, label: Label, *, hour: int = 1, **more: object) -> Item:
    """One that ada and bob agree about."""
    both = (says("ada", label), says("bob", label))
    plain: dict[str, object] = {"model": VERSION[0], "model_version": VERSION[1], "chance": 0.5, "verdict": "ALLOW"}
    plain |= {"answers": both, "outcome": label, "settled_ms": 9, "received_ms": hour * HOUR_MS}
    return item(number, **(plain | more))


def drawn(count: int, there: int, *, agent: str = "sales-bot") -> Drawn:
    return Drawn(count, ((agent, *VERSION, there),))


def test_flagged_and_known_ones_and_hours_that_wait_estimate_nothing() -> None:
    settled = [judged(number, DENY if number < 4 else RIGHT) for number in range(1, 21)]
    flagged = judged(30, DENY, why=Why.FLAGGED, chance=0.0)
    known = judged(31, DENY, why=Why.KNOWN, known=DENY, chance=0.0)
    waits = judged(32, DENY, hour=2)
    hours = {1: drawn(20, 40), 2: drawn(2, 90)}
    (said,) = evaluations([Reviewed([*settled, flagged, known, waits], hours)]).values()
    assert (said.settled, said.found, said.all.reviewed, said.all.decisions) == (22, 5, 20, 40)
    assert said.all.rate is not None
    assert said.all.rate.value == pytest.approx(3 / 20)
    assert said.all.rate.low < 3 / 20 < said.all.rate.high
    assert (said.agents, said.agreement.items) == ((), 22)


def test_tenants_add_up_and_agents_of_whom_too_little_is_known_are_left_out() -> None:
    one = [judged(number, RIGHT) for number in range(1, 16)]
    other = [judged(number, DENY, agent="nurture", tenant="globex") for number in range(1, 13)]
    few = [judged(number, DENY, agent="rare-bot", tenant="globex", hour=3) for number in range(20, 23)]
    found = evaluations(
        [
            Reviewed(one, {1: drawn(15, 30)}),
            Reviewed([*other, *few], {1: drawn(12, 24, agent="nurture"), 3: drawn(3, 6, agent="rare-bot")}),
        ]
    )
    said = found[VERSION]
    assert (said.settled, said.found, said.all.reviewed, said.all.decisions) == (30, 15, 30, 60)
    assert [(each.agent, each.rate.value) for each in said.agents if each.rate is not None] == [
        ("sales-bot", 0.0), ("nurture", pytest.approx(1.0)),
    ]  # fmt: skip
    assert found.get(("lead-score", "1"), NOTHING).settled == 0


def test_an_hour_of_which_the_models_are_not_known_counts_for_no_rate() -> None:
    settled = [judged(number, DENY) for number in range(1, 21)]
    (said,) = evaluations([Reviewed(settled, {1: Drawn(20)})]).values()
    assert (said.settled, said.all.reviewed, said.all.rate) == (20, 0, None)


LABELLED = some.tuples(some.sampled_from([RIGHT, DENY, Label.UNCLEAR]), some.integers(1, 3), some.floats(0.01, 1))


@given(some.lists(LABELLED, max_size=40))
def test_whatever_was_said_no_more_are_reviewed_than_were_settled_and_intervals_are_shares(
    said: list[tuple[Label, int, float]],
) -> None:
    settled = [judged(at, label, hour=hour, chance=chance) for at, (label, hour, chance) in enumerate(said, start=1)]
    counts = {hour: sum(each[1] == hour for each in said) for hour in (1, 2, 3)}
    hours = {hour: drawn(count, count * 3 + 1) for hour, count in counts.items()}
    for each in evaluations([Reviewed(settled, hours)]).values():
        assert each.found <= each.settled == len(said)
        assert each.all.reviewed <= min(each.settled, each.all.decisions)
        if each.all.rate is not None:
            assert 0 <= each.all.rate.low <= each.all.rate.high <= 1
            assert (each.all.rate.value == 0) == (each.found == 0)


def test_over_many_draws_the_estimate_is_that_of_all_decisions() -> None:
    """200 weeks of 400 decisions, one in eight of them wrong: the mean is that, and nearly all intervals hold it."""
    random, rates, held = np.random.default_rng(11), list[float](), 0
    wrong = np.arange(400) % 8 == 0
    chances = np.where(wrong, 0.5, 0.15)
    for _ in range(200):
        taken = np.flatnonzero(random.random(400) < chances).tolist()
        settled = [judged(at + 1, DENY if wrong[at] else RIGHT, chance=float(chances[at])) for at in taken]
        said = evaluations([Reviewed(settled, {1: drawn(len(taken), 400)})])[VERSION].all.rate
        assert said is not None
        rates.append(said.value)
        held += said.low <= 0.125 <= said.high
    assert np.mean(rates) == pytest.approx(0.125, abs=0.01)
    assert held >= 0.93 * 200
