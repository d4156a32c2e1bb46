"""A rendered overlay names nothing that is not there, but the Secrets that its README expects."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from gateway.certificates import FILES
from services.crm.connectors.reading import VENDORS, load
from tests.chapters import chapter
from tests.k8s.rendering import K8S, OVERLAYS, Object, rendered
from tests.k8s.workloads import chosen, of_kind, workloads
from tests.policies import revision

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
BY_OPERATORS: Final = {
    ("Secret", "pilote-postgresql-app"),
    ("Secret", "pilote-postgresql-ca"),
    ("Service", "pilote-redis-leader"),
}
"""What the operators make of their resources: CloudNativePG of a Cluster, the redis-operator of a RedisCluster."""


def everything_in(value: Any) -> Iterator[Any]:
    """A value, and all values within it."""
    yield value
    if isinstance(value, dict):
        for each in value.values():
            yield from everything_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from everything_in(each)


def named_by(each: Object) -> Iterator[tuple[str, str]]:
    """What an object names, by kind and name."""
    for value in everything_in(each):
        if not isinstance(value, dict):
            continue
        for field, kind, name in (
            ("secretKeyRef", "Secret", "name"),
            ("configMapKeyRef", "ConfigMap", "name"),
            ("configMapRef", "ConfigMap", "name"),
            ("secretRef", "Secret", "name"),
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("secret", "Secret", "name"),
            ("keySecret", "Secret", "name"),
            ("ca", "Secret", "secretName"),
            ("issuerRef", "Issuer", "name"),
            ("redisSecret", "Secret", "name"),
        ):
            if isinstance(value.get(field), dict) and name in value[field]:
                yield kind, value[field][name]
        if "serviceAccountName" in value:
            yield "ServiceAccount", value["serviceAccountName"]
        if "additionalRedisConfig" in value:
            yield "ConfigMap", value["additionalRedisConfig"]
        for field, kind in (
            ("backendRefs", "Service"),
            ("certificateRefs", "Secret"),
            ("parentRefs", "Gateway"),
            ("targetRefs", "Service"),
            ("caCertificateRefs", "ConfigMap"),
        ):
            yield from ((ref.get("kind", kind), ref["name"]) for ref in value.get(field, ()))
        for field, kind in (("scaleTargetRef", ""), ("parametersRef", ""), ("clientCertificateRef", "Secret")):
            if field in value:
                yield value[field].get("kind", kind), value[field]["name"]


def by_certificates(overlay: str) -> set[str]:
    """The Secrets that cert-manager makes of an overlay's Certificates."""
    return {each["spec"]["secretName"] for each in of_kind(overlay, "Certificate")}


@each_overlay
def test_nothing_is_named_that_is_not_there_but_the_secrets_that_are_expected(overlay: str) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in rendered(overlay)}
    made = {("Secret", name) for name in by_certificates(overlay)}
    assert not made & there
    assert len(there) == len(rendered(overlay))
    wanted = {found for each in rendered(overlay) for found in named_by(each)}
    expected = wanted - there - made - BY_OPERATORS
    table = chapter("k8s")
    assert [name for kind, name in expected if f"`{name}`" not in table] == []
    assert {kind for kind, _ in expected} <= {"Secret", "ConfigMap"}
    if overlay in {"dev", "small-tls", "small-envoy"}:
        assert expected == set()
    assert {name for kind, name in expected if kind == "ConfigMap"} <= {"pilote-envoy-ca", "pilote-authority"}


@each_overlay
def test_keys_of_secrets_are_those_that_readme_says_they_have(overlay: str) -> None:
    rows = {
        name: set(re.findall(r"`([\w.-]+)`", keys))
        for name, keys in re.findall(r"^\| Secret `([\w-]+)`,? ?(.*?) \|", chapter("k8s"), re.MULTILINE)
    }
    rows |= {name: set(FILES) for name in by_certificates(overlay)}
    for workload in workloads(overlay):
        for value in everything_in(workload.pod):
            if isinstance(value, dict) and "secretKeyRef" in value:
                reference = value["secretKeyRef"]
                name = re.sub(r"-[a-z0-9]{10}$", "", reference["name"])
                if ("Secret", name) not in BY_OPERATORS:
                    assert reference["key"] in rows[name]
            if isinstance(value, dict) and "secretName" in value and "items" in value:
                name = re.sub(r"-[a-z0-9]{10}$", "", value["secretName"])
                if ("Secret", name) not in BY_OPERATORS and name != "pilote-store":
                    assert {item["key"] for item in value["items"]} <= rows[name]


