"""Uneven contacts and many decisions about the same people: what they really tell, so that alarms stay rare."""

from collections.abc import Callable

import numpy as np
import pytest

from services.insights.fairness.designs import designs
from services.insights.fairness.judging import Kind, Subject, judge
from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from services.insights.sums import Sums

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def contacts(size: float, mean: float) -> Draw:
    """Negative binomial contacts of so many persons."""
    return lambda rng, persons: (rng.negative_binomial(size, size / (size + mean), persons), np.ones(persons))


def decisions(rate: float, certainty: float) -> Draw:
    """About eight decisions of each person, whose own rate is drawn from a beta distribution."""

    def draw(rng: np.random.Generator, persons: int) -> tuple[np.ndarray, np.ndarray]:
        each, own = rng.poisson(8, persons), rng.beta(rate * certainty, (1 - rate) * certainty, persons)
        return rng.binomial(each, own), each

    return draw


@pytest.mark.parametrize(
    ("large", "small", "share"),
    [
        (contacts(0.1, 2), contacts(0.1, 2), False),
        (contacts(0.3, 0.1), contacts(0.3, 0.1), False),
        (decisions(0.02, 0.2), decisions(0.02, 0.2), True),
        (decisions(0.5, 0.3), decisions(0.5, 0.3), True),
        (contacts(0.6, 2), contacts(0.3, 2), False),  # the small groups are twice as uneven
    ],
)
@pytest.mark.parametrize("sizes", [(100, 100, 100), (3000, 30, 30, 30)])
def test_uneven_contacts_and_decisions_about_the_same_people_rarely_alarm(
    large: Draw,
    small: Draw,
    share: bool,  # noqa: FBT001
    sizes: tuple[int, ...],
) -> None:
    rng, alarms = np.random.default_rng(9), 0
    for _ in range(250):
        groups: dict[Group, Sums] = {}
        for number, persons in enumerate(sizes):
            y, d = (small if number else large)(rng, persons)
            groups[str(number),] = Sums.of(y.astype(float), denominators=d.astype(float))
        measured = Table(measure="contacts", attributes=("age",), groups=groups, share=share)
        alarms += bool(judge([Subject(table=measured, kind=Kind.BURDEN)]).alerts)
    print(f"{sizes}: {alarms / 250:.1%}")  # noqa: T201
    assert alarms / 250 <= 0.05


def test_the_design_effect_is_the_variance_beside_that_of_independent_events() -> None:
    y = np.array([0.0, 0, 0, 4, 8, 0] * 20)
    assert designs({("a",): Sums.of(y)}, share=False)["a",] == pytest.approx(np.var(y, ddof=1) / np.mean(y))
    twins = Sums.of(np.array([0.0, 2] * 50), denominators=np.full(100, 2.0))
    assert designs({("a",): twins}, share=True)["a",] == pytest.approx(2 * 100 / 99)


def test_a_group_with_few_events_takes_the_unevenness_of_all() -> None:
    many, quiet = Sums.of(np.array([0.0, 0, 0, 8] * 100)), Sums.of(np.array([1.0] * 4 + [0.0] * 36))
    found = designs({("many",): many, ("quiet",): quiet}, share=False)
    assert found["quiet",] > found["many",] > 5
    assert designs({}, share=False) == {}
    assert designs({("none",): Sums.of(np.zeros(40))}, share=False) == {("none",): 1}
