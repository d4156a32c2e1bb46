"""Refusals in words: which reason, rule or bucket said no, and when it is worth coming back."""

from gateway.core import texts
from gateway.core.decide import Decision
from gateway.core.errors import CallEnded, Reason
from gateway.core.limits import Bucket, bucket_reason
from gateway.core.record import BucketLook


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


def _retry(wait_ms: int | None, language: str) -> dict[str, str]:
    return {} if wait_ms is None else {"retry": texts.retry(wait_ms, language=language)}


def by_bucket(bucket: Bucket, look: BucketLook, *, agent: str, method: str, language: str) -> CallEnded:
    """A refusal by a limit or cap, with the earliest time at which a retry can succeed."""
    reason = bucket_reason(bucket.kind)
    english, french = (
        {"agent": agent, "method": method} | texts.bucket_values(bucket, look, language=spoken)
        for spoken in texts.LANGUAGES
    )
    said = texts.with_citation(texts.bucket_refusal(reason, bucket.kind, english, language="en"), bucket.citation)
    localized = None
    if language == "fr":
        text = texts.bucket_refusal(reason, bucket.kind, french, language="fr")
        localized = ("fr", texts.with_citation(text, bucket.citation))
    return CallEnded(
        reason,
        said,
        metadata=english | _citation(bucket.citation),
        retry_after_ms=look.wait_ms if look.wait_ms > 0 else None,
        violations=((bucket.limit, said),),
        localized=localized,
    )


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
