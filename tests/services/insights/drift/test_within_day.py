"""What changes within a day is told within hours, and a day in which nothing changes hardly ever raises a word."""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.drift.histograms import Grid, Histogram
from services.insights.drift.seasons import Reference
from services.insights.drift.streaming import Detector
from services.insights.drift.within_day import LEAST_AT_HOUR, PARTS, EarlyWord, early_word

GRID = Grid(0.02, logarithmic=True)
DAY = 24
TODAY = 15 * DAY
ALPHA = 0.01 / 280
"""Of one stream of forty, of a week's seven days."""
Rng = np.random.Generator
Draw = Callable[[Rng, np.ndarray], np.ndarray]


def usual(hours: np.ndarray) -> np.ndarray:
    """By the hour of day: nights have few calls."""
    return np.asarray(1 + 0.8 * np.sin(2 * np.pi * hours / DAY))


def latency(shift: float = 0.0) -> Draw:
    """Heavy-tailed, and slower at night; `shift` in standard deviations of its logarithm."""
    return lambda rng, hours: rng.lognormal(10 + 0.4 * (hours % DAY < 8) + 0.5 * shift, 0.5)


def verdicts(refused: float) -> Draw:
    """More are refused at night."""
    return lambda rng, hours: np.where(
        rng.random(hours.size) < refused * (1 + 0.3 * (hours % DAY < 8)), "DENY", "ALLOW"
    )


