"""Refusals in words: which reason, rule or bucket said no, and when it is worth coming back."""

from typing import Final

import msgspec

from gateway.core import texts
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import Bucket, bucket_reason
from gateway.core.policy.vocabulary import Message
from gateway.core.record import BucketLook, Verdict

FULL_RETRY_MS: Final = 60_000
"""When it is worth coming back after too many calls were waiting: somebody must decide first."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a call is to be kept that does not go through now. Times are milliseconds."""

    verdict: Verdict
    """HOLD for a person, DEFER until a time."""
    why: Reason
    """What keeps it from going through."""
    rule: str = ""
    message: Message | None = None
    level: str = ""
    wait_ms: int = 0
    """For DEFER: until it may be made, from now."""
    kept_ms: int
    """How long it is kept at most."""

    @property
    def reason(self) -> Reason:
        """What the caller is told."""
        return Reason.APPROVAL_REQUIRED if self.verdict is Verdict.HOLD else Reason.DEFERRED


class Kept(CallEnded):
    """The call ends here for its caller, and is kept as `plan` says."""

    def __init__(self, ended: CallEnded, plan: Plan) -> None:
        super().__init__(
            ended.reason,
            ended.message,
            metadata=ended.metadata,
            retry_after_ms=ended.retry_after_ms,
            violations=ended.violations,
            localized=ended.localized,
        )
        self.plan = plan


def plain(reason: Reason, *, agent: str, method: str, language: str, rule: str = "") -> CallEnded:
    """A refusal that nobody wrote a rule for; `rule` names the stop where there is one."""
    values = {"agent": agent, "method": method} | ({"rule": rule} if rule else {})
    return _ended(reason, values, language=language, violations=((method, reason.value),))


def by_rule(decision: Decision, *, agent: str, method: str, revision: int, language: str) -> CallEnded:
    """A refusal by a rule, in the rule's own words where it has any."""
    reason = decision.reason or Reason.POLICY_DENIED
    values = {"agent": agent, "method": method, "rule": decision.rule, "revision": str(revision)}
    values |= dict(decision.details)
    wait_ms, citation = decision.retry_after_ms, decision.citation
    if decision.message is None:
        return _ended(
            reason,
            values | _retry(wait_ms, "en"),
            language=language,
            french=values | _retry(wait_ms, "fr"),
            retry_after_ms=wait_ms,
            violations=((decision.rule, reason.value),),
            citation=citation,
        )
    english = texts.with_citation(texts.fill(decision.message.en, values), citation)
    localized = None
    if language == "fr":
        localized = ("fr", texts.with_citation(texts.fill(decision.message.fr, values), citation))
    return CallEnded(
        reason,
        english,
        metadata=values | _citation(citation),
        retry_after_ms=wait_ms,
        violations=((decision.rule, english),),
        localized=localized,
    )


def _citation(citation: str) -> dict[str, str]:
    return {"citation": citation} if citation else {}


def kept(plan: Plan, *, agent: str, method: str, revision: int, language: str, hold: str = "") -> Kept:
    """A call that is kept under the name `hold`; empty where that is only evaluated."""
    values = {"agent": agent, "method": method, "rule": plan.rule, "revision": str(revision)}
    values |= {"hold": hold} if hold else {}
    english, french = (
        {"hold": unnamed, "wait": texts.span(plan.wait_ms, language=spoken)} | values
        for spoken, unnamed in zip(texts.LANGUAGES, ("the hold", "la décision"), strict=True)
    )
    en, fr = (
        texts.refusal(plan.reason, english, language="en"),
        texts.refusal(plan.reason, french, language="fr"),
    )
    if plan.message is not None:
        en, fr = texts.fill(plan.message.en, english), texts.fill(plan.message.fr, french)
    ended = CallEnded(
        plan.reason,
        en,
        metadata=values,
        retry_after_ms=plan.wait_ms if plan.verdict is Verdict.DEFER else None,
        violations=((hold or plan.rule or method, en),),
        localized=("fr", fr) if language == "fr" else None,
    )
    return Kept(ended, plan)


def stream_held(*, agent: str, method: str, rule: str, language: str) -> CallEnded:
    """A stream that a person would have to look at: it cannot be kept for them."""
    english = texts.stream_held(language="en")
    return CallEnded(
        Reason.APPROVAL_REQUIRED,
        english,
        metadata={"agent": agent, "method": method, "rule": rule},
        violations=((rule or method, english),),
        localized=("fr", texts.stream_held(language="fr")) if language == "fr" else None,
    )


def _retry(wait_ms: int | None, language: str) -> dict[str, str]:
    return {} if wait_ms is None else {"retry": texts.retry(wait_ms, language=language)}


def by_bucket(bucket: Bucket, look: BucketLook, *, agent: str, method: str, language: str) -> CallEnded:
    """A refusal by a limit or cap, with the earliest time at which a retry can succeed."""
    reason = bucket_reason(bucket.kind)
    english, french = (
        {"agent": agent, "method": method} | texts.bucket_values(bucket, look, language=spoken)
        for spoken in texts.LANGUAGES
    )
    said = texts.with_citation(texts.bucket_refusal(reason, bucket, english, language="en"), bucket.citation)
    localized = None
    if language == "fr":
        text = texts.bucket_refusal(reason, bucket, french, language="fr")
        localized = ("fr", texts.with_citation(text, bucket.citation))
    return CallEnded(
        reason,
        said,
        metadata=english | _citation(bucket.citation),
        retry_after_ms=look.wait_ms if look.wait_ms > 0 else None,
        violations=((bucket.limit, said),),
        localized=localized,
    )


def holds_full(capacity: int, *, agent: str, method: str, language: str) -> CallEnded:
    """A call that cannot be kept, since so many of its tenant wait already."""
    bucket = Bucket("holds", "rate", "tenant", capacity, 0, 0, "enforce")
    return by_bucket(bucket, BucketLook(capacity, FULL_RETRY_MS), agent=agent, method=method, language=language)


def in_language(ended: CallEnded, language: str) -> CallEnded:
    """The same end of a call, said in the caller's language too where nobody has done so yet."""
    if language == "fr" and ended.localized is None and (text := texts.in_french(ended.reason, ended.metadata)):
        ended.localized = ("fr", text)
    return ended


def _ended(
    reason: Reason,
    values: dict[str, str],
    *,
    language: str,
    french: dict[str, str] | None = None,
    retry_after_ms: int | None = None,
    violations: tuple[tuple[str, str], ...] = (),
    citation: str = "",
) -> CallEnded:
    english = texts.with_citation(texts.refusal(reason, values, language="en"), citation)
    localized = None
    if language == "fr":
        localized = ("fr", texts.with_citation(texts.refusal(reason, french or values, language="fr"), citation))
    return CallEnded(
        reason,
        english,
        metadata=values | _citation(citation),
        retry_after_ms=retry_after_ms,
        violations=violations,
        localized=localized,
    )
