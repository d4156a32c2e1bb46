"""All of Pilote with one certificate: the demonstration runs, and no port of any process takes anybody without TLS."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.rpc.probing import READINESS
from services.supervisor.probes import GrpcServing
from tests.fakes.certificates import Authority
from tests.fakes.tls_callers import answers, context
from tests.services import ports

pytestmark = [pytest.mark.integration, pytest.mark.one_store]

PILOTE = (sys.executable, "-m", "services.cli")
OUTSIDE = ("gateway", "control", "agents", "intake")
"""What agents, people and other systems reach without a certificate of their own; the intake's second port is not."""
NAMES = (
    *("GATEWAY", "AUDIT", "CONTROL", "ROLLOUTS", "WEBHOOKS", "INSIGHTS", "AGENTS", "INTAKE", "INTAKE_GRPC", "CRM"),
    *("METRICS", "MODELS"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority().folder(tmp_path_factory.mktemp("tls"), host="127.0.0.1")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[str, str]:
    listens = zip(NAMES, ports.free(len(NAMES) + 1), strict=False)  # the second model server takes the next port
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    ours = {"HOME": str(tmp_path_factory.mktemp("home")), "LANG": "en", "TLS_DIR": str(folder)}
    ours |= {f"{name}_LISTEN": f"127.0.0.1:{port}" for name, port in listens}
    ours["HEALTH_LISTEN"] = f"127.0.0.1:{ports.free(1)[0]}"
    return {**kept, "COLUMNS": "200", **{f"PILOTE_{name}": value for name, value in ours.items()}}


@pytest.fixture(scope="module")
def said(environment: dict[str, str]) -> Iterator[str]:
    """What the demonstration says once it is over; everything stays up until the tests are."""
    process = subprocess.Popen(
        (*PILOTE, "demo", "--contacts", "20"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        seen = ""
        while "Ctrl-C stops everything" not in seen:
            line = process.stdout.readline()  # pytest's timeout ends a miss
            assert line, seen
            seen += line
        yield seen
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, "Everything has stopped." in out) == (0, True)
    finally:
        process.kill()


def test_agents_work_and_every_call_of_theirs_is_on_record(said: str) -> None:
    for expected in ("CONSENT_MISSING", "LIMIT_EXCEEDED", "lead-score", "https://127.0.0.1:"):
        assert expected in said


def test_no_port_answers_without_tls_and_those_inside_ask_for_a_certificate(
    said: str, environment: dict[str, str], folder: Path
) -> None:
    state = json.loads((Path(environment["PILOTE_HOME"]) / "demo" / "up.json").read_text())
    open_ports = {
        port: (child["name"], index) for child in state["children"] for index, port in enumerate(child["ports"])
    }
    open_ports[int(environment["PILOTE_METRICS_LISTEN"].rpartition(":")[2])] = ("metrics", 0)
    assert len(open_ports) == len(NAMES) + 1
    for port, (name, index) in open_ports.items():
        asks = name not in OUTSIDE or index > 0
        assert not answers(port, None), name
        assert answers(port, context(folder, shows=folder)), name
        assert answers(port, context(folder, shows=None)) is not asks, name


async def test_probes_are_told_of_all_processes_without_tls(said: str, environment: dict[str, str]) -> None:
    for service in ("", READINESS):
        assert await GrpcServing(environment["PILOTE_HEALTH_LISTEN"], service=service)()


def test_the_command_line_asks_over_tls(said: str, environment: dict[str, str]) -> None:
    home = {"PILOTE_HOME": str(Path(environment["PILOTE_HOME"]) / "demo")}
    for command in (("status",), ("decisions", "list"), ("audit", "key"), ("history",)):
        done = subprocess.run(
            (*PILOTE, *command), env=environment | home, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
