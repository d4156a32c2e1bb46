"""What every weak signal answers with: alerts whose p-values count how much was looked at, and what was not judged."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FALSE_ALARMS: Final = 0.05
"""Share of periods without any change in which a kind of signal raises any alarm: at most. The period is what one call
looks at, such as a week."""
LEVEL: Final = 0.95
"""Of the intervals."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that chance does not explain."""

    signal: str
    """Which kind: "burst", "silence", "surge", "harvest", "crowd", "novelty", "probing" or "around"."""
    about: tuple[int, ...]
    """Whom or what it is about: indices and codes, in the order that the function says."""
    seen: float
    """What was counted."""
    expected: float
    """What would be counted without a change."""
    ratio: float
    """`seen` over `expected`; infinite where nothing is expected."""
    low: float
    """Lower end of the interval of `ratio`."""
    high: float
    level: float = LEVEL
    sample: int
    """How many calls, windows or pairs `seen` is counted among."""
    reference: int
    """How many the expectation rests on."""
    p_value: float
    """By chance, adjusted for everything that was looked at (Holm): at most `false_alarms`."""
    false_alarms: float
    """Share of periods without a change that raise any alarm of this kind: at most."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What one look has found."""

    alerts: tuple[Alert, ...] = ()
    """The most surprising first."""
    tested: int = 0
    """How many counts were judged."""
    too_few: int = 0
    """How many were not, because there is not enough to say anything."""


def holm(p_values: Floats, *, tests: int | None = None) -> Floats:
    """P-values adjusted for `tests` looks (as many as given, by default), of which the given ones are the least.

    Holm, "A simple sequentially rejective multiple test procedure", 1979: whatever the dependence, the probability
    that any true null hypothesis has an adjusted value of at most a is at most a. NaN counts as 1.
    """
    values = np.where(np.isnan(p_values), 1.0, np.asarray(p_values, dtype=np.float64)).ravel()
    size = max(values.size, tests or 0)
    order = np.argsort(values, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate(values[order] * (size - np.arange(values.size))))
    found = np.empty_like(values)
    found[order] = adjusted
    return found


def ordered(alerts: list[Alert]) -> tuple[Alert, ...]:
    """The most surprising first; those alike by what they are about, so that the order of rows never matters."""
    return tuple(sorted(alerts, key=lambda each: (each.p_value, each.about)))
