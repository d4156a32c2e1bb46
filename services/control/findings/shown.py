"""Findings as people see them: rules that failed while calls were decided, added up over all gateways."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from gateway.adapters.failures import failures
from gateway.core.failures import RuleFailure, in_language
from gateway.redis_clients import Client
from services.control.times import at
from services.control.undone import storing


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All failures of one rule in the calls of one tenant. It holds no personal data."""

    name: str
    """`findings/{tenant}/{rule}`."""
    tenant: str
    rule: str
    count: int
    first_time: dt.datetime
    last_time: dt.datetime
    error: str
    """What went wrong last, in the reader's language."""
    revision: int
    """Under which it failed last."""
    decision: str
    """`decisions/{decision}`: the last one in which it failed, as an example."""


class Findings:
    """Reads them where gateways keep them, for 30 days after the last failure."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def list(self, tenants: Sequence[str], *, language: str) -> tuple[Finding, ...]:
        """Those of these tenants, what failed last first.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            found = [(tenant, await failures(self._redis, tenant)) for tenant in tenants]
        shown = [_shown(tenant, each, language) for tenant, some in found for each in some]
        return tuple(sorted(shown, key=lambda each: (each.last_time, each.name), reverse=True))


def _shown(tenant: str, failure: RuleFailure, language: str) -> Finding:
    return Finding(
        name=f"findings/{tenant}/{failure.rule}",
        tenant=tenant,
        rule=failure.rule,
        count=failure.count,
        first_time=at(failure.first_ms),
        last_time=at(failure.last_ms),
        error=in_language(failure.error, language),
        revision=failure.revision,
        decision=f"decisions/{failure.decision}",
    )
