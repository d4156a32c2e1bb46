"""What is known of a model version beside its calls: how probes came out, what reviews say, where rollouts took it.

Read from the store, for reports; what is not kept there any more is not told.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.policy.document import Document
from gateway.core.policy.learning import Rollout
from gateway.redis_clients import Client
from services.probes.digests import digest_of, version_in
from services.probes.store import SuiteStore
from services.reports.counted import Judged, Move, Probed, Versioned
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import LABELS
from services.reviews.numbers import wrong_of
from services.reviews.store import ReviewStore

MOST_REVISIONS: Final = 200
"""Steps of rollouts that are read, the newest ones."""


class _Arm(msgspec.Struct, frozen=True):
    name: str
    version: str | None = None


class _Route(msgspec.Struct, frozen=True):
    name: str
    models: tuple[str, ...] = ()
    arms: tuple[_Arm, ...] = ()


class _Model(msgspec.Struct, frozen=True):
    name: str
    aliases: dict[str, str] = {}


class _Moving(msgspec.Struct, frozen=True):
    """What of a policy says which version a rollout is about."""

    routes: tuple[_Route, ...] = ()
    models: tuple[_Model, ...] = ()
    rollouts: tuple[Rollout, ...] = ()


class Versions:
    """Asks the store. Every method raises `RedisError` where it does not answer."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._revisions = RevisionStore(redis)

    async def about(
        self, model: str, version: str, *, tenants: Sequence[str], start_ms: int, end_ms: int, moved: Sequence[int]
    ) -> Versioned:
        """All of it. `moved` are the revisions of the time that only move rollouts, the oldest first."""
        labels, judged = await self._reviewed(model, version, tenants=tenants, start_ms=start_ms, end_ms=end_ms)
        known, probed = await self._probed(model, version, tenants=tenants)
        moves = await self._moves(model, version, moved[-MOST_REVISIONS:])
        return Versioned(known=known, probed=probed, labels=labels, judged=judged, moves=moves)

    async def _probed(self, model: str, version: str, *, tenants: Sequence[str]) -> tuple[bool, tuple[Probed, ...]]:
        """Whether the active policy has the version, and what suites came to for exactly what it is there."""
        published = await self._revisions.read(await self._revisions.active())
        document = None if published is None else msgspec.json.decode(published.document, type=Document)
        found = None if document is None else version_in(document, model, version)
        if document is None or found is None:
            return False, ()
        digest, store = digest_of(document, model, found), SuiteStore(self._redis)
        probed = []
        for suite in await store.all():
            outcome = await store.outcome(suite.name, suite.sha256, digest) if suite.tenant in tenants else None
            if outcome is not None:
                probed.append(
                    Probed(
                        suite=suite.name,
                        passed=outcome.passed,
                        cases=outcome.cases,
                        failed=outcome.failed,
                        ran_ms=outcome.ran_ms,
                        by=outcome.by,
                    )
                )
        return True, tuple(probed)

    async def _reviewed(
        self, model: str, version: str, *, tenants: Sequence[str], start_ms: int, end_ms: int
    ) -> tuple[dict[str, int], tuple[Judged, ...]]:
        """How often each label was come to of calls that were received then, and how many of all are wrong by that."""
        store, labels, judged = ReviewStore(self._redis), dict.fromkeys((each.value for each in LABELS), 0), []
        for tenant in tenants:
            settled = [
                each for each in await store.settled(tenant, start_ms=start_ms) if start_ms <= each.received_ms < end_ms
            ]
            hours = {
                hour: msgspec.json.decode(body, type=Drawn)
                for hour, body in (await store.hours(tenant)).items()
                if start_ms <= hour * HOUR_MS < end_ms
            }
            for each in settled:
                whose = (each.model, each.model_version)
                if whose == (model, version) and each.outcome is not None and each.known is None:
                    labels[each.outcome.value] += 1
            judged += [
                Judged(
                    tenant=tenant,
                    agent=one.agent,
                    decisions=one.decisions,
                    reviewed=one.sums.reviewed,
                    wrong=one.found,
                    rate=None if one.rate is None else (one.rate.value, one.rate.low, one.rate.high),
                )
                for one in wrong_of(settled, hours)[1]
                if (one.model, one.model_version) == (model, version)
            ]
        return labels, tuple(judged)

    async def _moves(self, model: str, version: str, revisions: Sequence[int]) -> tuple[Move, ...]:
        """Each step of a rollout whose candidate is the version."""
        entries = await self._revisions.entries(revisions)
        found, stood = list[Move](), dict[int, dict[str, Rollout]]()
        for number, entry in sorted(entries.items()):
            before = entry.statement.base
            for each in (before, number):
                if each and each not in stood:
                    stood[each] = _about(await self._revisions.read(each), model, version)
            found += [
                Move(revision=number, at_ms=entry.activated_ms, author=entry.statement.author, rollout=rollout)
                for name, rollout in stood[number].items()
                if stood.get(before, {}).get(name) != rollout
            ]
            stood = {number: stood[number]}
        return tuple(found)


def _about(published: Published | None, model: str, version: str) -> dict[str, Rollout]:
    """The rollouts of a policy whose candidate is the version, by name."""
    if published is None:
        return {}
    policy = msgspec.json.decode(published.document, type=_Moving)
    aliases = {
        f"@{name}" for one in policy.models if one.name == model for name, it in one.aliases.items() if it == version
    }
    arms = {
        (route.name, arm.name)
        for route in policy.routes
        if model in route.models
        for arm in route.arms
        if arm.version is not None and arm.version in {version, *aliases}
    }
    return {each.name: each for each in policy.rollouts if (each.route, each.arm) in arms}
