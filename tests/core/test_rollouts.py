"""How a rollout moves, whatever is known of it and in whatever order things happen to it."""

import itertools
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.authority import MOVEMENT
from gateway.core.policy.learning import (
    Guardrail,
    Measure,
    Rollout,
    RolloutCause,
    RolloutState,
    RolloutStep,
    Success,
)
from gateway.core.rollout_texts import cause_of, refusal_of, state_of, wait_of
from gateway.core.rollouts import FROM, SERVING, Act, Evidence, Refused, Wait, WaitCode, act, compares, decide
from gateway.core.texts import LANGUAGES

HOUR_MS = 3_600_000
T0 = 1_795_514_400_000
MEASURES: tuple[Measure, ...] = ("error_rate", "opt_out_rate", "conversion_rate")

measures = st.sampled_from(MEASURES)
steps = st.lists(
    st.builds(
        RolloutStep,
        share=st.integers(1, 10_000),
        hold=st.sampled_from(["1ms", "1h", "2d"]),
        min_sample=st.integers(0, 5),
        approval=st.booleans(),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda step: step.share,
).map(lambda found: tuple(sorted(found, key=lambda step: step.share)))
evidences = st.none() | st.builds(
    Evidence,
    since_ms=st.integers(0, T0 + HOUR_MS),
    subjects=st.integers(0, 8),
    traffic=st.booleans(),
    harms=st.lists(st.sampled_from([False, False, False, True]), max_size=3).map(tuple),
    proven=st.lists(st.sampled_from([True, True, False]), max_size=3).map(tuple),
    stale=st.lists(measures, max_size=1).map(tuple),
    mismatch=st.sampled_from([False, False, False, True]),
)
times = st.integers(T0 - HOUR_MS, T0 + 72 * HOUR_MS)


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    found = draw(steps)
    return Rollout(
        name="up",
        route="score",
        arm="new",
        against="old",
        steps=found,
        guardrails=tuple(Guardrail(measure=each) for each in draw(st.lists(measures, max_size=3))),
        success=tuple(Success(measure=each) for each in draw(st.lists(measures, max_size=3))),
        state=draw(st.sampled_from(get_args(RolloutState))),
        step=draw(st.integers(0, len(found) - 1)),
        since_ms=draw(times),
    )


def good(**changes: Any) -> Evidence:
    wanted: dict[str, Any] = {"subjects": 1_000, "traffic": True, "proven": (True,) * 3}
    return Evidence(**(wanted | changes))


def up(**changes: Any) -> Rollout:
    wanted: dict[str, Any] = {"name": "up", "route": "score", "arm": "new", "against": "old", "state": "running"}
    wanted |= {"success": (Success(measure="error_rate"),), "since_ms": T0}
    return Rollout(**(wanted | changes))


@given(rollouts(), evidences, times)
def test_a_decision_is_one_move_with_its_cause_or_a_wait(rollout: Rollout, evidence: Any, now_ms: int) -> None:
    found = decide(rollout, evidence, now_ms=now_ms)
    if isinstance(found, Wait):
        assert all(wait_of(rollout, found, language=each) for each in LANGUAGES)
        return
    assert found != rollout
    assert found.cause
    assert all(cause_of(found, language=each) for each in LANGUAGES)
    plain = {field: getattr(rollout, field) for field in MOVEMENT}
    assert msgspec.structs.replace(found, **plain) == rollout  # nothing else of it changes
    assert evidence is not None
    assert rollout.state in SERVING


@given(rollouts(), evidences, times)
def test_it_goes_forward_one_step_and_only_when_all_that_is_asked_is_there(
    rollout: Rollout, evidence: Evidence | None, now_ms: int
) -> None:
    found = decide(rollout, evidence, now_ms=now_ms)
    if isinstance(found, Wait) or (found.share <= rollout.share and found.state not in ("ready", "completed")):
        return
    assert evidence is not None
    step = rollout.steps[rollout.step]
    assert rollout.state == "running"
    assert now_ms - max(rollout.since_ms, evidence.since_ms) >= {"1ms": 1, "1h": HOUR_MS, "2d": 48 * HOUR_MS}[step.hold]
    assert evidence.subjects >= step.min_sample
    assert evidence.traffic
    assert not evidence.stale
    assert not evidence.mismatch
    assert not any(list(evidence.harms)[: len(rollout.guardrails)])
    if compares(rollout):
        assert list(evidence.proven)[: len(rollout.success)] == [True] * len(rollout.success)
    if found.state != "ready":
        assert not step.approval
        assert rollout.success or not compares(rollout)  # without anything proven, a person must say so
        assert found.step == rollout.step + (found.state == "running")


@given(rollouts(), evidences, times)
def test_a_proven_harm_takes_the_candidate_back_at_once_wherever_it_serves(
    rollout: Rollout, evidence: Evidence | None, now_ms: int
) -> None:
    found = decide(rollout, evidence, now_ms=now_ms)
    harms = [
        part.measure for part, harm in zip(rollout.guardrails, evidence.harms if evidence else (), strict=False) if harm
    ]
    if harms and rollout.state in SERVING:
        assert isinstance(found, Rollout)
        assert (found.state, found.share, found.cause) == ("rolled_back", 0, "harm")
        assert found.about == tuple(dict.fromkeys(harms))
    elif isinstance(found, Rollout):
        assert found.state != "rolled_back"


@given(rollouts(), st.lists(st.tuples(evidences, times, st.none() | st.sampled_from(get_args(Act))), max_size=20))
def test_nobody_leaves_the_candidate_but_by_a_harm_or_a_person(rollout: Rollout, happens: Any) -> None:
    for evidence, now_ms, done in happens:
        found = act(rollout, done, reason="why", now_ms=now_ms) if done else decide(rollout, evidence, now_ms=now_ms)
        if not isinstance(found, Rollout):
            continue
        if found.share < rollout.share:
            assert found.cause in ("harm", "aborted")
        assert found.share <= max(step.share for step in rollout.steps) or found.state == "completed"
        rollout = found


@given(rollouts(), st.sampled_from(get_args(Act)), times)
def test_what_a_person_does_is_done_or_refused_in_words(rollout: Rollout, what: Act, now_ms: int) -> None:
    found = act(rollout, what, reason="because", now_ms=now_ms)
    assert isinstance(found, Rollout) == (rollout.state in FROM[what])
    if isinstance(found, Refused):
        assert all(refusal_of(rollout, found, language=each) for each in LANGUAGES)
        return
    assert found.reason == "because"
    assert all("because" in cause_of(found, language=each) for each in LANGUAGES)
    if what == "approve":
        assert found.step == rollout.step + (found.state == "running")


@given(rollouts(), evidences, times)
@example(up(), good(), T0 - 10 * 24 * HOUR_MS)
def test_a_clock_that_steps_back_moves_nothing_forward(
    rollout: Rollout, evidence: Evidence | None, now_ms: int
) -> None:
    found = decide(rollout, evidence, now_ms=now_ms)
    if now_ms <= rollout.since_ms and isinstance(found, Rollout):
        assert found.state in ("rolled_back", "paused")


def test_a_good_candidate_goes_all_the_way_step_by_step() -> None:
    rollout: object = act(up(state="pending"), "start", reason="try it", now_ms=T0)
    seen = []
    for hours in itertools.count(1):
        assert isinstance(rollout, Rollout)
        seen.append((rollout.state, rollout.share, rollout.cause))
        if rollout.state == "completed":
            break
        rollout = decide(rollout, good(), now_ms=T0 + hours * HOUR_MS)
    assert seen == [
        ("running", 100, "started"),
        ("running", 500, "proven"),
        ("running", 2_500, "proven"),
        ("running", 5_000, "proven"),
        ("running", 10_000, "proven"),
        ("completed", 10_000, "finished"),
    ]


@pytest.mark.parametrize(
    ("evidence", "after_ms", "code"),
    [
        (None, HOUR_MS, "unmeasured"),
        (good(traffic=False), HOUR_MS, "no_traffic"),
        (good(), HOUR_MS - 1, "hold"),
        (good(since_ms=T0 + 1), HOUR_MS, "hold"),
        (good(subjects=999), HOUR_MS, "sample"),
        (good(proven=(False,)), HOUR_MS, "unproven"),
        (good(proven=()), HOUR_MS, "unproven"),  # what nothing is said of is not proven
        (Evidence(), HOUR_MS, "no_traffic"),
    ],
)
def test_a_step_waits_until_all_is_there(evidence: Evidence | None, after_ms: int, code: WaitCode) -> None:
    found = decide(up(), evidence, now_ms=T0 + after_ms)
    assert isinstance(found, Wait)
    assert found.code == code


@pytest.mark.parametrize("evidence", [good(stale=("error_rate",)), good(mismatch=True)])
def test_what_cannot_be_believed_pauses_it_and_a_person_lets_it_begin_the_step_anew(evidence: Evidence) -> None:
    paused = decide(up(step=2), evidence, now_ms=T0 + HOUR_MS)
    assert isinstance(paused, Rollout)
    assert (paused.state, paused.share, paused.since_ms) == ("paused", 2_500, T0)
    assert decide(paused, good(), now_ms=T0 + 2 * HOUR_MS) == Wait(code="resumption")
    resumed = act(paused, "resume", reason="repaired", now_ms=T0 + 2 * HOUR_MS)
    assert isinstance(resumed, Rollout)
    assert (resumed.state, resumed.step, resumed.since_ms) == ("running", 2, T0 + 2 * HOUR_MS)


def test_a_step_with_approval_is_ready_until_somebody_lets_it_go_on() -> None:
    careful = up(steps=(RolloutStep(share=100, approval=True), RolloutStep(share=10_000, approval=True)))
    ready = decide(careful, good(), now_ms=T0 + HOUR_MS)
    assert isinstance(ready, Rollout)
    assert (ready.state, ready.share, ready.cause) == ("ready", 100, "waits_for_approval")
    assert decide(ready, good(), now_ms=T0 + 9 * HOUR_MS) == Wait(code="approval")
    wide = act(ready, "approve", reason="looks fine", now_ms=T0 + 9 * HOUR_MS)
    assert isinstance(wide, Rollout)
    assert (wide.state, wide.share) == ("running", 10_000)
    last = decide(wide, good(), now_ms=T0 + 10 * HOUR_MS)
    assert isinstance(last, Rollout)
    done = act(last, "approve", reason="done", now_ms=T0 + 11 * HOUR_MS)
    assert isinstance(done, Rollout)
    assert (last.state, done.state, done.share) == ("ready", "completed", 10_000)


def test_without_anything_to_prove_a_person_takes_every_step() -> None:
    found = decide(up(success=()), good(), now_ms=T0 + HOUR_MS)
    assert isinstance(found, Rollout)
    assert (found.state, found.share) == ("ready", 100)


def test_every_state_and_cause_has_words_in_both_languages() -> None:
    for language in LANGUAGES:
        causes = {cause_of(up(cause=cause), language=language) for cause in get_args(RolloutCause)}
        states = {state_of(up(state=state), language=language) for state in get_args(RolloutState)}
        waits = {wait_of(up(), Wait(code=code), language=language) for code in get_args(WaitCode)}
        assert [len(causes), len(states), len(waits)] == [
            len(get_args(each)) for each in (RolloutCause, RolloutState, WaitCode)
        ]
