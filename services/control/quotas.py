"""What is left of what upstreams and models may be asked: their own quotas, and budgets that are counted for them."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.adapters.bucket_looks import BucketLooks, Used
from gateway.core.limits import Bucket, LimitRule
from gateway.core.revision.compiled import Revision
from gateway.core.zones import period
from gateway.redis_clients import Client
from services.control.live.near import rules_by_name
from services.control.times import at

MOST: Final = 100
"""Quotas that are shown: of more those that are used up most."""
MOST_LOOKED: Final = 5_000
"""Buckets that are looked at; those of further limits are left out."""
_KINDS: Final = frozenset({"quota", "budget", "window", "concurrency"})
_ABOUT: Final = frozenset({"upstream", "model", "version"})
"""What a limit counts by that is about an upstream, whatever its kind."""


class Quota(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How much may still be asked."""

    limit: str
    """Its name in the policy."""
    kind: str
    """"quota" is the upstream's own count; "budget" counts costs such as tokens, "window" calls, "concurrency" those
    that run."""
    tenant: str
    by: str
    """What it counts by: "upstream=llm,model=chat"; empty: all calls of the tenant."""
    upstreams: tuple[str, ...]
    """Which it is about; empty where it is about no certain one."""
    mode: str
    """"enforce", or "monitor" where it refuses nothing."""
    used: int
    most: int
    left: int
    share: float
    """Of it that is used, 1 for all; more where it only monitors, or was lowered."""
    period_seconds: int
    """Of the window or calendar period; 0 for none."""
    reset_time: dt.datetime | None
    """When the calendar period ends; `null` for none."""
    told_time: dt.datetime | None
    """When the upstream told of it last; `null` of what gateways count themselves."""


class Quotas:
    """Reads them where gateways count."""

    def __init__(self, redis: Client) -> None:
        self._looks = BucketLooks(redis)

    async def of(self, revision: Revision, tenants: Sequence[str], *, now_ms: int) -> tuple[Quota, ...]:
        """Those of these tenants, the fullest first; at most `MOST`. `now_ms` is milliseconds since the epoch.

        Those of a single agent are left out while nothing of them is used.

        Raises:
            RedisError, OSError: the store does not answer.
        """
        found: list[Quota] = []
        serving = _serving(revision)
        for tenant in tenants:
            asked = tuple(itertools.islice(_buckets(revision, tenant, now_ms=now_ms), MOST_LOOKED))
            if not asked:
                continue
            cells = revision.cells_of(tenant)
            looks = [await self._looks.used(cell, asked, now_ms=now_ms) for cell in cells]
            found += [
                _quota(bucket, tenant, _together(bucket, each), serving)
                for bucket, *each in zip(asked, *looks, strict=True)
            ]
        shown = [each for each in found if each.used or each.told_time or "agent=" not in each.by]
        return tuple(sorted(shown, key=lambda each: (-each.share, each.tenant, each.limit, each.by)))[:MOST]


def _buckets(revision: Revision, tenant: str, *, now_ms: int) -> Iterator[Bucket]:
    """The buckets of a tenant's calls of all limits that are about upstreams, as far as the policy names them."""
    values = _values(revision, tenant)
    for rule in rules_by_name(revision).values():
        if _about_upstreams(rule) and all(dimension in values for dimension in rule.by):
            bucket = rule.bucket
            if rule.calendar is not None:
                since_ms, ends_ms = period(rule.calendar, subject_zone="", now_ms=now_ms)
                bucket = msgspec.structs.replace(
                    bucket, since_ms=since_ms, ends_ms=ends_ms, period_ms=ends_ms - since_ms
                )
            for each in itertools.product(*(values[dimension] for dimension in rule.by)):
                by = ",".join(f"{name}={value}" for name, value in zip(rule.by, each, strict=True))
                yield msgspec.structs.replace(bucket, by=by)


def _about_upstreams(rule: LimitRule) -> bool:
    bucket = rule.bucket
    if bucket.kind not in _KINDS or bucket.capacity <= 0 or rule.key is not None:
        return False
    if rule.calendar is not None and rule.calendar.zone == "subject":
        return False
    return bucket.kind in ("quota", "budget") or not _ABOUT.isdisjoint(rule.by)


def _values(revision: Revision, tenant: str) -> Mapping[str, tuple[str, ...]]:
    """What the policy names of each dimension."""
    document = revision.document
    agents = [agent for agent in document.agents if agent.tenant == tenant]
    versions = {version.version for model in document.models for version in model.versions}
    return {
        "tenant": (tenant,),
        "agent": tuple(agent.name for agent in agents),
        "upstream": tuple(sorted(revision.upstreams)),
        "model": tuple(sorted(model.name for model in document.models)),
        "version": tuple(sorted(versions)),
        "route": tuple(route.name for route in document.routes),
    }


def _serving(revision: Revision) -> Mapping[str, tuple[str, ...]]:
    """The upstreams that serve each model."""
    return {
        model.name: tuple(sorted({version.upstream for version in model.versions if version.upstream}))
        for model in revision.document.models
    }


def _together(bucket: Bucket, looks: Iterable[Used]) -> Used:
    """What all cells know: each counts its own, but an upstream's count is about all of them."""
    found = tuple(looks)
    if bucket.kind == "quota":
        newest = max(found, key=lambda each: each.told_ms)
        return Used(max(each.used for each in found), newest.told_most, newest.told_ms)
    return Used(sum(each.used for each in found))


def _quota(bucket: Bucket, tenant: str, look: Used, serving: Mapping[str, tuple[str, ...]]) -> Quota:
    most = look.told_most if look.told_most > 0 else bucket.capacity
    by = dict(part.split("=", 1) for part in bucket.by.split(",") if part)
    upstreams = (by["upstream"],) if "upstream" in by else serving.get(by.get("model", ""), ())
    return Quota(
        limit=bucket.limit,
        kind=bucket.kind,
        tenant=tenant,
        by=bucket.by,
        upstreams=upstreams,
        mode=bucket.mode,
        used=look.used,
        most=most,
        left=max(0, most - look.used),
        share=look.used / most,
        period_seconds=bucket.period_ms // 1_000,
        reset_time=at(bucket.ends_ms) if bucket.ends_ms else None,
        told_time=at(look.told_ms) if look.told_ms else None,
    )
