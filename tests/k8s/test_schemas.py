"""Every manifest is what Kubernetes and the operators take: held against their schemas, and no file is left out."""

import copy
import json
from collections.abc import Sequence
from typing import Any, Final

import yaml

from tests.k8s import built_in, custom_resources
from tests.k8s.rendering import K8S, OVERLAYS, Object, folder_of, rendered, within
from tests.k8s.workloads import named
from tests.monitoring.files import RULES

BUILT_IN: Final = ("v1", "apps/v1", "autoscaling/v2", "policy/v1", "networking.k8s.io/v1")


def custom(overlay: str) -> Sequence[Object]:
    return [each for each in rendered(overlay) if each["apiVersion"] not in BUILT_IN]


def test_kubernetes_takes_every_object_and_no_field_is_misspelt() -> None:
    every = (each for overlay in OVERLAYS for each in rendered(overlay) if each["apiVersion"] in BUILT_IN)
    own = {json.dumps(each): each for each in every}  # overlays share most of them
    assert len(own) > 70
    assert [mistake for each in own.values() for mistake in built_in.mistakes(each)] == []


def test_a_misspelt_field_would_be_found() -> None:
    broken = copy.deepcopy(named("dev", "Deployment", "pilote-gateway"))
    broken["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["grcp"] = {}
    assert len(built_in.mistakes(broken)) == 1
    assert "grcp" in built_in.mistakes(broken)[0]


def test_operators_take_every_resource_of_theirs() -> None:
    found = custom("everything")
    assert {each["kind"] for each in found} == {
        *("Gateway", "GRPCRoute", "HTTPRoute", "BackendTLSPolicy"),
        *("SecurityPolicy", "Backend", "EnvoyProxy"),
        *("PodMonitor", "PrometheusRule", "Cluster", "RedisCluster", "Certificate", "Issuer"),
    }
    assert custom_resources.mistakes(found) == []


def test_the_small_overlay_needs_no_operator() -> None:
    assert custom("dev") == []
    assert {each["kind"] for each in custom("small-tls")} == {"Certificate", "Issuer"}


def test_a_mistake_in_a_custom_resource_would_be_found() -> None:
    found = {(each["kind"], each["metadata"]["name"]): copy.deepcopy(each) for each in custom("everything")}

    def spec(kind: str, name: str) -> Any:
        return found[kind, name]["spec"]

    spec("GRPCRoute", "pilote-gateway")["rules"][0]["backendRefs"][0]["port"] = 70_000
    spec("HTTPRoute", "pilote-control")["rules"][0]["timeout"] = "1s"
    spec("PodMonitor", "pilote")["podMetricsEndpoints"][0]["intervall"] = "15s"
    spec("PrometheusRule", "pilote")["groups"][0]["rules"][0]["for"] = "5 minutes"
    spec("Cluster", "pilote-postgresql")["bootstrap"]["initdb"]["databse"] = "pilote"
    spec("SecurityPolicy", "pilote-vendor")["extAuth"]["failopen"] = False
    spec("RedisCluster", "pilote-redis")["clusterSize"] = 2
    spec("Certificate", "pilote-gateway")["isCa"] = True
    spec("Issuer", "pilote-processes")["ca"]["secret"] = "pilote-authority"
    told = custom_resources.mistakes(list(found.values()))
    assert {(kind, name) for kind, name, *_ in (each.replace(":", "").split(" ", 2) for each in told)} == {
        *(("GRPCRoute", "pilote-gateway"), ("HTTPRoute", "pilote-control"), ("PodMonitor", "pilote")),
        *(("PrometheusRule", "pilote"), ("Cluster", "pilote-postgresql")),
        *(("SecurityPolicy", "pilote-vendor"), ("RedisCluster", "pilote-redis")),
        *(("Certificate", "pilote-gateway"), ("Issuer", "pilote-processes")),
    }
    assert len(told) == 9


def test_alerts_of_the_operator_are_those_of_the_rule_file() -> None:
    assert named("prod", "PrometheusRule", "pilote")["spec"] == yaml.safe_load(RULES.read_text("utf-8"))


def test_every_file_is_a_part_of_some_overlay() -> None:
    used: set[str] = set()
    waiting = [folder_of(overlay) for overlay in OVERLAYS]
    while waiting:
        folder = waiting.pop().resolve()
        file = folder / "kustomization.yaml"
        if str(file) in used:
            continue
        used |= {str(file), str(within(file))}
        said = yaml.safe_load(file.read_text("utf-8"))
        sources = [
            each.partition("=")[2] or each
            for made in ("configMapGenerator", "secretGenerator")
            for gen in said.get(made, ())
            for each in gen.get("files", ())
        ]
        for name in (
            *said.get("resources", ()),
            *said.get("components", ()),
            *sources,
            *(each["path"] for each in said.get("patches", ()) if "path" in each),
        ):
            path = (folder / name).resolve()
            waiting.extend([path] if path.is_dir() else [])
            used.add(str(within(path)))
    there = {
        str(file) for part in ("base", "components", "overlays") for file in (K8S / part).rglob("*") if file.is_file()
    }
    assert there - used == set()
