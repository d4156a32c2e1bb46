"""Which arm serves a call: by the policy as it is written, compiled."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from gateway.core.assignment import point
from gateway.core.call import UNKNOWN_SUBJECT, UNREADABLE_SUBJECT, Call, Facts
from gateway.core.decide import unrouted
from gateway.core.record import Exposure
from gateway.core.revision.compiled import Revision
from gateway.core.routing import NOWHERE, Routed, route
from gateway.messages.describe import describe
from tests.policies import INFER, READ, demo, revision

UNITS = [f"{n:032x}" for n in range(2_000)]


def models(**sections: Any) -> Revision:
    """A policy with a model of three versions, and one route to it whose arms share it 70 to 30."""
    return revision(**served(**sections))


def served(**sections: Any) -> dict[str, Any]:
    """Its sections."""
    return {
        "upstreams": [
            {"name": "crm", "address": "127.0.0.1:1", "version": "2026.4"},
            {"name": "one", "address": "127.0.0.1:2", "version": "7.1"},
            {"name": "two", "address": "127.0.0.1:3"},
        ],
        "prompts": [{"name": "scorer", "versions": [{"version": "4", "text": "Score."}]}],
        "models": [
            {
                "name": "score",
                "versions": [
                    {"version": "1", "upstream": "one", "prompt": "scorer@4"},
                    {"version": "2", "upstream": "two", "served_as": "score-two"},
                    {"version": "3", "upstream": "two"},
                ],
                "aliases": {"champion": "1", "challenger": "2"},
            }
        ],
        "contracts": demo()["contracts"],
        "routes": [scoring()],
        **sections,
    }


def scoring(**more: Any) -> dict[str, Any]:
    """A route to the model."""
    arms = [
        {"name": "champion", "version": "@champion", "weight": 7000},
        {"name": "challenger", "version": "2", "weight": 3000},
        {"name": "candidate", "version": "3", "weight": 0},
    ]
    return {"name": "scoring", "methods": [INFER], "models": ["score"], "arms": arms} | more


CALL = describe(revision(contracts=demo()["contracts"]).methods[INFER].contract, b"", metadata={})


def asked(subject_ref: str = "", **more: str) -> Call:
    """The same call, of somebody."""
    named = {"version": "model_version"}
    return msgspec.structs.replace(
        CALL,
        subject_ref=subject_ref,
        **{"model": "score"} | {named.get(key, key): value for key, value in more.items()},
    )


def way(
    made: Revision,
    call: Call,
    *,
    draw: float = 0.0,
    facts: Facts = UNKNOWN_SUBJECT,
    agent: str = "bot",
    method: str = INFER,
    first: Routed | None = None,
) -> Routed:
    """Where the call goes."""
    found = made.agent(agent)
    assert found is not None
    values = unrouted(made, made.methods[method], now_ms=0, agent=found, call=call, facts=facts)
    return route(made.methods[method].routing, call, facts=facts, values=values, now_ms=0, draw=draw, first=first)


def test_a_customer_always_gets_the_same_arm_whatever_is_drawn() -> None:
    made = models()
    for unit in UNITS[:100]:
        assert len({way(made, asked(unit), draw=draw / 10).route for draw in range(10)}) == 1


def test_a_call_without_a_subject_goes_where_the_draw_says() -> None:
    arms = [way(models(), asked(), draw=draw).route.arm for draw in (0.0, 0.6999, 0.7, 0.999999)]
    assert arms == ["champion", "champion", "challenger", "challenger"]


def test_a_route_that_is_not_sticky_asks_the_draw_also_for_a_customer() -> None:
    made = models(routes=[scoring(sticky="none")])
    assert [way(made, asked("ab"), draw=draw).route.arm for draw in (0.1, 0.9)] == ["champion", "challenger"]


def test_a_route_that_is_sticky_by_session_gives_a_session_one_arm_whoever_it_is_about() -> None:
    made = models(routes=[scoring(sticky="session")])
    for session in UNITS[:50]:
        found = [way(made, asked(unit, session_ref=session), draw=0.9) for unit in UNITS[100:110]]
        assert len({each.route.arm for each in found}) == 1
        assert {each.unit_ref for each in found} == {session}
    assert [way(made, asked("ab"), draw=draw).route.arm for draw in (0.1, 0.9)] == ["champion", "challenger"]


def test_whoever_the_facts_say_is_another_person_keeps_that_persons_arm() -> None:
    made = models()
    for before, since in zip(UNITS[:200], UNITS[200:400], strict=True):
        found = way(made, asked(since), facts=Facts(unit=before))
        assert found.route == way(made, asked(before)).route
        assert found.unit_ref == before


def test_a_customer_of_whom_nothing_can_be_read_is_assigned_by_their_own_pseudonym() -> None:
    made = models()
    for unit in UNITS[:50]:
        assert way(made, asked(unit), facts=UNREADABLE_SUBJECT).route == way(made, asked(unit)).route


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("1", ("champion", "1", "one")),
        ("2", ("challenger", "2", "two")),
        ("@champion", ("champion", "1", "one")),
        ("@challenger", ("challenger", "2", "two")),
        ("3", None),  # no weight: it is for experiments, rollouts, fallbacks and shadows only
        ("9", None),
        ("@nobody", None),
        ("@", None),
        ("champion", None),
    ],
)
def test_a_version_that_the_caller_asks_for_is_served_or_nothing_is(
    version: str, wanted: tuple[str, str, str] | None
) -> None:
    found = way(models(), asked("ab", version=version))
    assert ((found.route.arm, found.route.version, found.route.upstream) if found.route.name else None) == wanted


def test_what_the_record_says_of_the_version_is_resolved_with_it() -> None:
    one, two = (way(models(), asked(version=version)).target for version in ("1", "2"))
    assert one is not None
    assert two is not None
    assert (one.prompt, one.connector_version, one.served_as) == ("scorer@4", "7.1", "")
    assert (two.prompt, two.connector_version, two.served_as) == ("", "", "score-two")


def test_a_version_is_never_empty_and_never_an_alias() -> None:
    made = models()
    found = {way(made, asked(unit), draw=int(unit, 16) / 2_000).route.version for unit in UNITS}
    assert found == {"1", "2"}


def test_an_unknown_model_has_no_route() -> None:
    assert way(models(), asked(model="churn")) is NOWHERE
    assert way(models(), asked(model="")) is NOWHERE


def test_the_first_route_that_serves_the_call_is_taken() -> None:
    other = scoring(name="other", arms=[{"name": "only", "version": "3"}])
    made = models(routes=[scoring(), other])
    assert [way(made, asked("ab", version=version)).route.name for version in ("", "1", "3")] == [
        "scoring",
        "scoring",
        "other",
    ]


def test_a_route_is_taken_by_the_calls_that_its_condition_holds_for() -> None:
    special = scoring(name="special", when='agent.name == "bot" && call.model == "score" && request.id == ""')
    made = models(routes=[special, scoring()])
    assert way(made, asked("ab")).route.name == "special"
    for when in ('agent.name == "eve"', 'request.id == "x"', "now > timestamp('2000-01-01T00:00:00Z')"):
        assert way(models(routes=[special | {"when": when}, scoring()]), asked("ab")).route.name == "scoring"


def test_a_route_whose_condition_fails_is_not_taken() -> None:
    made = models(routes=[scoring(name="special", when='facts.traits["tier"] == "gold"'), scoring()])
    assert way(made, asked("ab"), facts=Facts(traits={"tier": "gold"})).route.name == "special"
    assert way(made, asked("ab")).route.name == "scoring"
    assert way(made, asked("ab"), facts=UNREADABLE_SUBJECT).route.name == "scoring"


def test_a_method_whose_routes_look_at_facts_or_assign_by_person_reads_them_and_no_other_does() -> None:
    plain = [{"name": "crm", "methods": ["/pilote.*"], "arms": [{"name": "only", "upstream": "crm"}]}]
    whole = scoring(arms=[{"name": "only", "version": "1"}])
    looking = whole | {"when": '"vip" in facts.segments'}
    assert not revision(routes=plain).methods[READ].reads_facts
    assert not models(routes=[whole]).methods[INFER].reads_facts
    assert models(routes=[looking]).methods[INFER].reads_facts
    assert models().methods[INFER].reads_facts
    assert not models(routes=[scoring(sticky="session")]).methods[INFER].reads_facts
    assert not models(routes=[scoring(sticky="none")]).methods[INFER].reads_facts
    assert rolling(500, route=scoring(sticky="none")).methods[INFER].reads_facts
    watching = {"name": "w", "route": "scoring", "unit": "session", "arms": [{"name": "all", "weight": 10_000}]}
    assert not models(routes=[whole], experiments=[watching]).methods[INFER].reads_facts
    assert models(routes=[whole], experiments=[watching | {"unit": "subject"}]).methods[INFER].reads_facts


def test_where_all_calls_go_one_way_nothing_is_hashed_and_nothing_made() -> None:
    made = models(routes=[scoring(arms=[{"name": "only", "version": "1"}])])
    assert way(made, asked("ab")) is way(made, asked("cd"))


ROLLOUT = {"name": "up", "route": "scoring", "arm": "candidate", "against": "champion"}


def rolling(share: int, *, route: dict[str, Any] | None = None, **more: Any) -> Revision:
    """The route with a rollout that serves a share."""
    running = {"steps": [{"share": share}], "state": "running"} if share else {"state": "pending"}
    return models(routes=[route or scoring()], rollouts=[ROLLOUT | running | more])


def test_a_rollouts_candidate_serves_whoever_lies_within_its_share_and_the_others_stay() -> None:
    made, before = rolling(500), models()
    for unit in UNITS:
        found = way(made, asked(unit)).route
        if point("up", unit) < 500:
            assert (found.arm, found.version, found.rollout) == ("candidate", "3", "up")
        else:
            assert found == way(before, asked(unit)).route


def test_as_a_rollout_widens_nobody_leaves_the_candidate() -> None:
    inside: set[str] = set()
    for share in (0, 100, 500, 2_500, 5_000, 10_000):
        made = rolling(share)
        now = {unit for unit in UNITS if way(made, asked(unit)).route.rollout}
        assert inside <= now
        assert len(now) == pytest.approx(len(UNITS) * share / 10_000, abs=70)
        inside = now
    assert inside == set(UNITS)


@pytest.mark.parametrize(("state", "share"), [("completed", 1.0), ("rolled_back", 0.0), ("pending", 0.0)])
def test_a_rollout_that_is_over_serves_all_or_nobody_and_all_may_ask_for_what_serves_all(
    state: str, share: float
) -> None:
    made = rolling(100, state=state)
    assert {way(made, asked(unit)).route.arm == "candidate" for unit in UNITS} == {share == 1}
    assert (way(made, asked("ab", version="3")) is not NOWHERE) == (share == 1)
    assert way(made, asked("ab", version="1")).route == way(models(), asked("ab", version="1")).route


def test_calls_without_a_subject_are_shared_out_between_candidate_and_arms_by_chance() -> None:
    made = rolling(5_000)
    arms = Counter(way(made, asked(), draw=draw / 10_000).route.arm for draw in range(10_000))
    assert arms == {"candidate": 5_000, "champion": 3_500, "challenger": 1_500}


def test_who_may_be_in_a_rollout_or_not_gets_what_the_others_get() -> None:
    made = rolling(5_000)
    assert {way(made, asked(unit), facts=UNREADABLE_SUBJECT).route.rollout for unit in UNITS[:50]} == {""}
    everybody = rolling(5_000, state="completed")
    assert {way(everybody, asked(unit), facts=UNREADABLE_SUBJECT).route.rollout for unit in UNITS[:50]} == {"up"}


def test_a_caller_who_names_a_version_is_in_no_rollout() -> None:
    made = rolling(9_999)
    assert {way(made, asked(unit, version="1")).route.rollout for unit in UNITS[:50]} == {""}


EXPERIMENT: dict[str, Any] = {
    "name": "tone",
    "route": "scoring",
    "arms": [
        {"name": "control", "weight": 5000, "arm": "champion"},
        {"name": "warm", "weight": 5000, "arm": "candidate"},
    ],
}


def test_an_experiment_chooses_the_arm_and_exposes_the_subject() -> None:
    made = models(experiments=[EXPERIMENT])
    for unit in UNITS[:200]:
        found = way(made, asked(unit))
        variation, arm = ("control", "champion") if point("tone", unit) < 5000 else ("warm", "candidate")
        assert (found.route.arm, found.exposures) == (arm, (Exposure("tone", variation),))


def test_whom_an_experiment_does_not_cover_goes_where_they_would_without_it() -> None:
    made, before = models(experiments=[EXPERIMENT | {"coverage": 1000}]), models()
    outside = [unit for unit in UNITS if not way(made, asked(unit)).exposures]
    assert len(outside) == pytest.approx(1800, abs=50)
    assert all(way(made, asked(unit)).route == way(before, asked(unit)).route for unit in outside)


def test_a_variation_without_an_arm_exposes_and_changes_nothing() -> None:
    watched = EXPERIMENT | {"arms": [{"name": "a", "weight": 5000}, {"name": "b", "weight": 5000}]}
    made, before = models(experiments=[watched]), models()
    for unit in UNITS[:200]:
        assert way(made, asked(unit)).route == way(before, asked(unit)).route
        assert len(way(made, asked(unit)).exposures) == 1


@pytest.mark.parametrize(
    "more", [{"state": "stopped"}, {"when": 'agent.name == "eve"'}, {"when": "facts.traits['x'] == ''"}]
)
def test_an_experiment_that_is_stopped_or_not_for_these_calls_exposes_nobody(more: dict[str, Any]) -> None:
    made, before = models(experiments=[EXPERIMENT | more]), models()
    for unit in UNITS[:100]:
        assert way(made, asked(unit)) == msgspec.structs.replace(
            way(before, asked(unit)), rule=made.methods[INFER].routes[0]
        )


def test_who_has_nothing_to_be_assigned_by_or_cannot_be_read_is_in_no_experiment() -> None:
    made = models(experiments=[EXPERIMENT])
    assert way(made, asked()).exposures == ()
    assert way(made, asked("ab"), facts=UNREADABLE_SUBJECT).exposures == ()


def test_a_caller_who_names_a_version_is_in_no_experiment_that_would_choose_it() -> None:
    watching = {"name": "watching", "route": "scoring", "arms": [{"name": "all", "weight": 10_000}]}
    made = models(experiments=[EXPERIMENT, watching])
    assert way(made, asked("ab", version="1")).exposures == (Exposure("watching", "all"),)
    assert way(made, asked("ab", version="3")) is NOWHERE


def test_an_experiment_by_session_says_what_it_was_assigned_by() -> None:
    made = models(experiments=[EXPERIMENT | {"unit": "session"}])
    found = way(made, asked("ab", session_ref="cd"))
    assert found.exposures == (Exposure("tone", found.exposures[0].variation, "cd"),)
    assert way(made, asked("ef", session_ref="cd")).exposures == found.exposures
    assert way(made, asked("ab")).exposures == ()


def test_an_experiment_with_methods_exposes_their_calls_only_and_still_chooses_on_its_route() -> None:
    crm = {"name": "crm", "methods": ["/pilote.*"], "arms": [{"name": "only", "upstream": "crm"}]}
    made = models(routes=[scoring(), crm], experiments=[EXPERIMENT | {"methods": [READ]}])
    for unit in UNITS[:100]:
        inferring = way(made, asked(unit))
        assert inferring.exposures == ()
        assert inferring.route.arm == ("champion" if point("tone", unit) < 5000 else "candidate")
        reading = way(made, asked(unit, model=""), method=READ)
        assert reading.route.arm == "only"
        assert reading.exposures == (Exposure("tone", "control" if point("tone", unit) < 5000 else "warm"),)


def test_a_streams_further_message_goes_where_the_first_went_and_is_exposed_to_what_does_not_choose() -> None:
    watching = {
        "name": "watching",
        "route": "scoring",
        "arms": [{"name": "a", "weight": 5000}, {"name": "b", "weight": 5000}],
    }
    made = models(experiments=[EXPERIMENT, watching])
    first = way(made, asked(UNITS[0]))
    for unit in UNITS[:50]:
        further = way(made, asked(unit), first=first)
        assert further.route == first.route
        assert further.exposures == tuple(
            each for each in way(made, asked(unit)).exposures if each.experiment != "tone"
        )


def test_a_streams_further_message_stays_in_the_rollout_of_the_first() -> None:
    made = rolling(9_999)
    first = way(made, asked(UNITS[0]))
    assert way(made, asked(UNITS[1]), first=first).route.rollout == first.route.rollout == "up"


def test_a_further_message_is_exposed_by_the_policy_that_decides_it_and_stays_where_the_stream_goes() -> None:
    first = way(rolling(9_999), asked(UNITS[0]))
    watching = {
        "name": "watching",
        "route": "scoring",
        "when": "call.model == 'score'",
        "arms": [{"name": "all", "weight": 10_000}],
    }
    further = way(models(experiments=[watching]), asked(UNITS[1]), first=first)
    assert (further.route, further.exposures) == (first.route, (Exposure("watching", "all"),))
    gone = models(routes=[scoring(name="other")])
    assert way(gone, asked(UNITS[1]), first=first).route == first.route


@pytest.mark.parametrize("more", [{}, {"version": "1"}, {"version": "@champion"}])
def test_a_streams_further_message_goes_along(more: dict[str, str]) -> None:
    made = models()
    first = way(made, asked(version="1"))
    assert way(made, asked(**more), first=first).route == first.route


@pytest.mark.parametrize(
    "more",
    [
        *[{"version": version} for version in ("2", "9", "@challenger", "@nobody", " ")],
        {"model": "other"},
        {"model": ""},
    ],
)
def test_a_streams_further_message_that_asks_for_something_else_goes_nowhere(more: dict[str, str]) -> None:
    made = models()
    assert way(made, asked(**more), first=way(made, asked(version="1"))) is NOWHERE
