"""Pods have no power, as the namespace demands; there are enough of them, and none goes before another one answers."""

import re
from typing import Final

import pytest
import yaml

from services.capacity.planning import BUSY, plan
from services.capacity.pods import PRODUCTION, SHARDS, Resources, requests
from tests.chapters import chapter
from tests.k8s.rendering import K8S, OVERLAYS, Object, rendered
from tests.k8s.workloads import Workload, everywhere, named, of_kind, workloads
from tests.monitoring.files import table

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
each_workload = pytest.mark.parametrize("workload", everywhere(), ids=lambda each: f"{each.overlay}-{each.name}")
STORE: Final = K8S / "components" / "redis-cluster"
UNITS: Final = {"": 1.0, "m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def amount(quantity: str) -> float:
    """A quantity of Kubernetes as a number: cores, bytes."""
    found = re.fullmatch(r"([0-9.]+)(\w*)", quantity)
    assert found is not None
    return float(found[1]) * UNITS[found[2]]


@each_workload
def test_it_is_what_the_restricted_pod_security_standard_lets_run(workload: Workload) -> None:
    pod, own = workload.pod, workload.container
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(set(each) & {"emptyDir", "secret", "configMap"} for each in pod.get("volumes", ()))
    assert not any("hostPort" in port for port in own["ports"])


@each_workload
def test_it_has_no_account_of_the_cluster_and_no_variable_that_it_does_not_know(workload: Workload) -> None:
    assert (workload.pod["automountServiceAccountToken"], workload.pod["enableServiceLinks"]) == (False, False)
    assert "serviceAccountName" not in workload.pod


@each_workload
def test_its_place_is_asked_for_and_its_memory_is_limited(workload: Workload) -> None:
    asked, limits = workload.container["resources"]["requests"], workload.container["resources"]["limits"]
    assert 0 < amount(asked["cpu"]) <= 1  # no process of ours but for its helpers uses more than a core
    assert amount(asked["memory"]) <= amount(limits["memory"]) <= 4 * 2**30
    assert set(limits) == {"memory"}  # a core that is held back answers late; what is asked for shares it fairly
    for volume in workload.pod.get("volumes", ()):
        if "emptyDir" in volume:
            assert amount(volume["emptyDir"]["sizeLimit"]) <= 2 * 2**30


def test_readme_says_what_is_asked_for() -> None:
    rows = {
        name: [each.replace(" ", "") for each in cell.split(", ")]
        for name, cell in re.findall(r"^\| ([\w-]+) \| (\d[^|]*) \|", chapter("k8s"), re.MULTILINE)
    }
    store, envoy = rows.pop("store"), rows.pop("gateway-envoy")
    assert {f"pilote-{name}" for name in rows} == {each.name for each in workloads("everything")}
    (gateway,) = [each for each in workloads("everything") if each.name == "pilote-gateway"]
    asked = gateway.container["resources"]["requests"]
    assert envoy == [asked["cpu"], asked["memory"]]
    for workload in (
        *workloads("prod"),
        *(each for each in workloads("everything") if each.name == "pilote-crm-connector"),
    ):
        asked = workload.container["resources"]["requests"]
        claims = [each["spec"]["resources"]["requests"] for each in workload.spec.get("volumeClaimTemplates", ())]
        cores, *bytes_ = rows[workload.name.removeprefix("pilote-")]
        assert amount(cores) == pytest.approx(amount(asked["cpu"]))
        assert bytes_ == [asked["memory"], *(each["storage"] for each in claims)]
    node = named("prod", "RedisCluster", "pilote-redis")["spec"]["kubernetesConfig"]["resources"]["requests"]
    assert store[:2] == [node["cpu"], node["memory"]]


@pytest.mark.parametrize("overlay", ["prod", "everything"])
def test_production_asks_for_what_the_model_of_capacity_says(overlay: str) -> None:
    wanted = requests(PRODUCTION)
    for workload in workloads(overlay):
        if workload.ours:
            name = workload.name.removeprefix("pilote-")
            name += "-envoy" if workload.environment().get("PILOTE_ENGINE") == "envoy" else ""
            assert _asked(workload.container["resources"]["requests"]) == wanted[name]
    store = named(overlay, "RedisCluster", "pilote-redis")
    node = store["spec"]["kubernetesConfig"]["resources"]["requests"]
    assert _asked(node) == wanted["store"]
    assert store["spec"]["clusterSize"] == SHARDS
    (kept,) = re.findall(r"^maxmemory (\d+)gb$", (STORE / "redis-additional.conf").read_text("utf-8"), re.MULTILINE)
    assert plan(PRODUCTION).store_memory_mb / SHARDS * 1e6 <= int(kept) * 2**30
    busy = named(overlay, "HorizontalPodAutoscaler", "pilote-gateway")["spec"]["metrics"][0]["resource"]["target"]
    assert busy["averageUtilization"] == BUSY * 100


def _asked(resources: Object) -> Resources:
    return Resources(round(amount(resources["cpu"]) * 1_000), round(amount(resources["memory"]) / 2**20))


@each_overlay
def test_the_namespace_enforces_it(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    levels = {name: level for name, level in namespace["metadata"]["labels"].items() if "pod-security" in name}
    assert levels == {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    inside = [each for each in rendered(overlay) if each["kind"] != "Namespace"]
    assert {each["metadata"]["namespace"] for each in inside} == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("overlay", ["prod", "everything"])
def test_nobody_goes_alone_in_production(overlay: str) -> None:
    protected = {each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "PodDisruptionBudget")}
    assert set(protected) == {each.name for each in workloads(overlay)}
    assert all(each["maxUnavailable"] == 1 for each in protected.values())
    for workload in workloads(overlay):
        if workload.spec.get("replicas", 2) > 1:
            assert "topologySpreadConstraints" in workload.pod or workload.name == "pilote-otel-collector"


@each_workload
def test_who_answers_calls_goes_only_once_another_one_answers(workload: Workload) -> None:
    answers = any(name in {"grpc", "http"} for name in workload.ports)
    if workload.object["kind"] == "Deployment" and answers:
        assert workload.spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_gateways_are_added_by_cpu_and_by_calls_that_wait() -> None:
    autoscaler = named("prod", "HorizontalPodAutoscaler", "pilote-gateway")["spec"]
    (gateway,) = [each for each in workloads("prod") if each.name == autoscaler["scaleTargetRef"]["name"]]
    assert gateway.object["kind"] == autoscaler["scaleTargetRef"]["kind"]
    assert "replicas" not in gateway.spec
    assert "cpu" in gateway.container["resources"]["requests"]  # a share of which the first one is
    cpu, calls = autoscaler["metrics"]
    assert cpu["resource"]["name"] == "cpu"
    metric = calls["pods"]["metric"]["name"]
    assert metric in {name.replace(".", "_") for name in table()}
    (rule,) = yaml.safe_load((K8S / "monitoring" / "adapter.yaml").read_text("utf-8"))["rules"]
    assert rule["seriesQuery"].startswith(f"{metric}{{")
    assert rule["name"]["as"] == metric
    assert 3 <= autoscaler["minReplicas"] < autoscaler["maxReplicas"]


def test_gateways_are_spread_over_zones_and_machines_each_update_by_itself() -> None:
    (gateway,) = [each for each in workloads("prod") if each.name == "pilote-gateway"]
    zones, machines = gateway.pod["topologySpreadConstraints"]
    assert (zones["topologyKey"], zones["whenUnsatisfiable"]) == ("topology.kubernetes.io/zone", "DoNotSchedule")
    assert machines["topologyKey"] == "kubernetes.io/hostname"
    assert zones["matchLabelKeys"] == machines["matchLabelKeys"] == ["pod-template-hash"]


@each_overlay
def test_the_collector_has_every_part_that_its_pipelines_name(overlay: str) -> None:
    (workload,) = [each for each in workloads(overlay) if each.name == "pilote-otel-collector"]
    (volume,) = [each for each in workload.pod["volumes"] if each["name"] == "config"]
    data = named(overlay, "ConfigMap", volume["configMap"]["name"])["data"]
    mounted = workload.container["volumeMounts"][0]["mountPath"]
    first, *_ = workload.container["args"]
    assert first == f"--config={mounted}/{next(iter(data))}"
    config = yaml.safe_load(next(iter(data.values())))
    assert config["service"]["extensions"] == list(config["extensions"])
    for pipeline in config["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= set(config[part])
        assert pipeline["processors"][0] == "memory_limiter"  # before anything is kept
    listens = {
        config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"],
        config["extensions"]["health_check"]["endpoint"],
    }
    assert {int(each.rpartition(":")[2]) for each in listens} == set(workload.ports.values())
    named_ones = set(re.findall(r"\$\{env:(\w+)\}", next(iter(data.values()))))
    assert named_ones <= {each["name"] for each in workload.container["env"]}
