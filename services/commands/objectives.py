"""The part of `pilote status` about service level objectives."""

from typing import Final

import grpc
from rich.console import Console
from rich.table import Table

from gateway.rpc.channels import channel_to
from pilote.audit.v1 import audit_service_pb2_grpc
from pilote.audit.v1 import objectives_pb2 as pb
from services.texts import say

PATIENCE_SECONDS: Final = 5.0
_UNITS_S: Final = (("d", "j", 86_400), ("h", "h", 3_600), ("min", "min", 60))


async def show_objectives(out: Console, address: str, *, language: str) -> bool:
    """Print how every objective stands, and what to look at; says whether the audit service has answered.

    Prints nothing where the policy has no objectives. `address` is that of the audit service.
    """
    async with channel_to(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        try:
            answer = await stub.GetObjectives(pb.GetObjectivesRequest(), timeout=PATIENCE_SECONDS)
        except grpc.aio.AioRpcError:
            return False
    if not answer.objectives:
        return True
    table = Table(*(say(f"objective-{column}", language=language) for column in ("route", "promise", "state", "left")))
    for window in answer.objectives[0].windows:
        table.add_column(_span(window.window.ToSeconds(), language), justify="right")
    for objective in answer.objectives:
        table.add_row(*_row(objective, language))
    out.print(table)
    for objective in answer.objectives:
        for alert in objective.alerts:
            out.print(_alert(objective, alert, language), markup=False, soft_wrap=True)
    return True


def _row(objective: pb.Objective, language: str) -> tuple[str, ...]:
    state = pb.ObjectiveState.Name(objective.state).removeprefix("OBJECTIVE_STATE_").lower().replace("_", "-")
    return (
        objective.route,
        _promise(objective, language),
        say(f"objective-{state}", language=language),
        _number(objective.budget_left * 100, language) + " %" if objective.HasField("budget_left") else "",
        *(_number(window.burn_rate, language) if window.HasField("burn_rate") else "-" for window in objective.windows),
    )


def _promise(objective: pb.Objective, language: str) -> str:
    kind = pb.ObjectiveKind.Name(objective.kind).removeprefix("OBJECTIVE_KIND_").lower()
    percent = _number(objective.target_percent, language, digits=3)
    within = f"{objective.within.ToMilliseconds()} ms"
    return say(f"objective-{kind}", language=language, percent=percent, within=within)


def _alert(objective: pb.Objective, alert: pb.BurnAlert, language: str) -> str:
    severity = pb.AlertSeverity.Name(alert.severity).removeprefix("ALERT_SEVERITY_").lower()
    return say(
        f"objective-{severity}",
        language=language,
        route=objective.route,
        promise=_promise(objective, language),
        rate=_number(alert.threshold, language),
        long=_span(alert.long_window.ToSeconds(), language),
        short=_span(alert.short_window.ToSeconds(), language),
    )


def _span(seconds: int, language: str) -> str:
    """A window as people write it: "5 min", "3 d"."""
    units, size = next((units, size) for *units, size in _UNITS_S if seconds % size == 0)
    return f"{seconds // size} {units[language == 'fr']}"


def _number(value: float, language: str, *, digits: int = 1) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits > 1 else f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text
