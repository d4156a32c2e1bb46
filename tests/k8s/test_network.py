"""Who may talk to whom: everybody is shut off, and what is opened is what the code speaks to, on both sides."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from tests.k8s.rendering import OVERLAYS, Object
from tests.k8s.test_processes import listened, port_of
from tests.k8s.workloads import Workload, chosen, named, of_kind, workloads

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
DNS: Final = 53


class Way(NamedTuple):
    """Somebody may talk to a port of somebody else."""

    caller: str
    called: str
    port: int


def policies_of(overlay: str, labels: Mapping[str, str], direction: str) -> Iterator[Object]:
    """The policies that choose pods with these labels and are about that direction."""
    for each in of_kind(overlay, "NetworkPolicy"):
        if chosen(each["spec"]["podSelector"], labels) and direction in each["spec"]["policyTypes"]:
            yield each["spec"]


def opened(ports: list[Object], port: int) -> bool:
    return any(each["port"] <= port <= (each.get("endPort") or each["port"]) for each in ports)


def lets(overlay: str, one: Workload, other: Workload, *, direction: str, port: int) -> bool:
    """Whether the policies of `one` let it talk with pods of `other`, in this namespace, at a port."""
    side = "from" if direction == "Ingress" else "to"
    return any(
        opened(rule["ports"], port)
        for policy in policies_of(overlay, one.labels, direction)
        for rule in policy.get(direction.lower(), ())
        for peer in rule[side]
        if "podSelector" in peer and "namespaceSelector" not in peer and chosen(peer["podSelector"], other.labels)
    )


def ways(overlay: str) -> set[Way]:
    """What is open from end to end: the caller's policies and the called one's agree."""
    every = workloads(overlay)
    return {
        Way(caller.name, called.name, port)
        for caller in every
        for called in every
        for port in called.ports.values()
        if caller.name != called.name
        and lets(overlay, caller, called, direction="Egress", port=port)
        and lets(overlay, called, caller, direction="Ingress", port=port)
    }


def asked(overlay: str) -> set[Way]:
    """What processes are told to talk to by their settings: Services of this namespace, and their pods' ports."""
    found = set()
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "Service")}
    for workload in workloads(overlay):
        if not workload.ours:
            continue
        own = set(listened(workload).values())
        for value in workload.environment().values():
            host, _, port = value.rpartition("//")[2].rpartition("@")[2].partition("?")[0].rpartition(":")
            if host in services and value not in own:
                (target,) = [each["targetPort"] for each in services[host]["ports"] if str(each["port"]) == port]
                (called,) = [
                    each
                    for each in workloads(overlay)
                    if chosen({"matchLabels": services[host]["selector"]}, each.labels)
                ]
                found.add(Way(workload.name, called.name, called.ports[target]))
    return found


@each_overlay
def test_all_that_processes_are_told_to_talk_to_is_open_and_nothing_else(overlay: str) -> None:
    policy = {
        Way("pilote-gateway", name, port)  # named by the policy, not by settings
        for name, port in (
            ("pilote-intake", 50062),
            ("pilote-crm", 50061),
            ("pilote-model-1", 50071),
            ("pilote-model-2", 50072),
            ("pilote-crm-connector", 50061),
        )
        if name in {each.name for each in workloads(overlay)}
    }
    shown = Way("pilote-control", "pilote-gateway", 50051)  # the console tells people where agents go
    assert ways(overlay) == asked(overlay) - {shown} | policy


@each_overlay
def test_whoever_is_not_named_is_shut_off(overlay: str) -> None:
    nobody = named(overlay, "NetworkPolicy", "pilote-nobody")["spec"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for each in of_kind(overlay, "NetworkPolicy"):
        rules = [*each["spec"].get("ingress", ()), *each["spec"].get("egress", ())]
        assert all((rule.get("from") or rule.get("to")) and rule["ports"] for rule in rules), each["metadata"]["name"]
        peers = [peer for rule in rules for peer in rule.get("from", rule.get("to"))]
        assert not any(peer.get("namespaceSelector") == {} or peer.get("podSelector") == {} for peer in peers)


@each_overlay
def test_every_port_that_a_policy_opens_is_one_that_its_pods_have(overlay: str) -> None:
    for workload in workloads(overlay):
        opens = {
            each["port"]
            for policy in policies_of(overlay, workload.labels, "Ingress")
            for rule in policy.get("ingress", ())
            for each in rule["ports"]
        }
        own = set(workload.ports.values())
        assert opens - {9464} <= own, workload.name
        # Probes are the kubelet's, which policies do not hold back; all else must be reached by somebody.
        silent = {port for name, port in workload.ports.items() if name in {"health", "probes"}}
        assert own - silent <= opens, workload.name


@each_overlay
def test_the_internet_is_open_to_those_who_go_there_and_only_by_tls_and_never_inside(overlay: str) -> None:
    outside = {}
    for each in of_kind(overlay, "NetworkPolicy"):
        for rule in each["spec"].get("egress", ()):
            for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
                outside[each["metadata"]["name"]] = {port["port"] for port in rule["ports"]}
                if each["metadata"]["name"] != "pilote-postgresql":
                    inside = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"}
                    assert inside <= set(block["except"]) or {"fc00::/7", "fe80::/10"} <= set(block["except"])
    own = {name for name in ("pilote-webhooks", "pilote-crm-connector") if named_there(overlay, name)}
    database = {"pilote-postgresql"} if overlay in {"prod", "everything"} else set()
    assert set(outside) == own | database
    assert all(outside[name] == {443} for name in own)


def named_there(overlay: str, name: str) -> bool:
    return name in {each.name for each in workloads(overlay)}


@each_overlay
def test_everybody_may_look_up_names_and_whoever_has_metrics_shows_them_to_those_who_scrape(overlay: str) -> None:
    for workload in workloads(overlay):
        names = [
            rule
            for policy in policies_of(overlay, workload.labels, "Egress")
            for rule in policy.get("egress", ())
            if opened(rule["ports"], DNS) and {each["protocol"] for each in rule["ports"]} == {"TCP", "UDP"}
        ]
        assert names, workload.name
        if "metrics" in workload.ports:
            peers: list[Any] = [
                peer
                for policy in policies_of(overlay, workload.labels, "Ingress")
                for rule in policy.get("ingress", ())
                if opened(rule["ports"], 9464)
                for peer in rule["from"]
            ]
            assert peers == [{"namespaceSelector": {"matchLabels": {"pilote.dev/scrapes": "true"}}}]


def volumes_of(workload: Workload) -> set[str]:
    return {each["name"] for each in workload.pod["volumes"]}


@each_overlay
def test_a_services_port_is_its_pods_and_says_what_is_spoken_there(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        (workload,) = [
            each for each in workloads(overlay) if chosen({"matchLabels": service["spec"]["selector"]}, each.labels)
        ]
        for each in service["spec"]["ports"]:
            assert workload.ports[each["targetPort"]] == each["port"]
            h2c = each["name"] in {"grpc", "otlp"} and "tls" not in volumes_of(workload)
            assert (each.get("appProtocol") == "kubernetes.io/h2c") is h2c
        if workload.ours:
            assert {each["port"] for each in service["spec"]["ports"]} <= set(map(port_of, listened(workload).values()))
