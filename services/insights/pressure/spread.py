"""How contacts are spread over people: quantiles, inequality, who is over the cap and who was never contacted.

Of one period everything follows from how many people got how many contacts, a `Tally`. Tallies of different people
(cells, segments) add up. Tallies of two periods do not: a person's contacts must be added up first.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, expit, logit, ndtri

from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, share

LEAST_FOR_GINI: Final = 200
"""People below which no Gini coefficient is given: its interval is only right for many."""

MOST_COUNTED: Final = 1_000_000_000
"""Contacts of one person: sums over a billion people then still fit into 63 bits."""


class Refused(msgspec.Struct, frozen=True):
    """What one cap refused."""

    contacts: int
    people: int
    """Who had at least one of them refused."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many people got how many contacts in one period. People of the holdout do not belong in it."""

    contacts: tuple[int, ...] = ()
    """The numbers of contacts that came up, ascending."""
    people: tuple[int, ...] = ()
    """Who got so many, in the same order; those with 0 contacts count."""
    capped: int = 0
    """People for whom a cap was in force."""
    over: int = 0
    """Those of them with more contacts than it allows."""
    refused: Mapping[str, Refused] = {}
    """By cap."""

    @classmethod
    def of(
        cls, contacts: ArrayLike, *, caps: ArrayLike | None = None, refused: Mapping[str, ArrayLike] | None = None
    ) -> "Tally":
        """Count people: `contacts` has one number a person, in the order of `caps` and of what each cap `refused`.

        A cap that is NaN or infinite is none.

        Raises:
            ValueError: A number of contacts is no whole number from 0, or the arrays are not equally long.
        """
        made = whole(contacts)
        values, people = np.unique(made, return_counts=True)
        limits = np.full(made.shape, np.nan) if caps is None else np.asarray(caps, dtype=np.float64)
        turned = {name: whole(each) for name, each in (refused or {}).items()}
        if any(each.shape != made.shape for each in (limits, *turned.values())):
            raise ValueError("give each person one number of contacts, one cap and one number of refusals by each cap")
        return cls(
            contacts=tuple(values.tolist()),
            people=tuple(people.tolist()),
            capped=int(np.isfinite(limits).sum()),
            over=int((np.isfinite(limits) & (made > limits)).sum()),
            refused={name: Refused(int(each.sum()), int((each > 0).sum())) for name, each in turned.items()},
        )

    def __add__(self, other: "Tally") -> "Tally":
        """The tally of both, of whom nobody may be in both."""
        values, places = np.unique(np.array(self.contacts + other.contacts, dtype=np.int64), return_inverse=True)
        people = np.zeros(values.size, dtype=np.int64)
        np.add.at(people, places, np.array(self.people + other.people, dtype=np.int64))
        none = Refused(0, 0)
        pairs = {
            name: (self.refused.get(name, none), other.refused.get(name, none))
            for name in sorted({*self.refused, *other.refused})
        }
        return Tally(
            contacts=tuple(values.tolist()),
            people=tuple(people.tolist()),
            capped=self.capped + other.capped,
            over=self.over + other.over,
            refused={
                name: Refused(one.contacts + another.contacts, one.people + another.people)
                for name, (one, another) in pairs.items()
            },
        )

    @property
    def n(self) -> int:
        """People."""
        return sum(self.people)

    @property
    def total(self) -> int:
        """Contacts."""
        return sum(count * people for count, people in zip(self.contacts, self.people, strict=True))


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a tally; None where there are too few people to say it."""

    people: int
    contacts: int
    p50: Estimate | None
    p95: Estimate | None
    p99: Estimate | None
    gini: Estimate | None
    over_cap: Estimate | None
    """Share of those with a cap."""
    never: Estimate | None
    """Share of people without any contact."""
    refused: Mapping[str, Estimate | None]
    """By cap, the share of people of whom it refused a contact."""


def spread(tally: Tally, *, alpha: float = 0.05) -> Spread:
    """Describe a tally, each number with an interval that is wrong with a probability of at most `alpha`.

    That of the Gini coefficient is right for many people only: see `gini`.
    """
    never = sum(people for count, people in zip(tally.contacts, tally.people, strict=True) if count == 0)
    return Spread(
        people=tally.n,
        contacts=tally.total,
        p50=quantile(tally, 0.50, alpha=alpha),
        p95=quantile(tally, 0.95, alpha=alpha),
        p99=quantile(tally, 0.99, alpha=alpha),
        gini=gini(tally, alpha=alpha),
        over_cap=_share(tally.over, tally.capped, alpha=alpha),
        never=_share(never, tally.n, alpha=alpha),
        refused={name: _share(each.people, tally.n, alpha=alpha) for name, each in tally.refused.items()},
    )


def quantile(tally: Tally, q: float, *, alpha: float) -> Estimate | None:
    """The fewest contacts that a share `q` of people does not exceed; None of fewer than `LEAST_PEOPLE`.

    `q` is between 0 and 1, excluded. Its interval holds every number x of which the exact intervals of the shares of
    people with at most x, and with fewer, do not contradict that it is the quantile. So it holds for every distribution
    and number of people. `high` is infinite where even the person with most contacts may be below it: for p99 of fewer
    than 368 people.
    """
    n = tally.n
    if n < LEAST_PEOPLE:
        return None
    reached = np.concatenate([[0], np.cumsum(tally.people)]).astype(np.float64)
    at_most = np.where(reached < n, betaincinv(reached + 1, np.maximum(n - reached, 1), 1 - alpha / 2), 1.0)
    at_least = np.where(reached > 0, betaincinv(np.maximum(reached, 1), n - reached + 1, alpha / 2), 0.0)
    values = np.concatenate([[0.0], np.array(tally.contacts, dtype=np.float64), [np.inf]])
    return Estimate(
        value=float(values[np.argmax(reached >= q * n - 1e-9)]),
        low=float(values[np.argmax(at_most >= q)]),
        high=float(values[int(np.argmax(at_least >= q)) if at_least[-1] >= q else -1]),
        level=1 - alpha,
        n=n,
    )


def gini(tally: Tally, *, alpha: float) -> Estimate | None:
    """The Gini coefficient of contacts over people: 0 where all have the same, towards 1 where one has all.

    The mean absolute difference over twice the mean, each pair once. With D(x) the mean distance of people from x and m
    the mean, one person moves it by (D(x) - G x - G m) / m, its influence function (Davidson, "Reliable inference for
    the Gini index", 2009); the variance of these gives the interval, on the logit scale. It holds for many people whose
    contacts have a variance. None of fewer than `LEAST_FOR_GINI`, and where nobody or everybody alike was contacted.
    """
    n, total = tally.n, tally.total
    if n < LEAST_FOR_GINI or len(tally.contacts) < 2:
        return None
    values, people = np.array(tally.contacts, dtype=np.float64), np.array(tally.people, dtype=np.float64)
    below, sums = np.cumsum(people), np.cumsum(people * values)
    distances = (values * below - sums + (total - sums) - values * (n - below)) / n
    mean = total / n
    plain = float((people * distances).sum()) / n / (2 * mean)
    influence = (distances - plain * (values + mean)) / mean
    value = min(plain * n / (n - 1), 1 - 1e-12)
    error = float(np.sqrt((people * influence**2).sum()) / n) / (value * (1 - value))
    reach = float(ndtri(1 - alpha / 2)) * error
    return Estimate(
        value=value,
        low=float(expit(logit(value) - reach)),
        high=float(expit(logit(value) + reach)),
        level=1 - alpha,
        n=n,
    )


def whole(counts: ArrayLike) -> NDArray[np.int64]:
    """The counts as whole numbers.

    Raises:
        ValueError: One is negative, a fraction, no number, or above `MOST_COUNTED`.
    """
    given = np.asarray(counts)
    if given.ndim != 1 or given.dtype.kind not in "iufb":
        raise ValueError("give counts as one row of numbers")
    if not ((given >= 0) & (given <= MOST_COUNTED) & (given == np.floor(given))).all():
        raise ValueError(f"counts are whole numbers from 0 to {MOST_COUNTED:,}")
    return given.astype(np.int64)


def _share(events: int, n: int, *, alpha: float) -> Estimate | None:
    return share(events, n, alpha=alpha) if n >= LEAST_PEOPLE else None
