"""Moves the rollouts of the active policy, each step as a revision of its own.

There is no lease: of several controllers all may look, and the store lets one of them publish, for each step follows
the very revision that it was decided by (compare and set). Whoever comes second looks again. Nothing is kept here but
what was said last, so a controller that starts anew goes on where the revision says that the rollout stands.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.adapters.revisions import RevisionConflict, RevisionStore
from gateway.core.policy.learning import Rollout
from gateway.core.rollout_texts import wait_of
from services.rollouts.counting import Counting, Policy
from services.rollouts.looking import Standing, look_at

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ATTEMPTS: Final = 5
"""How often a round begins anew because somebody else has published; then the next round is soon enough."""

_log = logging.getLogger(__name__)


class Controller:
    """Looks at the rollouts, and moves those that must move."""

    def __init__(
        self, revisions: RevisionStore, audit: "AuditServiceAsyncStub", *, clock_ms: Callable[[], int]
    ) -> None:
        self._revisions = revisions
        self._counting = Counting(revisions, audit)
        self._clock_ms = clock_ms
        self._said: dict[str, tuple[object, ...]] = {}

    async def look(self) -> tuple[Standing, ...]:
        """One round: every rollout is looked at, and moved at most once.

        Raises:
            RedisError, OSError: the store does not answer; nothing was moved that it has not taken.
            msgspec.DecodeError: the active revision is damaged.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._tell(await self._round())
            except RevisionConflict as conflict:
                _log.info("somebody else has published first: look again", extra={"revision": conflict.active})
        return ()

    async def _round(self) -> tuple[Standing, ...]:
        number = await self._revisions.active()
        published = await self._revisions.read(number)
        if published is None:
            return ()
        found = []
        for rollout in Policy(published).rollouts:
            standing = await look_at(rollout, self._counting, number=number, clock_ms=self._clock_ms)
            if (due := standing.due) is not None:
                reason = f"{due.name}: {due.reason}"
                number = await self._revisions.advance(due, base=number, reason=reason, now_ms=self._clock_ms())
                self._moved(due)
                standing = Standing(rollout=due, judged=standing.judged)
            found.append(standing)
        return tuple(found)

    def _moved(self, rollout: Rollout) -> None:
        extra = {"rollout": rollout.name, "state": rollout.state, "share": rollout.share, "cause": rollout.cause}
        _log.info("a rollout has moved", extra=extra | {"why": rollout.reason})

    def _tell(self, standings: tuple[Standing, ...]) -> tuple[Standing, ...]:
        """Log what is new, once."""
        before, self._said = self._said, {}
        for each in standings:
            rollout, wait = each.rollout, each.wait
            said = (rollout.state, rollout.step, wait.code if wait else "", each.problem, each.detail)
            self._said[rollout.name] = said
            if wait is None or before.get(rollout.name) == said:
                continue
            extra = {"rollout": rollout.name, "state": rollout.state, "share": rollout.share}
            if each.problem:
                _log.warning(
                    "a rollout cannot be measured: it stays",
                    extra=extra | {"problem": each.problem, "detail": each.detail},
                )
            else:
                _log.info("a rollout waits", extra=extra | {"why": wait_of(rollout, wait)})
        return standings
