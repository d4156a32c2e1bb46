"""Contact pressure: how often one person may be reached, across all agents."""

from gateway.core.call import Call
from gateway.core.limits import Bucket, CapRule
from gateway.core.revision.document import Cap, cited, duration_ms


def cap_rule(cap: Cap) -> CapRule:
    """The cap of the document, resolved; `max` must not be null."""
    return CapRule(
        name=cap.name,
        max=cap.max or 0,
        window_ms=duration_ms(cap.window),
        channels=frozenset(cap.channels),
        categories=frozenset(cap.categories),
        exempt=frozenset(cap.exempt) - frozenset(cap.categories),
        mode=cap.mode,
        citation=cited(cap.citation),
    )


def cap_bucket(rule: CapRule, call: Call) -> Bucket | None:
    """The bucket of a cap for this contact; `None` where the cap does not cover its channel or category."""
    if rule.channels and call.channel not in rule.channels:
        return None
    if call.category in rule.exempt or (rule.categories and call.category not in rule.categories):
        return None
    return Bucket(
        limit=rule.name,
        kind="cap",
        by=f"subject={call.subject_ref},channel={call.channel}",
        capacity=rule.max,
        period_ms=rule.window_ms,
        interval_us=0,
        mode=rule.mode,
        citation=rule.citation,
    )
