"""How a rollout moves: what is known of its step, and what follows from that. Pure; the controller does what this says.

It goes back as soon as a guardrail is proven, from whatever state it serves anybody in. It goes forward one step at a
time, and only with every `success` proven; what is neither proven nor refuted waits. What cannot be believed, because
people were not assigned as the policy says or because a measure has stopped coming, pauses it.
"""

from typing import Final, Literal

import msgspec

from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Measure, Rollout, RolloutCause, RolloutState, RolloutStep
from gateway.core.policy.vocabulary import duration_ms

SERVING: Final = ("running", "ready", "paused")
"""States in which the candidate serves its share, so that its guardrails are watched."""

WaitCode = Literal[
    "not_begun", "unmeasured", "no_traffic", "hold", "sample", "unproven", "approval", "resumption", "nothing",
]  # fmt: skip
Act = Literal["start", "approve", "pause", "resume", "abort"]
"""What people do to a rollout."""

FROM: Final[dict[Act, tuple[RolloutState, ...]]] = {
    "start": ("pending", "rolled_back"),
    "approve": ("ready",),
    "pause": ("running", "ready"),
    "resume": ("paused",),
    "abort": ("running", "ready", "paused", "completed"),
}
"""The states in which each of it can be done."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the current step. What nothing is said of counts as not known, so that nothing goes forward."""

    since_ms: int = 0
    """Since when the arms have been what they are, if something about them has changed since the step began."""
    subjects: int = 0
    """People whom the candidate has served since then."""
    traffic: bool = False
    """Whether calls came of late, or it is too early to miss them."""
    harms: tuple[bool, ...] = ()
    """Of each guardrail, whether its harm is proven."""
    proven: tuple[bool, ...] = ()
    """Of each `success`, whether it is proven."""
    stale: tuple[Measure, ...] = ()
    """Measures that have stopped coming while calls came."""
    mismatch: bool = False
    """Whether people were not assigned as the policy says."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rollout stays where it is."""

    code: WaitCode
    about: tuple[Measure, ...] = ()
    until_ms: int = 0
    """For "hold": when it is over, milliseconds since the epoch."""
    subjects: int = 0
    wanted: int = 0
    """For "sample": people served, and people needed."""


class Refused(msgspec.Struct, frozen=True):
    """That something cannot be done to a rollout in its state."""

    act: Act
    state: RolloutState


def compares(rollout: Rollout) -> bool:
    """Whether the current step leaves anybody to compare the candidate with."""
    return rollout.share < BASIS_POINTS


def decide(rollout: Rollout, evidence: Evidence | None, *, now_ms: int) -> Rollout | Wait:
    """The rollout as it must be from now on, or what it waits for. `evidence` is None where it could not be had.

    `now_ms` is milliseconds since the epoch; where it lies before the step's beginning, no time has passed.
    """
    if rollout.state not in SERVING:
        return Wait(code="not_begun" if rollout.state == "pending" else "nothing")
    if evidence is None:
        return Wait(code="unmeasured")
    harms = tuple(part.measure for part, harm in zip(rollout.guardrails, evidence.harms, strict=False) if harm)
    if harms:
        return _moved(rollout, "rolled_back", cause="harm", about=harms, since_ms=now_ms)
    if rollout.state == "paused":
        return Wait(code="resumption")
    if evidence.mismatch:
        return _moved(rollout, "paused", cause="mismatch")
    if evidence.stale:
        return _moved(rollout, "paused", cause="stale", about=evidence.stale)
    if rollout.state == "ready":
        return Wait(code="approval")
    return _forward(rollout, rollout.steps[rollout.step], evidence, now_ms=now_ms)


def act(rollout: Rollout, what: Act, *, reason: str, now_ms: int) -> Rollout | Refused:
    """The rollout after a person has done that to it; `reason` is theirs.

    Who starts or resumes begins the step anew: nothing counts that was measured before.
    """
    if rollout.state not in FROM[what]:
        return Refused(what, rollout.state)
    if what == "start":
        return _moved(rollout, "running", cause="started", reason=reason, step=0, since_ms=now_ms)
    if what == "approve":
        return _next(rollout, cause="approved", reason=reason, now_ms=now_ms)
    if what == "pause":
        return _moved(rollout, "paused", cause="paused", reason=reason)
    if what == "resume":
        return _moved(rollout, "running", cause="resumed", reason=reason, since_ms=now_ms)
    return _moved(rollout, "rolled_back", cause="aborted", reason=reason, since_ms=now_ms)


def _forward(rollout: Rollout, step: RolloutStep, evidence: Evidence, *, now_ms: int) -> Rollout | Wait:
    over_ms = max(rollout.since_ms, evidence.since_ms) + duration_ms(step.hold)
    if not evidence.traffic:
        return Wait(code="no_traffic")
    if now_ms < over_ms:
        return Wait(code="hold", until_ms=over_ms)
    if evidence.subjects < step.min_sample:
        return Wait(code="sample", subjects=evidence.subjects, wanted=step.min_sample)
    # Of a step that serves everybody nothing can be proven: nobody is left to compare with.
    unproven = _unproven(rollout, evidence) if compares(rollout) else ()
    if unproven:
        return Wait(code="unproven", about=unproven)
    if step.approval or (compares(rollout) and not rollout.success):
        return _moved(rollout, "ready", cause="waits_for_approval")
    return _next(rollout, cause="proven" if compares(rollout) else "finished", now_ms=now_ms)


def _unproven(rollout: Rollout, evidence: Evidence) -> tuple[Measure, ...]:
    proven = (*evidence.proven, *(False for _ in rollout.success))
    return tuple(part.measure for part, is_proven in zip(rollout.success, proven, strict=False) if not is_proven)


def _next(rollout: Rollout, *, cause: RolloutCause, now_ms: int, reason: str = "") -> Rollout:
    if rollout.step + 1 < len(rollout.steps):
        return _moved(rollout, "running", cause=cause, reason=reason, step=rollout.step + 1, since_ms=now_ms)
    return _moved(rollout, "completed", cause=cause, reason=reason, since_ms=now_ms)


def _moved(
    rollout: Rollout,
    state: RolloutState,
    *,
    cause: RolloutCause,
    about: tuple[Measure, ...] = (),
    reason: str = "",
    step: int | None = None,
    since_ms: int | None = None,
) -> Rollout:
    return msgspec.structs.replace(
        rollout,
        state=state,
        step=rollout.step if step is None else step,
        since_ms=rollout.since_ms if since_ms is None else max(0, since_ms),
        cause=cause,
        about=tuple(dict.fromkeys(about)),
        reason=reason,
    )
