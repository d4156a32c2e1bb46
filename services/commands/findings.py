"""What `pilote findings` shows: rules that failed while calls were decided."""

import time

from gateway.adapters.failures import failures
from gateway.adapters.revisions import RevisionStore
from gateway.core.failures import RuleFailure, in_language
from gateway.redis_clients import Client
from services.commands.halting import tenants_of
from services.texts import say


async def run(redis: Client, *, tenant: str, language: str) -> tuple[str, ...]:
    """The findings of a tenant, or of all tenants of the active policy, as lines to print."""
    tenants = (tenant,) if tenant else await tenants_of(RevisionStore(redis))
    lines = [_line(name, each, language) for name in tenants for each in await failures(redis, name)]
    return tuple(lines) or (say("nothing-failed", language=language),)


def _line(tenant: str, failure: RuleFailure, language: str) -> str:
    return say(
        "rule-failed",
        language=language,
        tenant=tenant,
        rule=failure.rule,
        count=failure.count,
        first=_stamp(failure.first_ms),
        last=_stamp(failure.last_ms),
        error=in_language(failure.error, language),
        revision=failure.revision,
        decision=failure.decision,
    )


def _stamp(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000))
