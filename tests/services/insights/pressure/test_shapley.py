"""People over the cap, shared out among agents: as by all orders, adding up, with honest intervals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.insights.pressure.attribution import Sent
from services.insights.pressure.shapley import Overload, overload
from services.insights.pressure.watching import Moments

PEOPLE = st.lists(st.tuples(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.integers(0, 5)), max_size=12)


def shared(counts: list[list[int]] | NDArray[np.int64], caps: list[float], *, draws: int = 100) -> Overload:
    """From contacts of people (rows) by agents (columns)."""
    table = np.array(counts, dtype=np.int64).reshape(len(caps), len(counts[0]) if len(counts) else 4)
    names = tuple(f"agent {place}" for place in range(table.shape[1]))
    person, by = (np.repeat(each.ravel(), table.ravel()) for each in np.indices(table.shape))
    return overload(Sent.of(Moments.of(person, person), by, names), caps, seed=1, draws=draws)


@given(PEOPLE)
def test_an_agent_accounts_for_those_whom_it_brings_over_the_cap_in_the_average_order(
    people: list[tuple[list[int], int]],
) -> None:
    counts, caps = [each for each, _ in people], [float(cap) for _, cap in people]
    found = shared(counts, caps)
    wanted = [0.0] * 4
    for (own, cap), order in itertools.product(people, itertools.permutations(range(4))):
        for place, agent in enumerate(order):
            had = sum(own[each] for each in order[:place])
            wanted[agent] += (had <= cap < had + own[agent]) / math.factorial(4)
    if people:
        assert [each.people for each in found.agents] == pytest.approx(wanted)
    assert found.exact
    assert found.over == sum(sum(own) > cap for own, cap in people)
    assert sum(each.people for each in found.agents) == pytest.approx(found.over)


@given(PEOPLE.filter(bool), PEOPLE.filter(bool))
def test_the_values_of_two_cells_add_up(one: list[tuple[list[int], int]], other: list[tuple[list[int], int]]) -> None:
    parts = [shared([own for own, _ in each], [float(cap) for _, cap in each]) for each in (one, other, one + other)]
    for agent in range(4):
        assert parts[0].agents[agent].people + parts[1].agents[agent].people == pytest.approx(
            parts[2].agents[agent].people
        )


def test_twelve_are_exact_thirteen_are_drawn_and_agree() -> None:
    rng = np.random.default_rng(41)
    counts = rng.poisson(rng.gamma(0.5, 1.0, 12), (300, 12))
    caps = [float(each) for each in rng.integers(2, 6, 300)]
    exact = shared(counts, caps)
    # One more who writes to a single person makes it a sample, and hardly moves anything.
    counts = np.column_stack([counts, np.zeros(300, dtype=np.int64)])
    counts[np.argmax(counts.sum(axis=1)), 12] = 1
    drawn = shared(counts, caps)
    assert (exact.exact, drawn.exact) == (True, False)
    assert exact.sampling_error == 0 < drawn.sampling_error < 3
    for one, other in zip(exact.agents, drawn.agents[:12], strict=True):
        assert other.people == pytest.approx(one.people, abs=5 * drawn.sampling_error + 1)
        assert other.alone == one.alone
        assert abs(other.needed - one.needed) <= 1
    assert sum(each.people for each in drawn.agents) == pytest.approx(drawn.over)
    assert shared(counts, caps) == drawn


def test_equal_agents_share_evenly_and_one_who_wrote_to_none_of_them_has_no_part() -> None:
    found = shared([[2, 2, 0]] * 40 + [[0, 0, 1]] * 40, [3.0] * 80)
    assert [each.people for each in found.agents] == pytest.approx([20, 20, 0])
    assert [each.needed for each in found.agents] == [40, 40, 0]
    assert [each.alone for each in found.agents] == [0, 0, 0]
    assert found.agents[0].contacts is not None
    assert found.agents[0].contacts.value == 0.5


def test_one_who_wrote_too_often_by_itself_has_more_than_its_share_of_contacts() -> None:
    """Three of five contacts, but nobody would be over the cap of 2 without it."""
    (often, seldom) = shared([[3, 1], [3, 1]] * 20, [2.0] * 40).agents
    assert often.share is not None
    assert often.contacts is not None
    assert (often.share.value, often.contacts.value, seldom.people) == (1.0, 0.75, 0)


def test_nobody_is_over_a_cap_that_is_none() -> None:
    found = shared([[9, 9]] * 40, [math.nan, math.inf] * 20)
    assert found.over == 0
    assert [(each.people, each.share) for each in found.agents] == [(0, None)] * 2


def test_half_a_cap_and_thousands_of_contacts_are_counted_as_they_are() -> None:
    found = shared([[5000, 1]] * 30, [2.5] * 30)
    assert [each.people for each in found.agents] == pytest.approx([30, 0])


@pytest.mark.parametrize(
    ("caps", "draws", "says"), [([-1.0], 100, "0 or more"), ([1.0], 3, "four orders"), ([], 100, "no entry")]
)
def test_what_cannot_be_shared_out_is_refused(caps: list[float], draws: int, says: str) -> None:
    sent = Sent.of(Moments.of([0], [1]), [0], ("one",))
    with pytest.raises(ValueError, match=says):
        overload(sent, caps, seed=1, draws=draws)


def test_intervals_of_all_agents_hold_in_95_of_100_replays() -> None:
    rng = np.random.default_rng(42)
    means = np.array([1.0, 0.6, 0.3, 0.1])
    truth = shared(rng.poisson(means, (200_000, 4)), [3.0] * 200_000)
    held = plain = 0
    for _ in range(400):
        found = shared(rng.poisson(means, (600, 4)), [3.0] * 600)
        for one, other in zip(found.agents, truth.agents, strict=True):
            assert one.contacts is not None
            assert other.contacts is not None
        held += all(
            one.share is not None and other.share is not None and one.share.low <= other.share.value <= one.share.high
            for one, other in zip(found.agents, truth.agents, strict=True)
        )
        plain += all(
            one.contacts is not None
            and other.contacts is not None
            and one.contacts.low <= other.contacts.value <= one.contacts.high
            for one, other in zip(found.agents, truth.agents, strict=True)
        )
    print(f"Shapley shares {held / 4:.1f} %, plain shares {plain / 4:.1f} %")  # noqa: T201
    assert min(held, plain) >= 0.935 * 400
