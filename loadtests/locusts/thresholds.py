"""What a run has to keep to: read from a file, by scenario; each says what was measured and what is wanted. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from loadtests.locusts.measures import FIGURES, MEASURES, NothingMeasured, Of, Ran, Selection, measured
from loadtests.locusts.scenarios import SCENARIOS


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bound, or two, on one measure of some of the calls."""

    measure: str
    """Milliseconds, shares between 0 and 1, or plain numbers, as the name says."""
    min: float | None = None
    max: float | None = None
    phase: str = ""
    door: str = ""
    method: str = ""
    agent: str = ""
    verdict: str = ""
    reason: str = ""


class Judged(msgspec.Struct, frozen=True):
    """A threshold, and what came of it."""

    threshold: Threshold
    measured: float | None
    """`None` where there was nothing to measure, which keeps no threshold."""

    @property
    def kept(self) -> bool:
        """Whether the run keeps to it."""
        wanted = self.threshold
        return (
            self.measured is not None
            and (wanted.min is None or self.measured >= wanted.min)
            and (wanted.max is None or self.measured <= wanted.max)
        )

    @property
    def text(self) -> str:
        """In one line: which, measured, wanted."""
        found = "nothing to measure" if self.measured is None else f"measured {_shown(self.measured)}"
        return (
            f"{'kept  ' if self.kept else 'MISSED'} {_what(self.threshold)}: {found}, wanted {_wanted(self.threshold)}"
        )


class ThresholdsWrong(ValueError):
    """The file says something that cannot be judged; the text says where and how to mend it."""


def read(document: bytes) -> Mapping[str, tuple[Threshold, ...]]:
    """Thresholds by scenario, from YAML.

    Raises:
        ThresholdsWrong: it is no such document, or names what there is not.
    """
    try:
        found = msgspec.yaml.decode(document, type=dict[str, tuple[Threshold, ...]])
    except msgspec.DecodeError as error:
        raise ThresholdsWrong(f"the thresholds cannot be read: {error}") from error
    for scenario, thresholds in found.items():
        if scenario not in SCENARIOS:
            raise ThresholdsWrong(f"there is no scenario {scenario}; there are {', '.join(SCENARIOS)}")
        for number, threshold in enumerate(thresholds, start=1):
            if wrong := _wrong(scenario, threshold):
                raise ThresholdsWrong(f"{scenario}, threshold {number}: {wrong}")
    return found


def judged(thresholds: tuple[Threshold, ...], ran: Ran) -> tuple[Judged, ...]:
    """Each threshold with what was measured."""
    return tuple(Judged(threshold, _measured(threshold, ran)) for threshold in thresholds)


def _measured(threshold: Threshold, ran: Ran) -> float | None:
    selection = Selection(phase=threshold.phase, door=threshold.door, method=threshold.method, agent=threshold.agent)
    of = Of(verdict=threshold.verdict, reason=threshold.reason)
    try:
        return measured(threshold.measure, ran, selection=selection, of=of)
    except NothingMeasured:
        return None


_VERDICTS: Final = ("", "ALLOW", "DENY", "HOLD", "DEFER", "ERROR")


def _wrong(scenario: str, threshold: Threshold) -> str:
    known = (*MEASURES, *FIGURES)
    phases = {phase.name for phase in SCENARIOS[scenario].phases}
    if threshold.measure not in known:
        return f"there is no measure {threshold.measure}; there are {', '.join(known)}"
    if threshold.phase and threshold.phase not in phases:
        return f"the scenario has no phase {threshold.phase}; it has {', '.join(sorted(phases))}"
    if threshold.verdict not in _VERDICTS:
        return f"there is no verdict {threshold.verdict}; there are {', '.join(_VERDICTS[1:])}"
    if threshold.min is None and threshold.max is None:
        return "say min, max or both"
    if threshold.min is not None and threshold.max is not None and threshold.min > threshold.max:
        return "min is above max"
    return ""


def _what(threshold: Threshold) -> str:
    of = "/".join(filter(None, (threshold.verdict, threshold.reason)))
    said = [threshold.measure, f"of {of}" if of else ""]
    said += [f"{name} {value}" for name in ("phase", "door", "method", "agent") if (value := getattr(threshold, name))]
    return " ".join(filter(None, said))


def _wanted(threshold: Threshold) -> str:
    low = "" if threshold.min is None else f"at least {_shown(threshold.min)}"
    high = "" if threshold.max is None else f"at most {_shown(threshold.max)}"
    return " and ".join(filter(None, (low, high)))


def _shown(number: float) -> str:
    return f"{number:.4g}" if abs(number) < 10_000 else f"{number:,.0f}"
