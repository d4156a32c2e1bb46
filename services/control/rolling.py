"""Rollouts as people see and move them: where each stands, what is proven of it, and what can be done to it."""

from collections.abc import Callable
from typing import Any, Final

from gateway.core.errors import Reason
from gateway.core.rollouts import Act
from gateway.redis_clients import Client
from gateway.signing import Signer
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.changes import LATER, Changes, Who
from services.control.preconditions import ANY, Match, Unmatched, quoted
from services.control.rollouts_shown import RolloutShown, RolloutStanding, shown, standing_shown
from services.control.undone import Undone, reason_given, storing
from services.rollouts.moves import MOST_CHARACTERS, RolloutProblem, Rollouts

_REASONS: Final = {
    "no-policy": Reason.REVISION_MISSING,
    "unknown": Reason.NOT_FOUND,
    "reason": Reason.ARGUMENT_INVALID,
    "name": Reason.ARGUMENT_INVALID,
    "stranger": Reason.POLICY_DENIED,
    "nobody": Reason.POLICY_DENIED,
    "unsigned": Reason.POLICY_DENIED,
    "wrong-key": Reason.POLICY_DENIED,
}
"""By the code of a problem; any other is a conflict with how things stand."""
_OWN_TEXTS: Final = {"stranger", "nobody", "unsigned", "wrong-key", "no-policy"}
"""Codes whose text speaks of the command line."""


class Rolling:
    """Shows and moves the rollouts of the active policy. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self, redis: Client, audit: AuditServiceStub, changes: Changes, *, clock_ms: Callable[[], int]
    ) -> None:
        self._redis = redis
        self._audit: Any = audit
        self._changes = changes
        self._clock_ms = clock_ms

    async def list(self, *, language: str) -> tuple[RolloutShown, ...]:
        """All rollouts, by name; none without a policy.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        try:
            with storing():
                found = await self._rollouts(language).list()
        except RolloutProblem:
            return ()
        return tuple(sorted((shown(each, language=language) for each in found), key=lambda each: each.name))

    async def get(self, name: str, *, language: str) -> RolloutStanding:
        """Where one stands, what is proven of its step, and what it waits for.

        Raises:
            Undone: NOT_FOUND, REVISION_MISSING, STORE_UNAVAILABLE.
        """
        try:
            with storing():
                standing = await self._rollouts(language).show(name, self._audit)
        except RolloutProblem as problem:
            raise _undone(problem, name) from problem
        return standing_shown(standing, language=language)

    async def move(
        self, name: str, act: Act, *, reason: str, who: Who, signer: Signer | None, match: Match = ANY, language: str
    ) -> tuple[int, RolloutShown]:
        """Do that to one; gives the revision that says so, and the rollout as it is then.

        Where the policy names people, `who` is one of them who may write, and `signer` has their key. It is
        done only while the rollout stands where it was seen, as `match` says.

        Raises:
            Unmatched: ROLLOUT_MOVED.
            Undone: CONFLICT where it cannot be done in its state, POLICY_DENIED where the policy does
                not let them; ARGUMENT_INVALID without a reason; NOT_FOUND, REVISION_MISSING, STORE_UNAVAILABLE.
        """
        told = reason_given(reason, most=MOST_CHARACTERS)
        before = next((each for each in await self.list(language=language) if each.name == name), None)
        if before is None:
            raise Undone(Reason.NOT_FOUND, "rollout-none", name=name)
        if not match.holds(before.etag):
            raise Unmatched("rollout-moved", etag=quoted(before.etag), name=name)
        async with self._changes.recording(
            who, operation=act, resource=f"rollouts/{name}", before=_stands(before), after=LATER, reason=told
        ) as changing:
            try:
                with storing():
                    number, rollout = await self._rollouts(language).do(
                        name, act, reason=told, by=who.name, signer=signer
                    )
            except RolloutProblem as problem:
                raise _undone(problem, name) from problem
            after = shown(rollout, language=language)
            changing.after = {"revision": number, **_stands(after)}
        return number, after

    def _rollouts(self, language: str) -> Rollouts:
        return Rollouts(self._redis, language=language, clock_ms=self._clock_ms)


def _stands(rollout: RolloutShown) -> dict[str, Any]:
    return {"state": rollout.state, "step": rollout.step, "share": rollout.share}


def _undone(problem: RolloutProblem, name: str) -> Undone:
    reason = _REASONS.get(problem.code, Reason.CONFLICT)
    if problem.code in _OWN_TEXTS:
        return Undone(reason, f"rollout-{problem.code}", name=name)
    field = problem.code if reason is Reason.ARGUMENT_INVALID else ""
    return Undone(reason, "said", field=field, text=str(problem))