@each_overlay
def test_selectors_choose_pods_that_there_are_and_workloads_their_own(overlay: str) -> None:
    every = workloads(overlay)
    for workload in every:
        assert [each.name for each in every if chosen(workload.spec["selector"], each.labels)] == [workload.name]
        if "serviceName" in workload.spec:
            assert workload.spec["serviceName"] in {each["metadata"]["name"] for each in of_kind(overlay, "Service")}
        for constraint in workload.pod.get("topologySpreadConstraints", ()):
            assert chosen(constraint["labelSelector"], workload.labels)
    by_operators = ({"redis_setup_type": "cluster"}, {"cnpg.io/cluster": "pilote-postgresql"})
    for each in of_kind(overlay, "PodDisruptionBudget", "NetworkPolicy", "PodMonitor"):
        selector = each["spec"].get("podSelector", each["spec"].get("selector"))
        assert selector.get("matchLabels") in by_operators or any(
            chosen(selector, workload.labels) for workload in every
        )


def test_production_holds_no_secret_and_development_no_key_that_anybody_could_take_for_one() -> None:
    assert list(of_kind("prod", "Secret")) == []
    said = yaml.safe_load((K8S / "overlays" / "dev" / "kustomization.yaml").read_text("utf-8"))
    for literal in (each for made in said["secretGenerator"] for each in made["literals"]):
        value = literal.partition("=")[2]
        assert len(set(value)) == 1 or "for-everybody-to-read" in value


def test_no_file_names_a_host_of_the_internet_but_examples() -> None:
    files = [
        file for file in K8S.rglob("*") if file.is_file() and "monitoring" not in file.parts and file.suffix != ".md"
    ]
    assert len(files) > 40
    groups = (
        r"(kubernetes\.io|k8s\.io|coreos\.com|envoyproxy\.io|cnpg\.io|cert-manager\.io|opstreelabs\.in|pilote\.dev"
        r"|googleapis\.com)"
    )
    for file in files:
        text = re.sub(rf"[\w.-]*{groups}(/[\w.-]+)?", "", file.read_text("utf-8"))
        hosts = re.findall(r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|eu|fr|cloud|example)\b", text)
        assert [host for host in hosts if not host.endswith(".example")] == [], file


def test_the_policy_of_the_demonstration_finds_its_upstreams_in_the_small_overlay() -> None:
    (command,) = re.findall(r"^sed '(.*)' services/demo/policy.yaml", chapter("k8s"), re.MULTILINE)
    text = (K8S.parent / "services" / "demo" / "policy.yaml").read_text("utf-8")
    for part in command.split(";"):
        _, before, after, _ = part.strip().split("/") if part.count("/") == 3 else part.strip().split("|")
        text = re.sub(before, after, text)
    services = {
        f"{each['metadata']['name']}:{port['port']}"
        for each in of_kind("dev", "Service")
        for port in each["spec"]["ports"]
    }
    addresses = {each["address"] for each in yaml.safe_load(text)["upstreams"]}
    assert addresses <= services
    assert len(addresses) == 4


def test_the_connectors_token_is_the_one_that_it_asks_for() -> None:
    (workload,) = [each for each in workloads("everything") if each.name == "pilote-crm-connector"]
    text = (VENDORS / f"{workload.container['args'][-1]}.yaml").read_text("utf-8")
    assert load(VENDORS / f"{workload.container['args'][-1]}.yaml").descriptor.connector == "hubspot"
    (token,) = [each["name"] for each in workload.container["env"] if "valueFrom" in each]
    assert token in text
    assert revision().number == 1
