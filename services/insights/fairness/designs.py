"""How many times more a group's rate varies than that of independent events: the design effect."""

from collections.abc import Mapping

from services.insights.fairness.people import Group
from services.insights.sums import Sums, total


def designs(groups: Mapping[Group, Sums], *, share: bool) -> Mapping[Group, float]:
    """The design effect of each group, 1 or more.

    It is the variance of the group's rate by the delta method over persons (Deng, Knoblich, Lu 2018), divided by that
    of a binomial (`share`) or Poisson count; or the same of all groups together where that is more. A small group that
    has few events by chance shows little variance too, so its own would make it look surer than it is. For the same
    reason the excess of counts is taken at the rate of all groups where the group's own is lower: it goes with the
    rate, as in a negative binomial distribution.

    Raises:
        ValueError: The sums of a group are impossible.
    """
    for group, sums in groups.items():
        fault = sums.fault() or ("y is negative" if sums.y < 0 else "")
        if fault or (share and sums.y > sums.d * (1 + 1e-9)):
            raise ValueError(f"the sums of {' and '.join(group)} are impossible: {fault or 'y is more than d'}")
    if share and all(each.dd == each.d for each in groups.values()):
        return dict.fromkeys(groups, 1.0)  # each person has one decision, or none
    seen = {group: (_spread(each), _expected(each, share=share)) for group, each in groups.items()}
    expected = sum(each for _, each in seen.values())
    pooled = max(1.0, sum(each for each, _ in seen.values()) / expected) if expected > 0 else 1.0
    effects = {group: max(pooled, spread / own) if own > 0 else pooled for group, (spread, own) in seen.items()}
    if share:
        return effects
    everybody = total(groups.values())
    return {
        group: 1 + (each - 1) * max(1.0, everybody.y / everybody.d * groups[group].d / groups[group].y)
        if min(groups[group].y, groups[group].d) > 0
        else each
        for group, each in effects.items()
    }


def _spread(sums: Sums) -> float:
    """The sum of the squares of each person's y - R d, by n - 1 in place of n."""
    if sums.n < 2 or sums.d <= 0:
        return 0.0
    rate = sums.y / sums.d
    return max(0.0, sums.yy - 2 * rate * sums.yd + rate * rate * sums.dd) * sums.n / (sums.n - 1)


def _expected(sums: Sums, *, share: bool) -> float:
    """What `_spread` is where events are independent."""
    if sums.n < 2 or sums.d <= 0:
        return 0.0
    return sums.y * max(0.0, 1 - sums.y / sums.d) if share else sums.y
