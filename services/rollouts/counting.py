"""What was counted of a rollout's step: from the audit service, and from the revisions that people came in under."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Rollout
from gateway.core.policy.vocabulary import duration_ms
from services.arm_sums import counted
from services.rollouts.judging import Counted, Judged, earlier_span, judge

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

_REMEMBERED: Final = 1_000
"""Revisions of whose shares are remembered; beyond it all are forgotten and read anew."""


class _Arm(msgspec.Struct, frozen=True):
    name: str
    weight: int = BASIS_POINTS


class _Route(msgspec.Struct, frozen=True):
    name: str
    arms: tuple[_Arm, ...]


class _Agent(msgspec.Struct, frozen=True):
    tenant: str


class Policy(msgspec.Struct, frozen=True):
    """The part of a policy that is needed here; it was checked whole before it was published."""

    agents: tuple[_Agent, ...] = ()
    routes: tuple[_Route, ...] = ()
    rollouts: tuple[Rollout, ...] = ()

    @property
    def tenants(self) -> tuple[str, ...]:
        """All tenants whose agents may call."""
        return tuple(sorted({agent.tenant for agent in self.agents}))


def policy_of(published: Published) -> Policy:
    """What a revision says of rollouts.

    Raises:
        msgspec.DecodeError: it is damaged.
    """
    return msgspec.json.decode(published.document, type=Policy)


class Counting:
    """Asks what a rollout's step has shown."""

    def __init__(self, revisions: RevisionStore, audit: "AuditServiceAsyncStub") -> None:
        self._revisions = revisions
        self._audit = audit
        self._policies: dict[int, Policy] = {}

    async def judged(self, rollout: Rollout, policy: Policy, *, now_ms: int) -> Judged:
        """What is proven by `now_ms`, milliseconds since the epoch. Two questions for each tenant.

        Raises:
            SumsWrong: what the audit service answers cannot be.
            grpc.aio.AioRpcError: it does not answer, or refuses.
            RedisError, OSError: the store does not answer.
        """
        if now_ms <= rollout.since_ms:  # the clock has stepped back
            return judge(rollout, Counted(arms={}), now_ms=now_ms)
        arms = await counted(
            self._audit,
            "route",
            name=rollout.route,
            tenants=policy.tenants,
            start_ms=rollout.since_ms,
            end_ms=now_ms,
            measures=tuple(dict.fromkeys(part.measure for part in (*rollout.guardrails, *rollout.success))),
            currency=rollout.currency,
            budget=rollout.budget or "",
        )
        revisions = {
            revision for name in (rollout.arm, rollout.against) if name in arms for revision in arms[name].first
        }
        return judge(
            rollout,
            Counted(
                arms=arms,
                earlier=await self._earlier(rollout, policy, now_ms=now_ms),
                weights=await self._weights(rollout, revisions),
            ),
            now_ms=now_ms,
        )

    async def _earlier(self, rollout: Rollout, policy: Policy, *, now_ms: int) -> Mapping[str, int]:
        start_ms, end_ms = earlier_span(rollout, now_ms=now_ms)
        if rollout.since_ms >= now_ms - duration_ms(rollout.stale_after) or end_ms <= start_ms:
            return {}  # too early for anything to be stale
        arms = await counted(
            self._audit, "route", name=rollout.route, tenants=policy.tenants, start_ms=start_ms, end_ms=end_ms
        )
        return {name: arm.calls + arm.calls_without_subject for name, arm in arms.items()}

    async def _weights(self, rollout: Rollout, revisions: Iterable[int]) -> Mapping[int, Mapping[str, float]]:
        """The shares that each revision gave; nothing of one that is not known, or knows nothing of the rollout."""
        found = {}
        for number in sorted(revisions):
            policy = await self._policy(number)
            shares = None if policy is None else shares_in(policy, rollout)
            if shares is not None:
                found[number] = shares
        return found

    async def _policy(self, number: int) -> Policy | None:
        if number not in self._policies:
            published = await self._revisions.read(number)
            if published is None:
                return None
            if len(self._policies) >= _REMEMBERED:
                self._policies.clear()
            self._policies[number] = policy_of(published)
        return self._policies[number]


def shares_in(policy: Policy, rollout: Rollout) -> Mapping[str, float] | None:
    """The shares, of 1, of the candidate and of the arm that it is compared with under a revision; None without it."""
    there = next((each for each in policy.rollouts if each.name == rollout.name), None)
    route = next((each for each in policy.routes if each.name == rollout.route), None)
    if there is None or route is None or (there.arm, there.route) != (rollout.arm, rollout.route):
        return None
    weights = {arm.name: arm.weight / BASIS_POINTS for arm in route.arms}
    share = there.share / BASIS_POINTS
    return {
        rollout.arm: share + (1 - share) * weights.get(rollout.arm, 0.0),
        rollout.against: (1 - share) * weights.get(rollout.against, 0.0),
    }
