"""How many people each agent brings over the cap: the Shapley value of who is over with whose contacts.

A set of agents "has" the people who would be over their cap with its contacts alone. The Shapley value (1953) is the
only way to share all people over the cap out among the agents that treats equals alike, gives nothing to whom nothing
depends on, and adds up over people. So parts of disjoint people add up.
"""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.insights.pressure.attribution import Sent
from services.insights.pressure.intervals import Estimate, clustered_share, moved

MOST_EXACT: Final = 12
"""Agents up to which all 4,096 sets of them are counted."""

_CHUNK: Final = 1024
"""Kinds of people at once: with all sets of twelve agents they take 34 MB."""

_Values = NDArray[np.float64]


class Bringing(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent has to do with the people who are over their cap."""

    name: str
    people: float
    """The Shapley value: of those over the cap, how many it accounts for. All agents' add up to all of them."""
    share: Estimate | None
    """The same as a share; the intervals of all agents hold together. None of fewer than 30 people over the cap."""
    alone: int
    """People whom it would bring over the cap by itself."""
    needed: int
    """People who would not be over it without this agent."""
    contacts: Estimate | None
    """Beside it, the plain share: of the contacts of people over the cap, how many it sent."""


class Overload(msgspec.Struct, frozen=True, kw_only=True):
    """People over the cap, shared out among agents."""

    over: int
    exact: bool
    """Whether all sets of agents were counted, not a sample of their orders."""
    sampling_error: float
    """Largest standard error of `Bringing.people` that comes from the sample; 0 where it is exact."""
    agents: tuple[Bringing, ...]


def overload(sent: Sent, caps: ArrayLike, *, seed: int, draws: int = 100, alpha: float = 0.05) -> Overload:
    """Share the people over their cap out among agents, in the order of the names.

    `sent` are the contacts of one period of the cap, `caps` one number for each person: NaN or infinite for none; over
    is who has more. Agents without a contact to any of these people account for nobody; of more than `MOST_EXACT`
    others, `draws` orders (4 at least) are drawn from `seed` for each kind of people, every second one being another
    backwards. Each interval has the level 1 - `alpha` / agents, where people are draws from all who might be over the
    cap.

    Raises:
        ValueError: A cap is negative, a contact is of a person without an entry in `caps`, or `draws` is below 4.
    """
    limits = np.asarray(caps, dtype=np.float64)
    if limits.ndim != 1 or (limits < 0).any():
        raise ValueError("give each person one cap of 0 or more")
    if draws < 4:
        raise ValueError("draw four orders of the agents at least")
    person = sent.moments.person
    if person.size and not (person.min() >= 0 and person.max() < limits.size):
        raise ValueError("a contact is of a person who has no entry among the caps")
    limits = np.floor(np.where(np.isnan(limits), np.inf, limits))
    over = np.flatnonzero(np.bincount(person, minlength=limits.size) > limits)
    counts = _counts(sent, over, people=limits.size)
    active = np.flatnonzero(counts.any(axis=0))
    kinds, weights = _kinds(counts[:, active], limits[over])
    values, errors = np.zeros((len(kinds), len(sent.names))), np.zeros(len(sent.names))
    exact = active.size <= MOST_EXACT
    if exact:
        values[:, active] = _by_sets(kinds)
    else:
        values[:, active], errors[active] = _by_orders(kinds, weights, seed=seed, draws=draws)
    return Overload(
        over=over.size,
        exact=exact,
        sampling_error=float(errors.max(initial=0.0)),
        agents=tuple(
            _bringing(
                name,
                own=counts[:, place],
                rest=counts.sum(axis=1) - counts[:, place],
                limits=limits[over],
                found=(values[:, place], weights, float(errors[place])),
                alpha=alpha / len(sent.names),
            )
            for place, name in enumerate(sent.names)
        ),
    )


def _counts(sent: Sent, over: NDArray[np.intp], *, people: int) -> _Values:
    """Contacts of each person over the cap, by agent."""
    agents = len(sent.names)
    row = np.full(people, -1)
    row[over] = np.arange(over.size)
    kept = row[sent.moments.person]
    cells = kept[kept >= 0] * agents + sent.by[kept >= 0]
    return np.bincount(cells, minlength=over.size * agents).reshape(over.size, agents).astype(np.float64)


def _kinds(counts: _Values, limits: _Values) -> tuple[_Values, _Values]:
    """People of whom nothing differs that matters, once: contacts by agent with the cap last, and how many they are.

    More contacts of one agent than the cap has are as many as one above it.
    """
    rows = np.column_stack([np.minimum(counts, limits[:, None] + 1), limits])
    kinds, people = np.unique(rows, axis=0, return_counts=True)
    return kinds, people.astype(np.float64)


def _by_sets(kinds: _Values) -> _Values:
    """The Shapley values of each kind of people: over all sets of the others, weighted by how many orders begin so."""
    agents = kinds.shape[1] - 1
    members = (np.arange(2**agents)[:, None] >> np.arange(agents)) & 1
    size = members.sum(axis=1, keepdims=True)
    orders = np.array([math.factorial(each) for each in range(agents + 1)], dtype=np.float64)
    joined = orders[np.maximum(size - 1, 0)] * orders[agents - size]
    apart = orders[size] * orders[np.maximum(agents - size - 1, 0)]
    coefficients = np.where(members == 1, joined, -apart) / orders[agents]
    values = np.empty((len(kinds), agents))
    for start in range(0, len(kinds), _CHUNK):
        part = kinds[start : start + _CHUNK]
        wins = part[:, :-1] @ members.T.astype(np.float64) > part[:, -1:]
        values[start : start + _CHUNK] = wins @ coefficients
    return values


def _by_orders(kinds: _Values, weights: _Values, *, seed: int, draws: int) -> tuple[_Values, _Values]:
    """How often each agent's contacts are those that exceed the cap when they come in a random order.

    Each kind has orders of its own, so that their chance evens out over kinds. Beside it each agent's standard error,
    in people, from pairs of an order and the same backwards.
    """
    rng, rows, pairs = np.random.default_rng(seed), np.arange(len(kinds)), -(-draws // 2)
    counts, limits = kinds[:, :-1], kinds[:, -1:]
    values, squares = np.zeros(counts.shape), np.zeros(counts.shape)
    for _ in range(pairs):
        order = rng.random(counts.shape, dtype=np.float32).argsort(axis=1)
        pivots = []
        for each in (order, order[:, ::-1]):
            first = (np.take_along_axis(counts, each, axis=1).cumsum(axis=1) > limits).argmax(axis=1)
            pivots.append(each[rows, first])
            values[rows, pivots[-1]] += 1 / (2 * pairs)
            squares[rows, pivots[-1]] += 1 / (4 * pairs)
        # Of a pair's two halves for one agent the square has their product twice.
        squares[rows, pivots[0]] += (pivots[0] == pivots[1]) / (2 * pairs)
    variances = np.maximum(squares - values**2, 0.0) / (pairs - 1)
    return values, np.sqrt((weights[:, None] ** 2 * variances).sum(axis=0))


def _bringing(
    name: str, *, own: _Values, rest: _Values, limits: _Values, found: tuple[_Values, _Values, float], alpha: float
) -> Bringing:
    """`own` contacts of each person over the cap and the `rest`; what was `found` of each kind of people."""
    values, weights, error = found
    over, sent, everything = own.size, float(own.sum()), float(own.sum() + rest.sum())
    people = float((values * weights).sum())
    mean = people / max(1, over)
    spread = float((weights * (values - mean) ** 2).sum()) / max(1, over)
    plain = sent / everything if everything else 0.0
    return Bringing(
        name=name,
        people=people,
        share=clustered_share(
            mean, variance=(spread / max(1, over - 1)) + (error / max(1, over)) ** 2, units=over, alpha=alpha
        ),
        alone=int((own > limits).sum()),
        needed=int((rest <= limits).sum()),
        contacts=clustered_share(plain, variance=float((moved(own, own + rest) ** 2).sum()), units=over, alpha=alpha),
    )
