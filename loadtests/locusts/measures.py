"""What can be measured of a run, and of which of its calls. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from loadtests.locusts.scenarios import OVER, Phase
from loadtests.locusts.spread import Spread
from loadtests.locusts.tally import Key, Tally

WARM: Final = "warm"
BORNE_P95_MS: Final = 250.0
BORNE_ERRORS: Final = 0.01


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls; what is empty selects by nothing. Without a phase: all but those of the warm-up."""

    phase: str = ""
    door: str = ""
    method: str = ""
    agent: str = ""

    def has(self, key: Key) -> bool:
        """Whether the calls of that key are among them."""
        wanted = (self.phase, self.door, self.method, self.agent)
        if not self.phase and key.phase == WARM:
            return False
        return all(not want or want == have for want, have in zip(wanted, key[:4], strict=True))


class Of(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls of the selected ones; empty: all."""

    verdict: str = ""
    reason: str = ""

    def has(self, key: Key) -> bool:
        """Whether the calls of that key are among them."""
        return self.verdict in ("", key.verdict) and self.reason in ("", key.reason)


class Ran(msgspec.Struct, frozen=True):
    """A run that is over."""

    tally: Tally
    phases: tuple[Phase, ...]
    figures: Mapping[str, float] = {}
    """What was measured of the stack besides, by name."""


class NothingMeasured(Exception):
    """There were no such calls, so that nothing can be said of them."""


Measure = Callable[[Ran, Selection, Of], float]


def measured(name: str, ran: Ran, *, selection: Selection, of: Of) -> float:
    """What came out.

    Raises:
        NothingMeasured: there is nothing to measure it by.
    """
    if name in MEASURES:
        return MEASURES[name](ran, selection, of)
    if name not in ran.figures:
        raise NothingMeasured(name)
    return ran.figures[name]


def borne(ran: Ran) -> tuple[str, float]:
    """The last of the growing loads before the first that was too much: its phase, and its calls a second.

    Too much is where the 95th percentile of answered calls, from their intended start, is over 250 ms, or more than 1 %
    fail. Nothing but the warm-up: ("", 0).
    """
    found = ("", 0.0)
    for phase in ran.phases:
        if phase.name in (WARM, OVER):
            continue
        selection = Selection(phase=phase.name)
        try:
            late = _percentile(0.95)(ran, selection, Of(verdict="ALLOW"))
            failing = _share(ran, selection, Of(verdict="ERROR"))
        except NothingMeasured:
            break
        if late > BORNE_P95_MS or failing > BORNE_ERRORS:
            break
        found = (phase.name, _per_second(ran, selection, Of()))
    return found


def merged(times: Mapping[Key, Spread], selection: Selection, of: Of) -> Spread:
    """The times of all such calls."""
    found = Spread()
    for key, spread in times.items():
        if selection.has(key) and of.has(key):
            found.merge(spread)
    return found


def _percentile(share: float) -> Measure:
    def of_calls(ran: Ran, selection: Selection, of: Of) -> float:
        return _at(merged(ran.tally.times, selection, of), share)

    return of_calls


def _late(ran: Ran, selection: Selection, of: Of) -> float:
    return _at(merged(ran.tally.late, selection, of), 0.99)


def _at(spread: Spread, share: float) -> float:
    if not spread.count:
        raise NothingMeasured
    return spread.at(share)


def _calls(ran: Ran, selection: Selection, of: Of) -> float:
    return merged(ran.tally.times, selection, of).count


def _share(ran: Ran, selection: Selection, of: Of) -> float:
    every = _calls(ran, selection, Of())
    if not every:
        raise NothingMeasured
    return _calls(ran, selection, of) / every


def _errors(ran: Ran, selection: Selection, _of: Of) -> float:
    return _share(ran, selection, Of(verdict="ERROR"))


def _refused(ran: Ran, selection: Selection, _of: Of) -> float:
    return sum(_share(ran, selection, Of(verdict=verdict)) for verdict in ("DENY", "HOLD", "DEFER"))


def _per_second(ran: Ran, selection: Selection, of: Of) -> float:
    wanted = selection.phase
    seconds = sum(p.seconds for p in ran.phases if p.name not in (WARM, OVER) and wanted in ("", p.name))
    if not seconds:
        raise NothingMeasured
    return _calls(ran, selection, of) / seconds


MEASURES: Final[Mapping[str, Measure]] = {
    "p50_ms": _percentile(0.50),
    "p95_ms": _percentile(0.95),
    "p99_ms": _percentile(0.99),
    "max_ms": lambda ran, selection, of: merged(ran.tally.times, selection, of).most_ms,
    "late_p99_ms": _late,
    "calls": _calls,
    "per_second": _per_second,
    "share": _share,
    "errors": _errors,
    "refused": _refused,
    "revisions": lambda ran, _selection, _of: len(ran.tally.revisions),
    "borne_per_second": lambda ran, _selection, _of: borne(ran)[1],
}
FIGURES: Final = ("unrecorded", "memory_growth_percent")
"""What is measured of the stack besides, where there is one that may be asked."""
