"""Calls of the last minutes, from what the audit service has counted. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.limits import LimitRule
from pilote.audit.v1 import activity_pb2, summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.control.live.near import still_near
from services.control.live.now import AgentCalls, ReasonShare, Series, Traffic, VerdictShare, VersionShare
from services.control.times import at

SHOWN: Final = 10
"""Reasons and agents; of versions and limits twice as many."""
VERDICTS: Final = ("ALLOW", "DENY", "HOLD", "DEFER")


def traffic(answer: activity_pb2.GetActivityResponse, rules: Mapping[str, LimitRule], *, now_ms: int) -> Traffic:
    """What is shown of an answer."""
    seconds = _series(answer.seconds, step_seconds=1)
    verdicts = {verdict: sum(getattr(seconds, verdict.lower())) for verdict in VERDICTS}
    calls = sum(verdicts.values())
    near = [still_near(bucket, rules, now_ms=now_ms) for bucket in answer.near_buckets]
    found = tuple(each for each in near if each is not None)
    refused = calls - verdicts["ALLOW"]
    return Traffic(
        calls=calls,
        calls_per_second=calls / max(1, len(answer.seconds)),
        verdicts=tuple(
            VerdictShare(verdict=name, calls=each, share=_of(each, calls)) for name, each in verdicts.items()
        ),
        seconds=seconds,
        minutes=_series(answer.minutes, step_seconds=5),
        reasons=tuple(
            ReasonShare(reason=each.value, calls=each.count, share=_of(each.count, refused))
            for each in answer.reasons[:SHOWN]
        ),
        agents=tuple(
            AgentCalls(tenant=each.tenant, agent=each.agent, calls=each.count, refused=each.refused_count)
            for each in answer.agents[:SHOWN]
        ),
        versions=_versions(answer.versions)[: 2 * SHOWN],
        near_limits=found[: 2 * SHOWN],
        total_near_limits=answer.total_near_buckets - (len(near) - len(found)),
        ever_called=answer.ever_called,
    )


def _series(buckets: Sequence[summaries_pb2.ChartBucket], *, step_seconds: int) -> Series:
    counts: dict[str, list[int]] = {verdict: [0] * len(buckets) for verdict in VERDICTS}
    for place, bucket in enumerate(buckets):
        for each in bucket.verdicts:
            name = decision_pb2.Verdict.Name(each.verdict).removeprefix("VERDICT_")
            if name in counts:
                counts[name][place] = each.count
    return Series(
        start_time=at(buckets[0].start_time.ToMilliseconds() if buckets else 0),
        step_seconds=step_seconds,
        **{verdict.lower(): tuple(each) for verdict, each in counts.items()},
    )


def _versions(found: Sequence[activity_pb2.VersionActivity]) -> tuple[VersionShare, ...]:
    """By route, or the model where there is none, the most frequent first."""
    totals = Counter[str]()
    for each in found:
        totals[each.route or each.model] += each.count
    shown = [
        VersionShare(
            route=each.route,
            arm=each.arm,
            model=each.model,
            version=each.version,
            rollout=each.rollout,
            calls=each.count,
            share=_of(each.count, totals[each.route or each.model]),
        )
        for each in found
    ]
    return tuple(sorted(shown, key=lambda each: (-totals[each.route or each.model], each.route, each.model)))


def _of(count: int, total: int) -> float:
    return count / total if total else 0.0
