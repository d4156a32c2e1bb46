"""How a route does by its objectives: how fast its error budget burns, what is left of it, and when somebody must look.

After the Site Reliability Workbook (Google, 2018), chapter 5, "Alerting on SLOs", its sixth way: several pairs of
windows and burn rates. Pure: counts and time are arguments.

The error budget is the share of calls that may be bad, over thirty days. The burn rate is how many times faster than
that it is used. A pair raises an alert when both windows burn faster than its threshold: the long one says that enough
was used to matter (2 % of the budget in 1 h at 14.4, 5 % in 6 h at 6, 10 % in 3 d at 1), the short one that it still
goes on, so that the alert ends soon after its cause.

Few calls make rates that mean nothing: one failure of ten calls burns a budget of 0.1 % a hundred times too fast. The
workbook offers to make traffic, to join services or to lower the objective; none of that can be done here. So a pair
says nothing while its short window has fewer than `FEWEST_CALLS`, and one bad call alone is never an alert. What is too
few for one pair is judged by the next, longer one; where it is too few for all of them, that is said.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Literal

import msgspec

from gateway.core.policy.serving import Objectives
from gateway.core.policy.vocabulary import duration_ms

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
BUDGET_MS: Final = 30 * DAY_MS
"""Time over which objectives are promised."""
FEWEST_CALLS: Final = 10
"""Fewest calls in the short window of a pair that can raise an alert."""
FEWEST_BAD: Final = 2
"""Fewest bad calls in its long window."""


class Pair(msgspec.Struct, frozen=True):
    """Two windows, in milliseconds, and the burn rate that both must exceed."""

    threshold: float
    long_ms: int
    short_ms: int
    severity: Literal["page", "ticket"]


PAIRS: Final = (
    Pair(14.4, HOUR_MS, 5 * MINUTE_MS, "page"),
    Pair(6.0, 6 * HOUR_MS, 30 * MINUTE_MS, "page"),
    Pair(1.0, 3 * DAY_MS, 6 * HOUR_MS, "ticket"),
)
WINDOWS_MS: Final = tuple(sorted({window for pair in PAIRS for window in (pair.long_ms, pair.short_ms)}))


class Counts(msgspec.Struct, frozen=True):
    """Calls of one route in one window."""

    admitted: int = 0
    failed: int = 0
    slow: int = 0


class Window(msgspec.Struct, frozen=True):
    """What happened in one window up to now."""

    length_ms: int
    calls: int
    bad: int
    burn_rate: float | None
    """`None` without calls."""


class State(StrEnum):
    """How an objective stands."""

    NO_TRAFFIC = "NO_TRAFFIC"
    TOO_FEW_CALLS = "TOO_FEW_CALLS"
    MET = "MET"
    ALERT = "ALERT"


class Standing(msgspec.Struct, frozen=True):
    """One objective of a route, and how it stands."""

    route: str
    kind: Literal["availability", "latency"]
    target_percent: float
    within_ms: int
    """Of latency; else 0."""
    state: State
    windows: tuple[Window, ...]
    """Shortest first."""
    budget_left: float | None
    """Share of the budget: 1 for all, negative when more than all is used; `None` without calls."""
    alerts: tuple[Pair, ...]
    """Most urgent first."""


def burn_rate(bad: int, calls: int, *, target_percent: float) -> float | None:
    """How many times faster than allowed the budget is used; `None` without calls."""
    return None if calls == 0 else bad / calls / _budget(target_percent)


def standings(route: str, objectives: Objectives, counts: Callable[[int], Counts]) -> tuple[Standing, ...]:
    """How a route stands by each of its objectives. `counts` gives the calls of the last so many milliseconds."""
    found = []
    if objectives.availability is not None:
        found.append(_standing(route, "availability", objectives.availability, counts=counts))
    if objectives.latency is not None:
        within_ms = duration_ms(objectives.latency.within)
        found.append(_standing(route, "latency", objectives.latency.percent, within_ms=within_ms, counts=counts))
    return tuple(found)


def _standing(
    route: str,
    kind: Literal["availability", "latency"],
    target: float,
    *,
    counts: Callable[[int], Counts],
    within_ms: int = 0,
) -> Standing:
    def window(length_ms: int) -> Window:
        found = counts(length_ms)
        bad = found.failed if kind == "availability" else found.slow
        return Window(length_ms, found.admitted, bad, burn_rate(bad, found.admitted, target_percent=target))

    windows = tuple(window(length_ms) for length_ms in WINDOWS_MS)
    month = window(BUDGET_MS)
    by_length = {each.length_ms: each for each in windows}
    alerts = tuple(pair for pair in PAIRS if _alerts(pair, by_length[pair.long_ms], short=by_length[pair.short_ms]))
    return Standing(
        route=route,
        kind=kind,
        target_percent=target,
        within_ms=within_ms,
        state=_state(alerts, windows=[by_length[pair.short_ms] for pair in PAIRS], month=month),
        windows=windows,
        budget_left=None if month.burn_rate is None else 1 - month.burn_rate,
        alerts=alerts,
    )


def _state(alerts: Sequence[Pair], *, windows: Sequence[Window], month: Window) -> State:
    if alerts:
        return State.ALERT
    if month.calls == 0:
        return State.NO_TRAFFIC
    return State.MET if any(window.calls >= FEWEST_CALLS for window in windows) else State.TOO_FEW_CALLS


def _alerts(pair: Pair, long: Window, *, short: Window) -> bool:
    if short.calls < FEWEST_CALLS or long.bad < FEWEST_BAD or long.burn_rate is None or short.burn_rate is None:
        return False
    return long.burn_rate > pair.threshold and short.burn_rate > pair.threshold


def _budget(target_percent: float) -> float:
    """Share of calls that may be bad. Rounded: 100 - 99.9 is less than a tenth, and 1 must not exceed 1."""
    return round((100 - target_percent) / 100, 12)
