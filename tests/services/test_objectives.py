"""How objectives are shown to people, in both languages."""

import io

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc
from pilote.audit.v1 import objectives_pb2 as pb
from services.commands.objectives import show_objectives

WINDOWS = (300, 1_800, 3_600, 21_600, 259_200)


class FakeAudit(audit_service_pb2_grpc.AuditServiceServicer):
    """Answers with the objectives that it was given."""

    def __init__(self, *objectives: pb.Objective) -> None:
        self._objectives = objectives

    async def GetObjectives(self, request: pb.GetObjectivesRequest, context: object) -> pb.GetObjectivesResponse:  # noqa: N802
        return pb.GetObjectivesResponse(objectives=self._objectives, revision=7)


def _burning() -> pb.Objective:
    return pb.Objective(
        route="crm",
        kind=pb.OBJECTIVE_KIND_LATENCY,
        target_percent=99.5,
        within=Duration(nanos=300_000_000),
        state=pb.OBJECTIVE_STATE_ALERT,
        windows=[
            pb.BurnWindow(window=Duration(seconds=seconds), calls=100, bad=10, burn_rate=20.5) for seconds in WINDOWS
        ],
        budget_left=-0.25,
        alerts=[
            pb.BurnAlert(
                severity=pb.ALERT_SEVERITY_PAGE,
                threshold=14.4,
                long_window=Duration(seconds=3_600),
                short_window=Duration(seconds=300),
            )
        ],
    )


def _idle() -> pb.Objective:
    return pb.Objective(
        route="score",
        kind=pb.OBJECTIVE_KIND_AVAILABILITY,
        target_percent=99,
        state=pb.OBJECTIVE_STATE_NO_TRAFFIC,
        windows=[pb.BurnWindow(window=Duration(seconds=seconds)) for seconds in WINDOWS],
    )


async def _shown(*objectives: pb.Objective, language: str) -> str:
    out = Console(file=io.StringIO(), width=200)

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(FakeAudit(*objectives), server)  # type: ignore[abstract]

    async with serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port:
        assert await show_objectives(out, f"127.0.0.1:{port}", language=language)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "en",
            [
                *("99.5 % within 300 ms", "ALERT", "-25.0 %", "20.5", "5 min", "3 d", "no calls in 30 days"),
                "crm: look at once. 99.5 % within 300 ms: over 1 h and over 5 min the error budget burns",
            ],
        ),
        (
            "fr",
            [
                *(
                    "99,5 % en 300 ms",
                    "ALERTE",
                    "-25,0 %",
                    "20,5",
                    "3 j",
                    "aucun appel en 30 jours",
                    "99 % de réponses",
                ),
                "crm : à traiter tout de suite. 99,5 % en 300 ms : sur 1 h comme sur 5 min, le budget d’erreurs",
            ],
        ),
    ],
)
async def test_objectives_are_shown_with_what_to_look_at(language: str, wanted: list[str]) -> None:
    shown = await _shown(_burning(), _idle(), language=language)
    assert [each for each in wanted if each not in shown] == []


async def test_without_objectives_nothing_is_shown() -> None:
    assert await _shown(language="en") == ""


async def test_an_audit_service_that_does_not_answer_is_told_by_the_answer() -> None:
    out = Console(file=io.StringIO())
    assert not await show_objectives(out, "127.0.0.1:1", language="en")
