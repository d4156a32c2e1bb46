"""What is proven to be at risk becomes a finding, which stays until all is proven to be well, or the period ends."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest

from gateway.core.policy.objectives import Objective
from gateway.core.texts import LANGUAGES
from gateway.redis_clients import Client
from services.audit.filters.filter import parse
from services.cockpit.alerting import Alerts, WatchStore
from services.cockpit.cells import Cell
from services.cockpit.days import Day
from services.cockpit.standing import Aims
from services.cockpit.store import KpiStore
from services.findings.finding import Finding, State
from services.findings.store import FindingStore
from services.findings.wording import sentences, title
from tests.services.cockpit.quarters import DAYS, Quarter, at, known_on, objective

BAD = Quarter(converts=0.005, much=0.5, answers=0.2).drawn(np.random.default_rng(1))
GOOD = Quarter(converts=0.05, much=0.01, answers=0.2).drawn(np.random.default_rng(2))
AIM = objective(target=0.3, guardrails=[{"measure": "perceived_too_much", "most": 0.1}], budget={"contacts": 1_000})
BETTER = objective(target=0.001, guardrails=[{"measure": "perceived_too_much", "most": 0.9}])


async def examples(_objective: Objective, measure: str) -> Sequence[str]:
    return [f"{len(measure):032x}"]


async def looked(redis: Client, cells: Mapping[int, Cell], *stated: Objective, day: int) -> tuple[Finding, ...]:
    """What an hourly round comes to at the beginning of a day; gives what is new."""
    store = KpiStore(redis)
    for each, cell in known_on(cells, day).items():
        await store.keep("acme", each, Day(worked_out_ms=at(day)), {"objective": {"spring": cell}})
    return await Alerts(redis).keep("acme", Aims(objectives=stated), now_ms=at(day), examples=examples)


async def states(redis: Client) -> dict[str, State]:
    return {each.seen.about[1][1]: each.state for each in await FindingStore(redis).all("acme")}


async def test_what_is_at_risk_is_a_finding_with_its_decisions_in_both_languages(redis: Client) -> None:
    news = await looked(redis, BAD, AIM, day=50)
    assert {each.seen.about for each in news} == {
        (("objective", "spring"), ("target", "conversion_rate")),
        (("objective", "spring"), ("guardrail", "perceived_too_much")),
        (("objective", "spring"), ("budget", "contacts")),
    }
    for each in news:
        parse(each.seen.filter)
        assert each.seen.decisions
        assert each.seen.certainty > 0.98
        for language in LANGUAGES:
            said = " ".join((title(each.seen, language=language), *sentences(each.seen, language=language)))
            assert "spring" in said
            assert "{" not in said
    target = next(each.seen for each in news if each.seen.about[1][0] == "target")
    assert title(target, language="en") == "Objective at risk: objective spring, target conversion"
    assert title(target, language="fr") == "Objectif menacé\N{NO-BREAK SPACE}: objectif spring, cible conversion"
    assert "The target is 30% at least." in sentences(target, language="en")
    assert "The budget is 1,000." in " ".join(" ".join(sentences(each.seen, language="en")) for each in news)
    assert await looked(redis, BAD, AIM, day=51) == ()


async def test_it_is_resolved_by_itself_once_all_is_proven_to_be_well_and_opens_again(redis: Client) -> None:
    await looked(redis, BAD, AIM, day=50)
    await looked(redis, BAD, msgspec.structs.replace(AIM, budget=BETTER.budget), day=50)
    assert (await states(redis))["contacts"] is State.RESOLVED  # the policy states it no more
    await looked(redis, GOOD, BETTER, day=60)
    assert set((await states(redis)).values()) == {State.RESOLVED}
    (first, *_) = await looked(redis, BAD, AIM, day=70)
    assert (first.state, first.reopened) == (State.OPEN, 1)
    assert set((await states(redis)).values()) == {State.OPEN}


async def test_what_is_merely_not_proven_any_more_stays_open(redis: Client) -> None:
    await looked(redis, BAD, AIM, day=50)
    since = (await WatchStore(redis).get("acme"))["spring"].at_risk[0].since_ms
    await KpiStore(redis).forget("acme", ("objective",), before_day=10**6)
    await looked(redis, {}, AIM, day=51)
    assert set((await states(redis)).values()) == {State.OPEN}
    assert (await WatchStore(redis).get("acme"))["spring"].at_risk[0].since_ms == since


@pytest.mark.parametrize("after", [True, False])
async def test_when_the_period_ends_or_the_objective_goes_nothing_is_open(redis: Client, *, after: bool) -> None:
    await looked(redis, BAD, AIM, day=50)
    await looked(redis, BAD, *((AIM,) if after else ()), day=DAYS if after else 51)
    assert set((await states(redis)).values()) == {State.RESOLVED}
    assert await WatchStore(redis).get("acme") == {}


async def test_who_resolves_one_is_not_asked_again_as_long_as_the_same_lasts(redis: Client) -> None:
    await looked(redis, BAD, AIM, day=50)
    store = FindingStore(redis)
    for each in await store.all("acme"):
        await store.write(msgspec.structs.replace(each, state=State.RESOLVED, closed_ms=at(50) + 5))
    await looked(redis, BAD, AIM, day=52)
    assert set((await states(redis)).values()) == {State.RESOLVED}
