"""The manifests are what Kubernetes takes, start what there is with settings that it takes, and give pods no power."""

from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import typer
import yaml

from gateway.settings import from_environment
from services.cli import app

FOLDER: Final = Path(__file__).parent.parent.parent / "k8s" / "doors"
KUSTOMIZATION: Final = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
FILES: Final = tuple(KUSTOMIZATION["resources"])
VERSION: Final = "1.37"
SECRETS: Final = {"PILOTE_REDIS_URL": "rediss://store:6379"}
"""What a Secret gives."""


def objects(file: str) -> list[Any]:
    """All objects of a manifest."""
    return [each for each in yaml.safe_load_all((FOLDER / file).read_text("utf-8")) if each]


WORKLOADS: Final = {
    each["metadata"]["name"]: (file, each)
    for file in FILES
    for each in objects(file)
    if each["kind"] in {"Deployment", "StatefulSet"}
}
each_workload = pytest.mark.parametrize("name", WORKLOADS)


def container(name: str) -> Any:
    """The one container of a workload."""
    (found,) = WORKLOADS[name][1]["spec"]["template"]["spec"]["containers"]
    return found


def environment(name: str) -> dict[str, str]:
    """The variables that it starts with."""
    return {each["name"]: each.get("value") or SECRETS.get(each["name"], "x") for each in container(name)["env"]}


def beside(name: str, kind: str) -> Any:
    """The object of that kind in the same file, which is for the workload's pods."""
    file, workload = WORKLOADS[name]
    (found,) = (each for each in objects(file) if each["kind"] == kind)
    spec = found["spec"]
    chosen = spec["podSelector" if kind == "NetworkPolicy" else "selector"]
    assert chosen["matchLabels"].items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    return spec


def test_every_file_is_applied_and_what_it_has_is_what_kubernetes_takes() -> None:
    assert {file.name for file in FOLDER.glob("*.yaml")} == {*FILES, "kustomization.yaml"}
    assert set(WORKLOADS) == {"pilote-agents", "pilote-intake", "pilote-webhooks", "pilote-crm-connector"}
    for each in (found for file in FILES for found in objects(file)):
        kubernetes_validate.validate(each, VERSION, strict=True)
    broken = objects("webhooks.yaml")[0]
    broken["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["grcp"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSION, strict=True)


@each_workload
def test_it_runs_a_command_that_there_is_with_settings_that_it_takes(name: str) -> None:
    settings, own = from_environment(environment(name)), container(name)
    command: Any = typer.main.get_command(app)
    words = [word for word in own["args"] if not word.startswith("--")]
    for word in words:
        command = command.commands.get(word) if hasattr(command, "commands") else command
    assert command is not None
    listens = (settings.agents_listen, settings.intake_listen, settings.webhooks_listen, settings.crm_listen)
    (port,) = (int(each.rpartition(":")[2]) for each in listens if each.startswith("0.0.0.0:"))
    assert port in {each["containerPort"] for each in own["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = own[probe].get("grpc") or own[probe]["httpGet"]
        assert asked["port"] == port
    assert {each["mountPath"] for each in own["volumeMounts"]} >= {str(settings.home)}


@each_workload
def test_it_has_time_to_drain_and_pods_that_stay_while_others_go(name: str) -> None:
    settings, spec = from_environment(environment(name)), WORKLOADS[name][1]["spec"]
    pause = container(name)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > pause + settings.drain_seconds
    assert beside(name, "PodDisruptionBudget")["maxUnavailable"] == 1
    assert set(container(name)["resources"]) == {"requests", "limits"}


@each_workload
def test_its_pods_have_no_power_and_reach_nothing_but_what_they_need(name: str) -> None:
    pod, own = WORKLOADS[name][1]["spec"]["template"]["spec"], container(name)
    assert (pod["enableServiceLinks"], pod["automountServiceAccountToken"]) == (False, False)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    policy = beside(name, "NetworkPolicy")
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["from"] and rule["ports"] for rule in policy["ingress"])
    assert all(rule["to"] and rule["ports"] for rule in policy["egress"])
    ports = {each["port"] for rule in policy["ingress"] for each in rule["ports"]}
    assert ports <= {each["containerPort"] for each in own["ports"]}
    for rule in policy["egress"]:
        for block in (each["ipBlock"] for each in rule["to"] if "ipBlock" in each):
            assert len(block["except"]) > 1


@each_workload
def test_no_secret_stands_in_it_and_keys_come_as_files(name: str) -> None:
    for each in container(name)["env"]:
        secret = each["name"].endswith(("_URL", "_TOKEN", "_KEY"))
        assert ("valueFrom" in each) is secret
        if each["name"].endswith("_KEY_FILE"):
            assert each["value"].startswith("/etc/pilote/keys/")
