"""Policies and loads that grow in one dimension, everything else as it is: what a call costs should not grow with them.

What concerns a call stays the same at every size: ten rules and three routes are about its method, the others about
other methods. What would concern it costs by its number, of course; `loadtests.routing` measures that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from loadtests.message import METHOD
from loadtests.setups import Setup, base_policy

RULES_OF_CALL: Final = 10
ROUTES_OF_CALL: Final = 3
OTHER_METHODS: Final = (
    *("/pilote.crm.v1.ContactService/GetContact", "/pilote.crm.v1.ContactService/UpdateContact"),
    *("/pilote.crm.v1.DealService/GetDeal", "/pilote.crm.v1.DealService/UpdateDeal"),
    *("/pilote.crm.v1.ActivityService/CreateActivity", "/pilote.cdp.v1.ProfileService/GetProfile"),
    *("/pilote.dmp.v1.AudienceService/GetAudience", "/pilote.tracking.v1.EventService/TrackEvent"),
)


class Size(NamedTuple):
    """One size of a dimension."""

    many: int
    policy: Mapping[str, Any]
    callers: int = 1
    """How many agents of the policy call, the first ones."""
    customers: int = 8
    """How many customers calls are about."""


class Dimension(NamedTuple):
    """What grows."""

    name: str
    says: str
    counts: tuple[int, ...]
    size: Callable[[int], Size]


def dimensions() -> tuple[Dimension, ...]:
    """All that a company has more of as it grows."""
    return (
        Dimension("agents", "agents, all of whom call, each by a token of its own", (10, 100, 1_000, 10_000), agents),
        Dimension("routes", "routes, three of which are about the method", (10, 100, 1_000), routes),
        Dimension("rules", "rules, ten of which are about the method", (10, 100, 1_000, 10_000), rules),
        Dimension("subjects", "customers whom calls are about", (1, 1_000, 100_000, 1_000_000), subjects),
    )


def setup(size: Size, *, engine: str) -> Setup:
    """A gateway of that size."""
    return Setup(size.policy, engine=engine)


def agents(count: int) -> Size:
    """So many agents."""
    policy = base_policy()
    first = policy["agents"][0]
    others = [
        {**first, "name": f"bot-{n}", "tokens": [{"issuer": "idp", "subject": f"bot-{n}"}]} for n in range(1, count)
    ]
    return Size(count, {**policy, "agents": [first, *others]}, callers=count)


def routes(count: int) -> Size:
    """So many routes, over nine methods; of the three that are about the call the last one is taken."""
    policy = base_policy()
    whole = policy["routes"][0]
    methods = [METHOD] * (ROUTES_OF_CALL - 1)
    methods += [OTHER_METHODS[n % len(OTHER_METHODS)] for n in range(count - ROUTES_OF_CALL)]
    special = [
        {**whole, "name": f"r{n}", "methods": [method], "when": f'agent.labels["team"] == "t{n}"'}
        for n, method in enumerate(methods)
    ]
    return Size(count, {**policy, "routes": [*special, whole]})


def rules(count: int) -> Size:
    """So many rules, over nine methods."""
    policy = base_policy()
    about = policy["rules"][:RULES_OF_CALL]
    others = [
        {
            "name": f"other-{n}",
            "effect": "deny",
            "methods": [OTHER_METHODS[n % len(OTHER_METHODS)]],
            "when": f'agent.labels["team"] == "t{n}" && call.request_bytes > {n}',
        }
        for n in range(count - len(about))
    ]
    return Size(count, {**policy, "rules": [*about, *others]})


def subjects(count: int) -> Size:
    """So many customers, known and called about, whoever it is next."""
    return Size(count, base_policy(), customers=count)
