"""Which objective a call serves: always one that nothing narrower was about, whatever else is stated."""

import datetime as dt
import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Agent, Call, Facts, Operation
from gateway.core.objective_scopes import narrowest_first, scope_of
from gateway.core.objectives import bounds, objective_rules, served
from gateway.core.policy.objectives import Objective, Period

_WORDS = ("a", "b")
_DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
_some = st.lists(st.sampled_from(_WORDS), max_size=2, unique=True).map(tuple)
_periods = st.tuples(st.sampled_from(_DAYS), st.sampled_from(_DAYS)).map(
    lambda days: Period(first=min(days), last=max(days))
)


def objectives() -> st.SearchStrategy[list[Objective]]:
    """Up to six of one or two tenants, over few words, so that they often meet."""
    one = st.builds(
        Objective,
        name=st.just("x"),
        tenant=st.sampled_from(_WORDS),
        agents=_some,
        campaign=st.none() | st.sampled_from(_WORDS),
        segment=st.none() | st.sampled_from(_WORDS),
        channels=_some,
        categories=_some,
        kpi=st.just("nps"),
        target=st.just(1.0),
        period=_periods,
    )
    return st.lists(one, max_size=6).map(
        lambda found: [msgspec.structs.replace(each, name=f"o{place}") for place, each in enumerate(found)]
    )


@given(
    objectives(),
    st.tuples(*(st.sampled_from(_WORDS),) * 2),
    st.tuples(*(st.sampled_from(("", *_WORDS)),) * 3),
    st.sampled_from(("", *_WORDS)),
    st.integers(0, 3 * 86_400_000 - 1),
)
def test_a_call_serves_the_narrowest_of_those_that_are_about_it(
    stated: list[Objective], who: tuple[str, str], words: tuple[str, str, str], segment: str, at: int
) -> None:
    now_ms = bounds(Period(first=_DAYS[0], last=_DAYS[0]))[0] + at
    agent = Agent(name=who[0], tenant=who[1])
    campaign, channel, category = words
    call = Call(
        method="/m", operation=Operation.CONTACT, request=None, campaign=campaign, channel=channel, category=category
    )
    facts = Facts(segments=(segment,) if segment else ())
    rules = objective_rules(stated)
    found = served(rules, agent=agent, call=call, facts=facts, now_ms=now_ms)
    fitting = [each for each in stated if _about(each, agent, call=call, facts=facts, now_ms=now_ms)]
    assert (found is None) == (not fitting)
    if found is not None:
        chosen = next(each for each in fitting if each.name == found.name)
        assert not any(scope_of(each).narrower(scope_of(chosen)) for each in fitting)


def _about(objective: Objective, agent: Agent, *, call: Call, facts: Facts, now_ms: int) -> bool:
    """What the policy's reference says, word by word."""
    since_ms, ends_ms = bounds(objective.period)
    return (
        objective.tenant == agent.tenant
        and (objective.agents == () or agent.name in objective.agents)
        and objective.campaign in (None, call.campaign)
        and (objective.segment is None or objective.segment in facts.segments)
        and (objective.channels == () or call.channel in objective.channels)
        and (objective.categories == () or call.category in objective.categories)
        and since_ms <= now_ms < ends_ms
    )


@given(objectives())
def test_whatever_is_narrower_comes_first_and_all_are_kept(stated: list[Objective]) -> None:
    found = narrowest_first(stated)
    assert sorted(each.name for each in found) == sorted(each.name for each in stated)
    for before, after in itertools.combinations(found, 2):
        assert not scope_of(after).narrower(scope_of(before))


@given(objectives())
def test_whoever_two_share_a_call_they_overlap(stated: list[Objective]) -> None:
    for one, two in itertools.combinations(stated, 2):
        assert scope_of(one).overlaps(scope_of(two)) == scope_of(two).overlaps(scope_of(one))
        if scope_of(one).narrower(scope_of(two)):
            assert scope_of(one).overlaps(scope_of(two))
            assert not scope_of(two).narrower(scope_of(one))


def test_a_period_is_whole_days_on_the_clock_of_its_zone() -> None:
    since_ms, ends_ms = bounds(Period(first="2026-03-29", last="2026-03-29", zone="Europe/Paris"))
    assert dt.datetime.fromtimestamp(since_ms / 1000, dt.UTC).isoformat() == "2026-03-28T23:00:00+00:00"
    assert ends_ms - since_ms == 23 * 3_600_000  # the clocks are set forward that night
