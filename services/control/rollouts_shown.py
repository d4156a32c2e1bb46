"""A rollout as people see it. Pure."""

import datetime as dt

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Rollout
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.rollout_texts import cause_of, state_of
from gateway.core.rollouts import FROM
from services.control.times import known
from services.insights.report import ArmCount
from services.rollouts.judging import Judged, Line
from services.rollouts.looking import Standing
from services.rollouts.tables import Words


class StepShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step."""

    share: float
    """Of 1: what the candidate serves."""
    hold_seconds: int
    min_sample: int
    approval: bool
    """Whether somebody must let it go on."""


class RolloutShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a rollout stands."""

    name: str
    etag: str
    """Changes whenever it moves."""
    route: str
    arm: str
    """The candidate."""
    against: str
    state: str
    """"pending", "running", "ready", "paused", "completed" or "rolled_back"."""
    state_text: str
    """The same in words."""
    step: int
    """From 0."""
    steps: tuple[StepShown, ...]
    share: float
    """Of 1: what the candidate serves now."""
    since_time: dt.datetime | None
    why: str
    """What has brought it there, in words."""
    acts: tuple[str, ...]
    """What can be done to it now: "start", "approve", "pause", "resume", "abort"."""


class ArmShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was counted of an arm on this step."""

    arm: str
    subjects: int
    calls: int
    several: int
    """People who were seen in both arms; they count for none."""
    calls_without_subject: int


class LineShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of one guardrail or success measure. Numbers are `null` where nothing is known."""

    measure: str
    decides: bool
    """Whether it must be proven for the rollout to go on; else it is a guardrail."""
    margin: float
    relative: bool
    """Whether margin, effect and bounds are shares of the other arm's measure."""
    candidate: float | None
    against: float | None
    effect: float | None
    low: float | None
    high: float | None
    proof: str
    """"HARM", "NO_HARM", "OPEN" or "TOO_FEW"."""
    needed: int
    """People in each arm before anything is said."""


class RolloutStanding(RolloutShown, frozen=True, kw_only=True, rename="camel"):
    """Where it stands, what is proven of its step, and what it waits for."""

    words: tuple[str, ...]
    """All of it in sentences."""
    waits: str
    """Code of what it waits for; empty where it is about to move."""
    problem: str
    """Why its step could not be measured: "silent", "refused", "impossible", or empty."""
    arms: tuple[ArmShown, ...] = ()
    lines: tuple[LineShown, ...] = ()


def shown(rollout: Rollout, *, language: str) -> RolloutShown:
    """A rollout, in a language."""
    steps = tuple(
        StepShown(
            share=step.share / BASIS_POINTS,
            hold_seconds=duration_ms(step.hold) // 1_000,
            min_sample=step.min_sample,
            approval=step.approval,
        )
        for step in rollout.steps
    )
    return RolloutShown(
        name=rollout.name,
        etag=f"{rollout.state}-{rollout.step}-{rollout.since_ms}",
        route=rollout.route,
        arm=rollout.arm,
        against=rollout.against,
        state=rollout.state,
        state_text=state_of(rollout, language=language),
        step=rollout.step,
        steps=steps,
        share=rollout.share / BASIS_POINTS,
        since_time=known(rollout.since_ms),
        why=cause_of(rollout, language=language),
        acts=tuple(act for act, states in FROM.items() if rollout.state in states),
    )


def standing_shown(standing: Standing, *, language: str) -> RolloutStanding:
    """A rollout with what was measured of it, in a language."""
    judged: Judged | None = standing.judged
    return RolloutStanding(
        **msgspec.structs.asdict(shown(standing.rollout, language=language)),
        words=Words(language=language).sentences(standing),
        waits=standing.wait.code if standing.wait else "",
        problem=standing.problem,
        arms=tuple(_arm(name, arm) for name, arm in judged.arms.items()) if judged else (),
        lines=tuple(_line(each) for each in judged.lines) if judged else (),
    )


def _arm(name: str, arm: ArmCount) -> ArmShown:
    return ArmShown(
        arm=name,
        subjects=arm.subjects,
        calls=arm.calls,
        several=arm.several,
        calls_without_subject=arm.calls_without_subject,
    )


def _line(line: Line) -> LineShown:
    compared = line.compared
    effect = compared.lift if line.relative else compared.difference
    return LineShown(
        measure=line.measure,
        decides=line.decides,
        margin=line.margin,
        relative=line.relative,
        candidate=compared.treatment,
        against=compared.control,
        effect=effect.value if effect else None,
        low=line.bounds.low if line.bounds else None,
        high=line.bounds.high if line.bounds else None,
        proof=line.proof.value,
        needed=line.needed,
    )
