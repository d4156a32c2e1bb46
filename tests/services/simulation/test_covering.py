"""The cockpit's intervals cover the truth as often as they say, over quarters in which the truth is known.

`pytest -s -m integration tests/services/simulation/test_covering.py` prints how often each of them does.
"""

from collections.abc import Mapping, Sequence

import pytest

from tests.services.simulation.covering import Said, said

NAMES = ("incremental revenue", "conversion", "opt-out rate", "NPS", "perceived pressure")


def held(found: Sequence[Mapping[str, Said]], name: str) -> int:
    return sum(each[name].holds for each in found)


def test_of_eight_quarters_no_interval_misses_more_than_two_truths() -> None:
    found = [said(seed) for seed in range(8)]
    assert {name: held(found, name) for name in NAMES if held(found, name) < 6} == {}
    # Intervals that say nothing would hold as well.
    assert all(each["incremental revenue"].low > 0 for each in found[:3])


@pytest.mark.integration
@pytest.mark.timeout(3_600)
def test_of_two_hundred_quarters_intervals_of_95_percent_hold_in_91_to_98_5() -> None:
    found = [said(seed) for seed in range(200)]
    for name in NAMES:
        rate = held(found, name) / len(found)
        print(f"{name}: {rate:.1%}")  # noqa: T201 - what the chapter states
        bias = sum(each[name].value - each[name].truth for each in found) / len(found)
        width = sum(each[name].high - each[name].low for each in found) / len(found)
        assert abs(bias) < width / 20, f"{name} is off by {bias} on average"
        assert 0.91 <= rate <= 0.985, f"{name} holds in {rate:.1%}"
