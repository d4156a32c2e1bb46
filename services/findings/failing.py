"""Rules that fail while calls are decided, as findings: certain, and seen whenever somebody reads the list.

So no process is needed that looks for them, and whoever reads first writes down what is new.
"""

import contextlib
from typing import Final

from gateway.adapters.failures import failures
from gateway.core.failures import RuleFailure
from gateway.redis_clients import Client
from services.findings.finding import CLOSED, Finding, Seen, id_for
from services.findings.store import FindingChanged, FindingStore
from services.findings.wording import RULE_FAILING

_SIZE: Final = 0.5
"""How grave a failure is for the call concerned: the rule counted as its `on_error`, which is the safe side."""
_LAG_MS: Final = 10_000
"""How far an open finding may lag behind, so that a rule that fails all the time is not written at every look."""


def seen_of(tenant: str, failure: RuleFailure, *, known: Finding | None = None) -> Seen:
    """What there is to say of it; `known` is the finding that it is already.

    Seen is the time of the last failure, so that one after it was closed opens it again; at first all of them.
    """
    return Seen(
        kind=RULE_FAILING,
        tenant=tenant,
        about=_about(failure.rule),
        start_ms=failure.first_ms if known is None else failure.last_ms,
        end_ms=failure.last_ms,
        size=_SIZE,
        reach=failure.count,
        certainty=1.0,
        value=failure.count,
        low=failure.count,
        high=failure.count,
        level=1.0,
        n=failure.count,
        false_alarms=0.0,
        filter=f'rule = "{failure.rule}" AND rule.error:*',
        decisions=(failure.decision,),
        shown={"error": failure.error, "revision": failure.revision, "first": failure.first_ms},
    )


def finding_of(tenant: str, rule: str) -> str:
    """The id of the finding that a rule fails."""
    return id_for(tenant, RULE_FAILING, _about(rule))


async def looked_through(redis: Client, store: FindingStore, tenant: str, *, now_ms: int) -> tuple[Finding, ...]:
    """All findings of a tenant, with the rules that failed until now; the gravest first.

    Raises:
        RedisError: the store does not answer.
    """
    found = await store.all(tenant)
    known = {each.id: each for each in found}
    news = []
    for failure in await failures(redis, tenant):
        there = known.get(finding_of(tenant, failure.rule))
        if there is None or _is_news(there, failure, now_ms=now_ms):
            news.append(seen_of(tenant, failure, known=there))
    if not news:
        return found
    with contextlib.suppress(FindingChanged):  # others write it down again and again, so it is there
        await store.see(news, now_ms=now_ms)
    return await store.all(tenant)


def _about(rule: str) -> tuple[tuple[str, str], ...]:
    return (("rule", rule),)


def _is_news(there: Finding, failure: RuleFailure, *, now_ms: int) -> bool:
    """Whether it is to be written down that the rule has failed since."""
    if failure.last_ms <= there.seen.end_ms:
        return False
    grown = there.state in CLOSED or failure.revision != there.seen.shown.get("revision")
    return grown or now_ms >= there.seen.end_ms + _LAG_MS
