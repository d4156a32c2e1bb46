"""Segments that are contacted too much or never are told with what causes it; where nothing differs, hardly any is."""

from collections.abc import Mapping

import numpy as np

from services.insights.pressure.attribution import Sent
from services.insights.pressure.targeting import ALPHA, NOBODY, WEEK_MS, Seen, Targeting, targeting
from services.insights.pressure.watching import Moments

PEOPLE = 400
GOLD, RURAL = range(80), range(80, 150)


def seen(rates: Mapping[int, Mapping[tuple[str, str], float]], *, seed: int = 1, segments: Mapping[str, range]) -> Seen:
    """Four weeks in which each person has so many contacts a week on average of each agent and campaign."""
    draw = np.random.default_rng(seed)
    pairs = sorted({pair for its in rates.values() for pair in its})
    agents, campaigns = (tuple(sorted({pair[place] for pair in pairs})) for place in (0, 1))
    rows = [
        (person, int(at_ms), agents.index(agent), campaigns.index(campaign))
        for person, its in rates.items()
        for (agent, campaign), rate in its.items()
        for at_ms in draw.uniform(0, 4 * WEEK_MS, draw.poisson(4 * rate))
    ]
    person, at_ms, by, campaign = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    refused = {
        "CAP_EXCEEDED weekly": np.zeros(PEOPLE, dtype=np.int64),
        "POLICY_DENIED towns": np.zeros(PEOPLE, dtype=np.int64),
    }
    refused["POLICY_DENIED towns"][list(RURAL)[:60]] = 3
    refused["CAP_EXCEEDED weekly"][list(RURAL)[:10]] = 5
    return Seen(
        people=PEOPLE,
        sent=Sent.of(Moments.of(person, at_ms), by, agents),
        campaign=campaign,
        campaigns=campaigns,
        segments={name: np.array(its, dtype=np.int64) for name, its in segments.items()},
        refused=refused,
    )


def planted() -> Targeting:
    """Gold customers get too much of one agent, rural ones nothing, for a rule above all."""
    news, offers = ("news-bot", "weekly"), ("loud-bot", "spring")
    rates = {
        person: {news: 1.0, offers: 3.0 if person in GOLD else 0.1} for person in range(PEOPLE) if person not in RURAL
    }
    return targeting(seen(rates, segments={"gold": GOLD, "rural": RURAL, "odd": range(1, PEOPLE, 2), "few": range(9)}))


def test_what_was_planted_is_found_with_its_cause_and_interval() -> None:
    found = planted()
    told = {(each.segment, each.question): each for each in found.skews}
    much, never = told["gold", "much"], told["rural", "never"]
    assert {key for key, each in told.items() if each.standing == "MORE"} == {("gold", "much"), ("rural", "never")}
    assert much.ratio is not None
    assert 1 < much.low < much.ratio
    assert (never.events, never.people) == (70, 70)
    assert much.other_events <= 0.05 * much.other_people
    assert much.cause is not None
    assert (much.cause.name, much.cause.campaign) == ("loud-bot", "spring")
    assert much.cause.share is not None
    assert 0.5 < much.cause.share.low < much.cause.part / much.cause.whole < much.cause.share.high
    assert never.cause is not None
    assert (never.cause.name, never.cause.part, never.cause.whole) == ("POLICY_DENIED towns", 50, 70)
    assert [each.standing for each in found.skews if each.segment == "few"] == ["TOO_FEW", "TOO_FEW"]
    assert found.skews[0].standing == "MORE"
    assert much.level == 1 - ALPHA / 8


def test_whom_no_agent_tried_is_told_as_that() -> None:
    rates = {person: {("news-bot", ""): 1.5} for person in range(PEOPLE) if person not in GOLD}
    found = targeting(seen(rates, segments={"gold": GOLD}))
    never = next(each for each in found.skews if each.question == "never")
    assert never.cause is not None
    assert (never.standing, never.cause.name, never.cause.part) == ("MORE", NOBODY, 80)


def test_where_segments_do_not_matter_at_most_one_in_twenty_tenants_has_one_that_is_told() -> None:
    wrong = 0
    segments = {"one": range(100), "two": range(100, 250), "three": range(0, PEOPLE, 2), "four": range(0, PEOPLE, 7)}
    for seed in range(200):
        rates = {person: {("news-bot", ""): 0.8} for person in range(PEOPLE)}
        found = targeting(seen(rates, seed=seed, segments=segments))
        wrong += any(each.standing in ("MORE", "LESS") for each in found.skews)
    assert wrong <= 0.05 * 200 + 2 * (200 * 0.05 * 0.95) ** 0.5


def test_of_nobody_nothing_is_said() -> None:
    nothing = seen({}, segments={})
    assert targeting(nothing).skews == ()
