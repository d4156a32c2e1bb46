"""What was counted of a rollout's step: from the audit service, and from the revisions that people came in under."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.assignment import BASIS_POINTS
from gateway.core.policy.learning import Rollout
from gateway.core.policy.vocabulary import duration_ms
from services.arm_sums import counted
from services.rollouts.judging import Counted, Judged, earlier_span, judge
from services.since import LOOK_BACK, activated_ms

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

_REMEMBERED: Final = 1_000
"""Revisions of whose shares are remembered; beyond it all are forgotten and read anew."""
_NOT_SERVING: Final = frozenset({"objectives", "shadow", "mirror"})
"""Fields of a route that change nothing of what its callers get."""


class _Arm(msgspec.Struct, frozen=True):
    name: str
    weight: int = BASIS_POINTS


class _Route(msgspec.Struct, frozen=True):
    name: str
    arms: tuple[_Arm, ...]


class _Agent(msgspec.Struct, frozen=True):
    tenant: str


class _Upstream(msgspec.Struct, frozen=True):
    name: str
    version: str = ""


class _Parts(msgspec.Struct, frozen=True):
    agents: tuple[_Agent, ...] = ()
    routes: tuple[msgspec.Raw, ...] = ()
    models: tuple[dict[str, Any], ...] = ()
    prompts: tuple[dict[str, Any], ...] = ()
    upstreams: tuple[_Upstream, ...] = ()
    rollouts: tuple[Rollout, ...] = ()


class Policy:
    """The part of a policy that is needed here; it was checked whole before it was published.

    Raises:
        msgspec.DecodeError: it is damaged.
    """

    def __init__(self, published: Published) -> None:
        self._parts = msgspec.json.decode(published.document, type=_Parts)
        self._routes = {each["name"]: each for each in (msgspec.json.decode(raw) for raw in self._parts.routes)}

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """All of them."""
        return self._parts.rollouts

    def named(self, name: str) -> Rollout | None:
        """The rollout of that name."""
        return next((each for each in self.rollouts if each.name == name), None)

    @property
    def tenants(self) -> tuple[str, ...]:
        """All tenants whose agents may call."""
        return tuple(sorted({agent.tenant for agent in self._parts.agents}))

    def shares(self, rollout: Rollout) -> Mapping[str, float] | None:
        """The shares, of 1, of the candidate and of the arm that it is compared with; None without the rollout."""
        there = self.named(rollout.name)
        route = self._routes.get(rollout.route)
        if there is None or route is None or (there.arm, there.route) != (rollout.arm, rollout.route):
            return None
        arms = msgspec.convert(route, _Route).arms
        weights = {arm.name: arm.weight / BASIS_POINTS for arm in arms}
        share = there.share / BASIS_POINTS
        return {
            rollout.arm: share + (1 - share) * weights.get(rollout.arm, 0.0),
            rollout.against: (1 - share) * weights.get(rollout.against, 0.0),
        }

    def serving(self, route: str) -> object:
        """What the callers of a route are served by: its arms, their models, prompts and upstreams' versions.

        Two revisions that are equal in it serve them alike, but for the share of a rollout.
        """
        found = self._routes.get(route, {})
        models = [each for each in self._parts.models if each["name"] in found.get("models", ())]
        fields = {name: value for name, value in found.items() if name not in _NOT_SERVING}
        return fields, models, self._parts.prompts, self._parts.upstreams


class Counting:
    """Asks what a rollout's step has shown."""

    def __init__(self, revisions: RevisionStore, audit: "AuditServiceAsyncStub") -> None:
        self._revisions = revisions
        self._audit = audit
        self._policies: dict[int, Policy] = {}

    async def judged(self, rollout: Rollout, *, number: int, now_ms: int) -> Judged:
        """What is proven by `now_ms`, milliseconds since the epoch, under revision `number`.

        That takes two questions for each tenant.

        Raises:
            SumsWrong: what the audit service answers cannot be.
            grpc.aio.AioRpcError: it does not answer, or refuses.
            RedisError, OSError: the store does not answer.
        """
        if now_ms <= rollout.since_ms:  # the clock has stepped back
            return judge(rollout, Counted(arms={}), now_ms=now_ms)
        policy = await self._policy(number)
        if policy is None:
            return judge(rollout, Counted(arms={}), now_ms=now_ms)
        since_ms = await self._since(rollout, policy, number=number)
        if now_ms <= since_ms:
            return judge(rollout, Counted(arms={}, since_ms=since_ms), now_ms=now_ms)
        arms = await counted(
            self._audit,
            "route",
            name=rollout.route,
            tenants=policy.tenants,
            start_ms=since_ms,
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
                since_ms=since_ms,
                arms=arms,
                earlier=await self._earlier(rollout, policy, since_ms=since_ms, now_ms=now_ms),
                weights=await self._weights(rollout, revisions),
            ),
            now_ms=now_ms,
        )

    async def _since(self, rollout: Rollout, policy: Policy, *, number: int) -> int:
        """When the step began, or the arms became what they are, if that was later: others prove nothing of them."""
        since_ms = 0
        for each in range(number, max(0, number - LOOK_BACK), -1):
            before = await self._policy(each)
            there = None if before is None else before.named(rollout.name)
            if before is None or there is None or there.since_ms != rollout.since_ms:
                return rollout.since_ms  # the step began with the next one, and nothing has changed since then
            if before.serving(rollout.route) != policy.serving(rollout.route):
                break
            since_ms = await activated_ms(self._revisions, each)
        return max(rollout.since_ms, since_ms)

    async def _earlier(self, rollout: Rollout, policy: Policy, *, since_ms: int, now_ms: int) -> Mapping[str, int]:
        start_ms, end_ms = earlier_span(rollout, since_ms=since_ms, now_ms=now_ms)
        if since_ms >= now_ms - duration_ms(rollout.stale_after) or end_ms <= start_ms:
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
            shares = None if policy is None else policy.shares(rollout)
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
            self._policies[number] = Policy(published)
        return self._policies[number]
