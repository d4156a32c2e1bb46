"""Many series, many windows, and one promise: of a hundred periods without drift at most five raise any alarm.

A window is looked at once, when it is complete. Each look may raise a false alarm with probability alpha / looks, where
looks are all series times all windows that the period was planned with (Bonferroni: it needs nothing to be independent,
so series that see the same calls, and windows that share a reference, keep the promise). Half of that is for PSI and
half for values that no bin is for. What the promise rests on is that the values of a window are independent of each
other at each hour of the day, and that a series without drift has the reference's distribution at the same hours.
"""

import math
from collections.abc import Sequence
from zlib import crc32

import msgspec
from scipy import special

from services.insights.drift import distances
from services.insights.drift.bins import Bins, cut
from services.insights.drift.histograms import Floats
from services.insights.drift.psi import Psi, compare
from services.insights.drift.seasons import Alike, Hours, Reference, alike


class Series(msgspec.Struct, frozen=True, order=True):
    """What is watched: one measure of one agent's version in one segment."""

    agent: str
    version: str
    segment: str
    measure: str


class Plan(msgspec.Struct, frozen=True):
    """How many looks a period will take, said before it begins, and what share of periods may alarm falsely.

    Raises:
        ValueError: There is no series or no window, `alpha` is not between 0 and 1, or `least_psi` is below 0.
    """

    series: int
    windows: int
    """Windows of each series in the period: 7 for days of a week."""
    alpha: float = 0.05
    least_psi: float = 0.0
    """The PSI up to which drift does not matter: 0.01 is about a shift of 0.1 standard deviations. Values that no bin
    is for matter however few they are."""

    def __post_init__(self) -> None:
        if min(self.series, self.windows) < 1 or not 0 < self.alpha < 1 or not 0 <= self.least_psi < math.inf:
            raise ValueError("plan at least one series and window, an alpha between 0 and 1, and no negative PSI")

    @property
    def alpha_per_look(self) -> float:
        """How likely one look may raise a false alarm."""
        return self.alpha / (self.series * self.windows)


class Window(msgspec.Struct, frozen=True, eq=False):
    """A time in which a series is compared with its reference."""

    series: Series
    reference: Reference
    current: Hours
    until_hour: int
    """The first hour that is no longer part of it."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at one window has found."""

    series: Series
    until_hour: int
    reference_size: float
    """How many values of the reference know as much, once it is weighed to the window's hours."""
    current_size: float
    left_out: float = 0.0
    """Current values at hours that the reference has nothing of."""
    alarm: bool = False
    p_value: float | None = None
    """Of both tests together; None for too few values."""
    psi: Psi | None = None
    """None where values are too few or too much alike for two bins."""
    strange: float = 0.0
    """Share of current values that no bin is for: new or rare names, numbers beyond all of the reference."""
    strange_p_value: float | None = None
    wasserstein: distances.Distance | None = None
    """With `jensen_shannon` of alarms only, and for large samples."""
    jensen_shannon: distances.Distance | None = None
    alpha: float
    """How likely this look was to alarm without drift."""
    false_alarms: float
    """What share of periods without drift raises any alarm, over all series and windows: at most that."""

    @property
    def too_few(self) -> bool:
        """Whether nothing can be said yet."""
        return self.p_value is None


def watch(windows: Sequence[Window], *, plan: Plan, now_hour: int) -> tuple[Look, ...]:
    """Look at all windows that are complete at `now_hour`: alarms first, then by how large drift surely is.

    "Surely" is the lower end of the PSI's interval, which is far from 0 where drift is both certain and large. Look at
    each window once: a second look is a second chance for a false alarm.

    Raises:
        ValueError: There are more series or windows than planned, one of them twice, or a window has hours beyond its
            end, or a reference of another grid or of its own time.
    """
    series = [each.series for each in windows]
    if len(set(series)) > plan.series or len(series) > plan.series * plan.windows:
        raise ValueError("plan the period for all series and windows that it will have")
    if len({(each.series, each.until_hour) for each in windows}) < len(windows):
        raise ValueError("look at each window once")
    looks = [_look(each, plan) for each in windows if each.until_hour <= now_hour]
    return tuple(sorted(looks, key=_rank))


def _rank(look: Look) -> tuple[bool, float, float, Series, int]:
    sure = look.psi.interval.low if look.psi else 0.0
    chance = 1.0 if look.p_value is None else look.p_value
    return not look.alarm, -sure, chance, look.series, look.until_hour


def _look(window: Window, plan: Plan) -> Look:
    if any(hour >= window.until_hour for hour in window.current):
        raise ValueError("give each window the hours before its end")
    pair = alike(window.reference, window.current)
    bins = cut(pair.reference, current_size=pair.current.size) if pair else None
    alpha = plan.alpha_per_look
    look = Look(
        series=window.series,
        until_hour=window.until_hour,
        reference_size=pair.reference.size if pair else 0.0,
        current_size=pair.current.size if pair else 0.0,
        left_out=pair.left_out if pair else sum(each.size for each in window.current.values()),
        alpha=alpha,
        false_alarms=plan.alpha,
    )
    if not pair or not bins:
        return look
    before, now = _known(bins, pair), bins.counts(pair.current)
    found = compare(before, now, alpha=alpha / 2, least=plan.least_psi) if bins.count > 1 and now.sum() > 0 else None
    strange_p = _strange(bins, pair)
    chance = min(1.0, 2 * min(found.p_value if found else 1.0, strange_p))
    alarm = chance < alpha
    seed = crc32(msgspec.json.encode((window.series, window.until_hour)))
    return msgspec.structs.replace(
        look,
        alarm=alarm,
        p_value=chance,
        psi=found,
        strange=bins.strange(pair.current) / pair.current.size,
        strange_p_value=strange_p,
        wasserstein=distances.wasserstein(pair.reference, pair.current, seed=seed) if alarm else None,
        jensen_shannon=distances.jensen_shannon(before, now, seed=seed) if alarm else None,
    )


def _known(bins: Bins, pair: Alike) -> Floats:
    """The reference's counts, as many as the worst known bin is known like: see `seasons`."""
    counts, noise = bins.counts(pair.reference), bins.counts(pair.noise)
    return counts / max(1.0, float((noise / counts).max()))


def _strange(bins: Bins, pair: Alike) -> float:
    """How likely so many values without a bin are without drift.

    Of names that are too rare, each came first to one sample or the other like by the toss of a coin, whose odds are
    the samples' sizes: the binomial distribution, given how many there are. Of numbers, the farthest ones on each side
    are so tossed until one is the reference's: the negative binomial for two sides. All of them may belong to the
    worst known hour.
    """
    came = bins.strange(pair.current)
    if came <= 0:
        return 1.0
    before = 1.0
    if bins.names:
        weighed, noise = bins.strange(pair.reference), bins.strange(pair.noise)
        before = weighed**2 / noise if noise > 0 else 0.0
    return float(special.betainc(came, before + 1, pair.current.size / (pair.current.size + pair.worst_size)))
