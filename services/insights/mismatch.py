"""Whether subjects were assigned as the policy says: sample-ratio mismatch, and subjects seen in several variations.

Both mean that the arms may not be compared: something loses or moves subjects of one arm, and who is left differs.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from scipy.special import gammaincc

ALARM_P: Final = 0.001
"""Probability of a mismatch as large by chance, below which there is an alarm. So strict because one looks often, and
a real defect reaches it soon (Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments",
2019)."""

SEVERAL_SHARE: Final = 0.01
"""Share of subjects seen in several variations, or in one that was closed, above which there is a finding."""

_FEWEST_EXPECTED: Final = 5
"""Subjects that each arm must expect before the chi-square distribution describes them."""


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A time with one allocation."""

    name: str
    """What people know it by, such as the revisions."""
    weights: Mapping[str, float]
    """Of each arm, in any unit; 0 for an arm that was closed."""
    subjects: Mapping[str, int]
    """Who came in first in this phase, by the arm they were seen in."""


class Ratio(StrEnum):
    """What is found of a phase."""

    FINE = "FINE"
    MISMATCH = "MISMATCH"
    TOO_FEW = "TOO_FEW"


class PhaseFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One phase, tested against its own weights."""

    name: str
    ratio: Ratio
    counted: Mapping[str, int]
    """Subjects that each open arm has."""
    expected: Mapping[str, float]
    """Subjects that it should have."""
    statistic: float = 0.0
    """Chi-square."""
    freedom: int = 0
    """Its degrees of freedom: open arms less one."""
    p_value: float = 1.0
    stray: int = 0
    """Subjects in arms that were closed. They are left out of the test; a few come from gateways that have not heard
    yet."""


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """All phases, and together those that could be tested."""

    phases: tuple[PhaseFinding, ...]
    p_value: float
    """Of the sum of their chi-squares: each phase is held to its own weights, so new weights alone never alarm."""
    stray_share: float

    @property
    def alarms(self) -> bool:
        """Whether a phase, or all of them together, must not be believed."""
        return (
            self.p_value < ALARM_P
            or self.stray_share > SEVERAL_SHARE
            or any(each.ratio is Ratio.MISMATCH for each in self.phases)
        )


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Subjects who were seen in several variations. They are counted and left out of every comparison."""

    subjects: int
    """Seen in one variation only."""
    several: int

    @property
    def share(self) -> float:
        """Of all subjects, 0 to 1."""
        return self.several / (self.subjects + self.several) if self.several else 0.0

    @property
    def alarms(self) -> bool:
        """Whether there are more than a changed session or a moved identity explain."""
        return self.share > SEVERAL_SHARE


def mismatch(phases: Sequence[Phase]) -> Mismatch:
    """Test each phase against its own weights, and then all that could be tested together.

    Subjects count in the phase in which they were first seen, once. Chi-square is for one look; with p < 0.001 at 28
    looks about one experiment in a hundred alarms by chance.
    """
    found = tuple(_phase(each) for each in phases)
    tested = [each for each in found if each.ratio is not Ratio.TOO_FEW]
    everybody = sum(sum(each.subjects.values()) for each in phases)
    return Mismatch(
        phases=found,
        p_value=_p_value(sum(each.statistic for each in tested), freedom=sum(each.freedom for each in tested)),
        stray_share=sum(each.stray for each in found) / everybody if everybody else 0.0,
    )


def _phase(phase: Phase) -> PhaseFinding:
    open_arms = {arm: weight for arm, weight in phase.weights.items() if weight > 0}
    counted = {arm: phase.subjects.get(arm, 0) for arm in open_arms}
    stray = sum(phase.subjects.values()) - sum(counted.values())
    scale = sum(counted.values()) / sum(open_arms.values()) if open_arms else 0.0
    expected = {arm: weight * scale for arm, weight in open_arms.items()}
    if len(expected) < 2 or min(expected.values()) < _FEWEST_EXPECTED:
        return PhaseFinding(name=phase.name, ratio=Ratio.TOO_FEW, counted=counted, expected=expected, stray=stray)
    statistic = sum((counted[arm] - each) ** 2 / each for arm, each in expected.items())
    p_value = _p_value(statistic, freedom=len(expected) - 1)
    return PhaseFinding(
        name=phase.name,
        ratio=Ratio.MISMATCH if p_value < ALARM_P else Ratio.FINE,
        counted=counted,
        expected=expected,
        statistic=statistic,
        freedom=len(expected) - 1,
        p_value=p_value,
        stray=stray,
    )


def _p_value(statistic: float, *, freedom: int) -> float:
    """Upper tail of the chi-square distribution: the regularised incomplete gamma function, at half of both."""
    return float(gammaincc(freedom / 2, statistic / 2)) if freedom else 1.0
