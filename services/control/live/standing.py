"""How routes stand by their objectives, and what workers run: the parts that are the same for everybody. Pure."""

from collections import Counter
from collections.abc import Sequence

from gateway.adapters.workers import Report
from pilote.audit.v1 import objectives_pb2 as pb
from services.control.live.now import Alert, Burn, Objective, Refusing, RevisionShare, Workers


def objectives(answer: pb.GetObjectivesResponse) -> tuple[Objective, ...]:
    """What is shown of an answer."""
    return tuple(
        Objective(
            route=each.route,
            kind=pb.ObjectiveKind.Name(each.kind).removeprefix("OBJECTIVE_KIND_"),
            target_percent=each.target_percent,
            within_ms=each.within.ToMilliseconds(),
            state=pb.ObjectiveState.Name(each.state).removeprefix("OBJECTIVE_STATE_"),
            budget_left=each.budget_left if each.HasField("budget_left") else None,
            burns=tuple(
                Burn(
                    window_seconds=window.window.ToSeconds(),
                    rate=window.burn_rate if window.HasField("burn_rate") else None,
                )
                for window in each.windows
            ),
            alerts=tuple(
                Alert(
                    severity=pb.AlertSeverity.Name(alert.severity).removeprefix("ALERT_SEVERITY_"),
                    threshold=alert.threshold,
                    long_seconds=alert.long_window.ToSeconds(),
                    short_seconds=alert.short_window.ToSeconds(),
                )
                for alert in each.alerts
            ),
        )
        for each in answer.objectives
    )


def workers(reports: Sequence[Report], *, active: int) -> Workers:
    """What processes run; `active` is the revision that they should."""
    counts = Counter(report.revision for report in reports)
    return Workers(
        active_revision=active,
        workers=len(reports),
        revisions=tuple(
            RevisionShare(revision=revision, workers=count) for revision, count in sorted(counts.items(), reverse=True)
        ),
        refusing=tuple(
            Refusing(
                worker=report.worker, revision=report.refused.revision, running=report.revision, why=report.refused.why
            )
            for report in reports
            if report.refused is not None
        ),
        spooled=sum(report.spooled for report in reports),
    )