def drawn(rng: Rng, draw: Draw, hours: np.ndarray, *, hourly: float, parts: int = 1) -> dict[int, Histogram]:
    """Parts of these hours, with so many calls in an hour on average."""
    places = (hours[:, None] * parts + np.arange(parts)).ravel()
    amounts = rng.poisson(hourly * usual(places // parts) / parts)
    at = np.repeat(places, amounts)
    found = np.split(draw(rng, at // parts), np.cumsum(amounts)[:-1])
    return {place: _histogram(values) for place, values in zip(places.tolist(), found, strict=True) if values.size}


def _histogram(values: np.ndarray) -> Histogram:
    return Histogram.of_names(values) if values.dtype.kind == "U" else Histogram.of_numbers(values, grid=GRID)


def before(rng: Rng, draw: Draw, *, hourly: float) -> Reference:
    return Reference.of(drawn(rng, draw, np.arange(14 * DAY), hourly=hourly))


def today(
    rng: Rng, draw: Draw, *, hourly: float, hours: int = DAY, after: Draw | None = None, at: int = 0
) -> dict[int, Histogram]:
    """The parts of so many hours of the day; from the hour `at` on they may be otherwise."""
    some = drawn(rng, draw, np.arange(TODAY, TODAY + at if after else TODAY + hours), hourly=hourly, parts=PARTS)
    return some | (drawn(rng, after, np.arange(TODAY + at, TODAY + hours), hourly=hourly, parts=PARTS) if after else {})


def told(
    rng: Rng, draw: Draw, *, hourly: float, alpha: float = ALPHA, after: Draw | None = None, at: int = 0
) -> EarlyWord | None:
    reference = before(rng, draw, hourly=hourly)
    parts = today(rng, draw, hourly=hourly, after=after, at=at)
    return early_word(reference, parts, alpha=alpha, name="DENY" if reference.grid is None else "")


QUIET = {
    "latency": latency(),
    "2 % refused": verdicts(0.02),
    "10 % refused": verdicts(0.1),
    "20 % refused": verdicts(0.2),
    "50 % refused": verdicts(0.5),
}


def words(days: int, *, hourly: float, seed: int) -> Mapping[str, int]:
    rng = np.random.default_rng(seed)
    found = {
        name: sum(told(rng, draw, hourly=hourly, alpha=0.05) is not None for _ in range(days))
        for name, draw in QUIET.items()
    }
    print(f"\n{hourly} calls an hour, of {days} days without drift at alpha 5 %: {found}")  # noqa: T201
    return found


def test_days_without_drift_hardly_ever_get_a_word() -> None:
    assert sum(words(6, hourly=60, seed=1).values()) <= 2


@pytest.mark.integration
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hourly", [20, 100, 600])
def test_at_most_five_of_a_hundred_days_without_drift_get_a_word(hourly: float) -> None:
    assert max(words(1000, hourly=hourly, seed=2).values()) <= 50


@pytest.mark.parametrize(
    ("draw", "after", "hourly", "within"),
    [
        (verdicts(0.2), verdicts(0.5), 300, 1),
        (verdicts(0.2), verdicts(0.3), 300, 4),
        (verdicts(0.02), verdicts(0.32), 60, 6),
        (latency(), latency(0.25), 400, 7),
        (latency(), latency(-0.5), 100, 8),
    ],
)
def test_a_change_is_told_within_hours_with_when_it_began(draw: Draw, after: Draw, hourly: float, within: int) -> None:
    rng = np.random.default_rng(3)
    found = [told(rng, draw, hourly=hourly, after=after, at=10) for _ in range(3)]
    for each in found:
        assert each is not None
        assert TODAY + 10 < each.until_hour <= TODAY + 10 + within
        assert each.interval.low > 0 or each.interval.high < 0
        assert each.interval.low <= each.rise <= each.interval.high
    assert np.median([each.since_hour - TODAY for each in found if each]) in {9, 10}


def test_by_how_much_a_share_has_risen_lies_in_the_interval() -> None:
    rng = np.random.default_rng(4)
    found = [told(rng, verdicts(0.2), hourly=300, after=verdicts(0.4), at=10) for _ in range(5)]
    since = [each.interval for each in found if each is not None and each.since_hour >= TODAY + 10]
    assert len(since) >= 3
    assert all(each.low <= 0.2 <= each.high for each in since)


def test_the_word_stays_the_same_as_the_day_goes_on_and_there_was_none_before() -> None:
    rng = np.random.default_rng(5)
    reference = before(rng, latency(), hourly=200)
    parts = today(rng, latency(), hourly=200, after=latency(0.4), at=6)
    whole = early_word(reference, parts, alpha=ALPHA)
    assert whole is not None
    for hour in range(TODAY, TODAY + DAY + 1):
        read = {part: each for part, each in parts.items() if part < hour * PARTS}
        assert early_word(reference, read, alpha=ALPHA) == (whole if hour >= whole.until_hour else None)


def test_both_detectors_are_listened_to() -> None:
    rng, found = np.random.default_rng(6), set()
    for number in range(6):
        after = latency(0.6 if number % 2 else -0.6)
        word = told(rng, latency(), hourly=400, after=after, at=12)
        found.add(word.detector if word else None)
    assert found <= {Detector.PAGE_HINKLEY, Detector.ADWIN}


def test_hours_that_the_reference_hardly_knows_are_not_listened_to() -> None:
    few = {hour: Histogram.of_names(["ALLOW"] * (LEAST_AT_HOUR - 1)) for hour in range(DAY)}
    refused = {TODAY * PARTS + part: Histogram.of_names(["DENY"] * 50) for part in range(PARTS)}
    assert early_word(Reference.of(few), refused, alpha=ALPHA, name="DENY") is None
    assert early_word(Reference.of(few), {}, alpha=ALPHA, name="DENY") is None
    enough = {hour: Histogram.of_names(["ALLOW"] * LEAST_AT_HOUR) for hour in range(DAY)}
    word = early_word(Reference.of(enough), refused, alpha=ALPHA, name="DENY")
    assert word is not None
    assert (word.rise, word.size, word.since_hour, word.until_hour) == (1.0, 600.0, TODAY, TODAY + 1)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, DAY * PARTS - 1),
        st.lists(st.sampled_from([0.0, 1.0, 5.0, np.nan, np.inf]), min_size=1, max_size=40),
        max_size=60,
    )
)
def test_whatever_comes_a_word_is_about_hours_of_the_day_and_never_changes(values: dict[int, list[float]]) -> None:
    rng = np.random.default_rng(7)
    reference = Reference.of(
        {hour: Histogram.of_numbers(rng.integers(0, 3, 120).astype(float), grid=GRID) for hour in range(DAY)}
    )
    parts = {TODAY * PARTS + part: Histogram.of_numbers(each, grid=GRID) for part, each in values.items()}
    word = early_word(reference, parts, alpha=0.01)
    if word is not None:
        assert TODAY <= word.since_hour < word.until_hour <= TODAY + DAY
        assert -1 <= word.interval.low <= word.rise <= word.interval.high <= 1
        read = {part: each for part, each in parts.items() if part < word.until_hour * PARTS}
        assert msgspec.structs.asdict(early_word(reference, read, alpha=0.01) or word) == msgspec.structs.asdict(word)
        assert early_word(reference, read, alpha=0.01) is not None
