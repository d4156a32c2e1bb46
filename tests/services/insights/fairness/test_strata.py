"""Ratios within strata: Simpson's paradox is found in both directions, and the interval holds for many small strata."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from services.insights.fairness.people import Group
from services.insights.fairness.rates import Table
from services.insights.fairness.strata import Stratified, Word, stratified
from services.insights.sums import Sums, total
from tests.services.insights.fairness.tables import table

Counts = tuple[tuple[float, int], tuple[float, int]]
"""What women and men got, and of how many, in one stratum."""


def found(*strata: Counts, alpha: float = 0.05) -> Stratified:
    tables = {
        str(number): table({"women": women, "men": men}, reference="men") for number, (women, men) in enumerate(strata)
    }
    groups: dict[Group, Sums] = {
        group: total(each.groups[group] for each in tables.values()) for group in (("women",), ("men",))
    }
    crude = Table(measure="offers", attributes=("gender",), groups=groups, share=True, reference=("men",))
    return stratified(tables, crude=crude, group=("women",), alpha=alpha)


def test_the_ratio_is_that_of_statsmodels() -> None:
    strata: list[Counts] = [((12, 40), (30, 80)), ((55, 200), (20, 60)), ((3, 10), (40, 90))]
    ours = found(*strata)
    theirs = StratifiedTable([[[x, n - x], [y, m - y]] for (x, n), (y, m) in strata])
    assert ours.ratio == pytest.approx(theirs.riskratio_pooled)


def test_one_stratum_has_the_crude_ratio() -> None:
    one = found(((30, 100), (60, 100)))
    assert one.crude is not None
    assert one.ratio == pytest.approx(one.crude.ratio)
    assert one.word is Word.SAME


def test_a_gap_that_comes_from_another_mix_of_segments_is_explained() -> None:
    """In each segment both get the same; women are more often in the one where few get anything."""
    same = found(((160, 1600), (40, 400)), ((200, 400), (800, 1600)))
    assert same.crude is not None
    assert same.crude.ratio == pytest.approx(360 / 840)
    assert same.ratio == pytest.approx(1)
    assert same.word is Word.EXPLAINED


def test_a_harm_in_every_segment_that_the_whole_hides_is_told() -> None:
    hidden = found(((50, 400), (400, 1600)), ((640, 1600), (270, 400)))
    assert hidden.crude is not None
    assert hidden.crude.ratio == pytest.approx(690 / 670)
    assert hidden.ratio is not None
    assert hidden.ratio < 0.65
    assert hidden.word is Word.HIDDEN


def test_a_harm_that_the_whole_turns_over_is_told() -> None:
    reversed_ratio = found(((28, 400), (160, 1600)), ((960, 1600), (320, 400)))
    assert reversed_ratio.crude is not None
    assert reversed_ratio.crude.ratio is not None
    assert reversed_ratio.crude.ratio > 1.25
    assert reversed_ratio.ratio is not None
    assert reversed_ratio.ratio < 0.8
    assert reversed_ratio.word is Word.REVERSED


def test_strata_too_thin_to_tell_are_no_explanation() -> None:
    unsure = found(((2, 38), (0, 1)), ((0, 1), (14, 38)), ((3, 10), (5, 10)))
    assert unsure.word is Word.UNSURE


def test_the_interval_holds_for_many_small_strata_and_for_few_large_ones() -> None:
    rng = np.random.default_rng(1)
    for strata, persons in ((2, 200), (60, 6)):
        covered = 0
        for _ in range(500):
            rates = rng.uniform(0.1, 0.6, strata)
            women, men = rng.binomial(persons, 0.6 * rates), rng.binomial(2 * persons, rates)
            counts = zip(women.tolist(), men.tolist(), strict=True)
            each = found(*(((one, persons), (two, 2 * persons)) for one, two in counts))
            assert each.interval is not None
            covered += each.interval.low <= 0.6 <= each.interval.high
        assert covered / 500 > 0.93


def test_too_few_and_nothing_are_answers() -> None:
    assert found().word is Word.TOO_FEW
    assert found(((5, 29), (50, 100))).word is Word.TOO_FEW
    nobody = found(((0, 40), (50, 100)))
    assert (nobody.ratio, nobody.word) == (None, Word.TOO_FEW)
    apart = found(((20, 40), (0, 0)), ((0, 0), (50, 100)))
    assert (apart.strata, apart.left_out, apart.word) == (0, 40, Word.TOO_FEW)


def test_the_order_of_strata_does_not_matter() -> None:
    strata: list[Counts] = [((12, 40), (30, 80)), ((55, 200), (20, 60)), ((3, 10), (40, 90))]
    one, other = found(*strata), found(*reversed(strata))
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval.low == pytest.approx(other.interval.low)
    assert one.word is other.word


def counted(people: int, mean: float, draw: np.random.Generator) -> Sums:
    got = draw.poisson(mean, people).astype(np.float64)
    return Sums(n=people, y=float(got.sum()), d=people, yy=float((got * got).sum()), dd=people, yd=float(got.sum()))


def test_counts_a_person_are_held_against_each_other_within_strata_too() -> None:
    """Who is in the busy segment gets three times as many contacts, and more women are in it."""
    draw, covered, explained = np.random.default_rng(3), 0, 0
    for _ in range(200):
        strata = {
            name: Table(
                measure="contacts",
                attributes=("gender",),
                groups={("women",): counted(women, mean, draw), ("men",): counted(men, mean, draw)},
                share=False,
                reference=("men",),
            )
            for name, women, men, mean in (("busy", 300, 100, 3.0), ("calm", 100, 300, 1.0))
        }
        groups: dict[Group, Sums] = {
            group: total(each.groups[group] for each in strata.values()) for group in (("women",), ("men",))
        }
        crude = Table(measure="contacts", attributes=("gender",), groups=groups, share=False, reference=("men",))
        each = stratified(strata, crude=crude, group=("women",))
        assert each.interval is not None
        covered += each.interval.low <= 1 <= each.interval.high
        explained += each.word is Word.EXPLAINED
    assert covered >= 0.93 * 200
    assert explained >= 0.93 * 200
