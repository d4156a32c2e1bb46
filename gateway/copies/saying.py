"""What the rules say of a copy, beside what they said of its call. Pure: the same for a replay."""

import msgspec

from gateway.core.decide import Decision
from gateway.core.shadows import ShadowResult, applied_otherwise


class Said(msgspec.Struct, frozen=True):
    """Of a copy's arm; the fields are those of `ShadowResult`."""

    verdict: str
    reason: str
    rule: str
    rules_added: tuple[str, ...]
    rules_missing: tuple[str, ...]


def said(served: Decision | None, decision: Decision) -> Said:
    """What the decision about the copy says, `served` being that about the call itself."""
    added, missing = applied_otherwise(served.looks if served is not None else (), decision.looks)
    reason = "" if decision.reason is None else decision.reason.value
    return Said(decision.verdict.value, reason, decision.rule, added, missing)


def recorded(result: ShadowResult) -> Said:
    """What was recorded of it."""
    return msgspec.convert(msgspec.structs.asdict(result), Said, strict=False)
