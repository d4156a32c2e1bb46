"""Every workload runs a command that there is, with settings that it takes, and is asked where its process answers."""

from typing import Any, Final

import pytest
import typer

from gateway.rpc.probing import READINESS
from gateway.settings import Settings
from services import up
from services.cli import app
from tests.k8s.workloads import Workload, everywhere, workloads

PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
LISTENS: Final = {
    "gateway": ("gateway_listen", "envoy_listen"),
    "agents": ("agents_listen",),
    "audit": ("audit_listen",),
    "control": ("control_listen",),
    "rollouts run": ("rollouts_listen",),
    "insights run": ("insights_listen",),
    "intake": ("intake_listen", "intake_grpc_listen"),
    "webhooks run": ("webhooks_listen",),
    "crm": ("crm_listen",),
    "models": ("models_listen",),
}
"""By command: the settings that say where its process listens, beside `metrics_listen`."""
WITHOUT_METRICS: Final = {"crm", "models"}
OURS: Final = [each for each in everywhere() if each.ours]
each_workload = pytest.mark.parametrize("workload", OURS, ids=lambda each: f"{each.overlay}-{each.name}")


def command_of(workload: Workload) -> str:
    """The words of its command, without options."""
    args = list(workload.container["args"])
    options = next((place for place, word in enumerate(args) if word.startswith("--")), len(args))
    return " ".join(args[:options])


def port_of(listen: str) -> int:
    return int(listen.rpartition(":")[2])


def listened(workload: Workload) -> dict[str, str]:
    """Where its process listens, by the setting that says so."""
    settings, command = workload.settings(), command_of(workload)
    found = {name: getattr(settings, name) for name in LISTENS[command] if getattr(settings, name)}
    if command == "models":
        version = workload.container["args"][-1]
        found = {"models_listen": up.model_listen(settings, version)}
    if settings.health_listen:
        found["health_listen"] = settings.health_listen
    return found if command in WITHOUT_METRICS else found | {"metrics_listen": settings.metrics_listen}


def test_every_process_that_runs_for_long_has_its_workload() -> None:
    lives = up.supervisor(Settings(), environment={})._lives.values()
    children = {" ".join(each.child.command[3:]) for each in lives if each.child.name != "redis"}
    assert {" ".join(each.container["args"]) for each in workloads("dev") if each.ours} == children
    assert {command_of(each) for each in OURS} == set(LISTENS)
    production = {command_of(each) for each in workloads("prod") if each.ours}
    assert production == set(LISTENS) - {"crm", "models"}


@each_workload
def test_its_command_is_one_and_takes_its_options(workload: Workload) -> None:
    command: Any = typer.main.get_command(app)
    for word in command_of(workload).split():
        command = command.commands[word]
    known = {option for each in command.params for option in each.opts}
    given = [word for word in workload.container["args"] if word.startswith("--")]
    assert [option for option in given if option not in known] == []


@each_workload
def test_it_listens_to_other_pods_at_the_ports_that_it_declares(workload: Workload) -> None:
    found = listened(workload)
    assert all(listen.startswith("0.0.0.0:") for listen in found.values()), found
    assert {port_of(listen) for listen in found.values()} == set(workload.ports.values())
    if "metrics" in workload.ports:
        assert workload.ports["metrics"] == port_of(workload.settings().metrics_listen)


@each_workload
def test_it_is_asked_whether_it_is_well_where_it_answers_and_as_it_answers(workload: Workload) -> None:
    command, found = command_of(workload), listened(workload)
    over_http = {"agents_listen", "control_listen", "intake_listen"}
    for name in PROBES:
        probe = workload.container[name]
        asked = probe.get("grpc") or probe["httpGet"]
        (setting,) = [each for each, listen in found.items() if port_of(listen) == asked["port"]]
        assert ("httpGet" in probe) is (setting in over_http), (command, name)
        assert asked.get("path", "/healthz") in {"/healthz", "/readyz"}
        if "health_listen" in found:  # one port without TLS tells what each kind of probe asks
            assert setting == "health_listen"
            assert asked.get("service", "") == (READINESS if name == "readinessProbe" else "")
        else:
            assert workload.settings().tls_dir is None  # no probe of gRPC speaks it
            assert "service" not in asked  # the process as a whole: to start it anew mends nothing else
    start = workload.container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 60  # longer than the store may be silent at the start


@each_workload
def test_what_it_keeps_is_on_a_volume_and_so_is_what_others_write(workload: Workload) -> None:
    mounted = {each["mountPath"]: each["name"] for each in workload.container["volumeMounts"]}
    claims = {each["metadata"]["name"] for each in workload.spec.get("volumeClaimTemplates", ())}
    volumes = {each["name"] for each in workload.pod.get("volumes", ())} | claims
    assert set(mounted.values()) == volumes
    assert mounted[str(workload.settings().home)] == "home"
    assert mounted["/tmp"] == "tmp"  # noqa: S108 - the folder in the container
    assert (workload.object["kind"] == "StatefulSet") is ("home" in claims)


@each_workload
def test_every_file_that_a_setting_names_is_mounted(workload: Workload) -> None:
    folders = {each["mountPath"]: each["name"] for each in workload.container["volumeMounts"]}
    volumes = {each["name"]: each for each in workload.pod["volumes"]}
    for name, value in workload.environment().items():
        if name.endswith("_FILE"):
            folder, _, file = value.rpartition("/")
            items = volumes[folders[folder]]["secret"]["items"]
            assert file in {item["path"] for item in items}, name
        if name.endswith("_DIR"):
            assert "secret" in volumes[folders[value]], name
    used = {each for each in workload.environment().values() if each.startswith("/etc/pilote/keys/")}
    given = {
        f"/etc/pilote/keys/{item['path']}" for item in volumes.get("keys", {"secret": {"items": ()}})["secret"]["items"]
    }
    assert given == used  # no process has a key that it does not use


@each_workload
def test_secrets_come_from_secrets_and_none_stands_in_it(workload: Workload) -> None:
    for each in workload.container.get("env", ()):
        value = each.get("value", "")
        if each["name"].endswith(("_TOKEN", "_PASSWORD", "_URI")):
            assert "secretKeyRef" in each["valueFrom"]
        if "://" in value and each["name"] in {"PILOTE_REDIS_URL", "PILOTE_AUDIT_URL"}:
            assert "$(" in value
        assert not each["name"].endswith("_KEY")


@each_workload
def test_it_has_time_to_drain_after_traffic_has_gone_elsewhere(workload: Workload) -> None:
    pause = workload.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause >= 5
    assert workload.pod["terminationGracePeriodSeconds"] > pause + workload.settings().drain_seconds + 5
