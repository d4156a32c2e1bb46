"""What came of copies of calls: protobuf <-> core values."""

from gateway.core.shadows import CopyEnd, Difference, ShadowResult
from gateway.rpc.times import duration
from pilote.decision.v1 import decision_pb2


def look(result: ShadowResult) -> decision_pb2.CopyLook:
    """The copy as the contract of its decision has it."""
    return decision_pb2.CopyLook(
        kind=result.kind,
        end=result.end.value,
        arm=result.arm,
        upstream=result.upstream,
        model_version=result.version,
        sent=result.sent,
        verdict=result.verdict,
        reason=result.reason,
        rule=result.stop or result.rule,
        rules_added=result.rules_added,
        rules_missing=result.rules_missing,
        status=result.status,
        served_status=result.served_status,
        compared=result.compared,
        answered_version=result.answered,
        differences=[
            decision_pb2.CopyDifference(path=each.path, kind=each.kind, count=each.count, relative=each.relative)
            for each in result.differences
        ],
        more_differences=result.more,
        duration=duration(result.took_us) if result.sent else None,
        served_duration=duration(result.served_us),
        costs=result.costs,
        served_costs=result.served_costs,
    )


def results(message: decision_pb2.Decision) -> tuple[ShadowResult, ...]:
    """The copies of a decision again, for those who got it over the wire."""
    return tuple(_result(message, copy) for copy in message.copies)


def _result(message: decision_pb2.Decision, copy: decision_pb2.CopyLook) -> ShadowResult:
    stopped = copy.end == CopyEnd.STOPPED
    return ShadowResult(
        id=message.name.removeprefix("decisions/"),
        kind="mirror" if copy.kind == "mirror" else "shadow",
        end=CopyEnd(copy.end),
        route=message.route,
        arm=copy.arm,
        upstream=copy.upstream,
        version=copy.model_version,
        received_ms=message.receive_time.ToMilliseconds(),
        revision=message.revision,
        sent=copy.sent,
        verdict=copy.verdict,
        reason=copy.reason,
        rule="" if stopped else copy.rule,
        stop=copy.rule if stopped else "",
        rules_added=tuple(copy.rules_added),
        rules_missing=tuple(copy.rules_missing),
        status=copy.status,
        served_status=copy.served_status,
        compared=copy.compared,
        answered=copy.answered_version,
        differences=tuple(
            Difference(each.path, each.kind, each.count, each.relative)  # type: ignore[arg-type]
            for each in copy.differences
        ),
        more=copy.more_differences,
        took_us=copy.duration.ToMicroseconds(),
        served_us=copy.served_duration.ToMicroseconds(),
        costs=dict(copy.costs),
        served_costs=dict(copy.served_costs),
    )
