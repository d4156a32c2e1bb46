"""TLS in the cluster: whose certificate is made out to whom, and processes that run with what the manifests say."""

import asyncio
import ipaddress
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.certificates import FILES
from services.doctor.certificates import WARN_DAYS
from tests.e2e.waiting import eventually
from tests.fakes.tls_callers import answers, asked, context
from tests.k8s.one_machine import Machine, collected, ended, ready, running
from tests.k8s.rendering import Object
from tests.k8s.test_processes import listened, port_of
from tests.k8s.workloads import Workload, chosen, named, of_kind, workloads

with_tls = pytest.mark.parametrize("overlay", ["prod", "everything", "small-tls", "small-envoy"])
IN_METRICS: Final = "pilote-metrics"


def certificates(overlay: str) -> dict[str, Object]:
    """What each Certificate says, by the Secret that it becomes."""
    return {each["spec"]["secretName"]: each["spec"] for each in of_kind(overlay, "Certificate")}


def shown(workload: Workload) -> str:
    """The Secret with what its process shows."""
    (found,) = [each["secret"] for each in workload.pod["volumes"] if each["name"] == "tls"]
    assert "items" not in found
    return str(found["secretName"])


@with_tls
def test_each_process_shows_a_certificate_of_its_own_made_out_to_what_others_call_it(overlay: str) -> None:
    made, seen = certificates(overlay), set()
    for workload in workloads(overlay):
        if not workload.ours and workload.name != "pilote-otel-collector":
            assert workload.name == "pilote-store"  # the embedded one speaks no TLS
            continue
        secret = shown(workload)
        assert secret not in seen
        seen.add(secret)
        of = made[secret]
        services = {
            each["metadata"]["name"]
            for each in of_kind(overlay, "Service")
            if chosen({"matchLabels": each["spec"]["selector"]}, workload.labels)
        }
        names = {workload.name, *services, *({IN_METRICS} if "metrics" in workload.ports else ())}
        assert names <= set(of["dnsNames"])
        assert not {each for each in of["dnsNames"] if each.partition(".")[0] not in names}
        if workload.ours:
            assert "127.0.0.1" in of["ipAddresses"]  # where its own commands reach it
    others = {"pilote-prometheus-tls", "pilote-envoy-client"}
    authorities = {name for name, of in made.items() if of.get("isCA")}
    assert set(made) - seen - authorities <= others


@with_tls
def test_certificates_are_renewed_before_the_doctor_worries_and_are_for_both_sides(overlay: str) -> None:
    issuers = {each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "Issuer")}
    for name, of in certificates(overlay).items():
        before, lasts = (int(of[each].removesuffix("h")) for each in ("renewBefore", "duration"))
        assert WARN_DAYS * 24 <= before < lasts / 2
        if of.get("isCA"):
            assert of["usages"] == ["cert sign", "crl sign"]
            continue
        assert of["privateKey"]["rotationPolicy"] == "Always"
        assert "client auth" in of["usages"]
        own = issuers[of["issuerRef"]["name"]]["ca"]["secretName"]
        assert ("server auth" in of["usages"]) is (own == "pilote-authority") is (name != "pilote-envoy-client")


@with_tls
def test_no_pod_has_the_key_of_an_authority(overlay: str) -> None:
    authorities = {name for name, of in certificates(overlay).items() if of.get("isCA")}
    assert len(authorities) == 2
    for workload in workloads(overlay):
        for each in (volume["secret"] for volume in workload.pod["volumes"] if "secret" in volume):
            if each["secretName"] in authorities:
                assert [item["key"] for item in each["items"]] == ["ca.crt"]
            assert each["defaultMode"] == 0o440


@with_tls
def test_doors_ask_everybody_for_a_certificate_and_no_other_process_believes_callers(overlay: str) -> None:
    asking = {each.name for each in workloads(overlay) if each.ours and each.settings().tls_clients_file is not None}
    assert asking == {"pilote-gateway", "pilote-agents", "pilote-control", "pilote-intake"}


@pytest.mark.parametrize("overlay", ["prod", "everything"])
def test_prometheus_shows_a_certificate_and_believes_every_pod_by_one_name(overlay: str) -> None:
    (endpoint,) = named(overlay, "PodMonitor", "pilote")["spec"]["podMetricsEndpoints"]
    made, tls = certificates(overlay), endpoint["tlsConfig"]
    assert (endpoint["scheme"], tls["serverName"]) == ("https", IN_METRICS)
    references = (tls["ca"]["secret"], tls["cert"]["secret"], tls["keySecret"])
    assert [each["key"] for each in references] == ["ca.crt", "tls.crt", "tls.key"]
    assert {made[each["name"]]["issuerRef"]["name"] for each in references} == {"pilote-processes"}


@pytest.mark.parametrize("overlay", ["prod", "everything"])
def test_the_front_goes_on_by_tls_wherever_it_goes(overlay: str) -> None:
    believed = {}
    for each in of_kind(overlay, "BackendTLSPolicy"):
        for target in each["spec"]["targetRefs"]:
            believed[target["name"], target.get("sectionName")] = each["spec"]["validation"]["hostname"]
    gone_to = {
        (ref["name"], ref["port"])
        for each in of_kind(overlay, "GRPCRoute", "HTTPRoute")
        for rule in each["spec"]["rules"]
        for ref in rule.get("backendRefs", ())
        if ref.get("kind", "Service") == "Service"
    }
    assert gone_to
    for name, port in gone_to:
        (section,) = [each["name"] for each in named(overlay, "Service", name)["spec"]["ports"] if each["port"] == port]
        assert believed[name, section] == name
        assert name in certificates(overlay)[f"{name}-tls"]["dnsNames"]
    (proxy,) = of_kind(overlay, "EnvoyProxy")
    shows = certificates(overlay)[proxy["spec"]["backendTLS"]["clientCertificateRef"]["name"]]
    (ca,) = {
        each["spec"]["ca"]["secretName"]
        for each in of_kind(overlay, "Issuer")
        if each["metadata"]["name"] == shows["issuerRef"]["name"]
    }
    doors = [each for each in workloads(overlay) if each.name == "pilote-gateway"]
    assert {v["secret"]["secretName"] for v in doors[0].pod["volumes"] if v["name"] == "callers"} == {ca}


@pytest.mark.parametrize("overlay", ["dev", "small-tls", "prod"])
def test_the_collector_takes_tls_where_processes_send_by_it(overlay: str) -> None:
    (collector,) = [each for each in workloads(overlay) if each.name == "pilote-otel-collector"]
    (endpoint,) = {str(each.settings().otlp_endpoint) for each in workloads(overlay) if each.ours}
    added = [each for each in collector.container["args"] if each.startswith("--config=yaml:")]
    assert endpoint.startswith("https://") is bool(added)
    for each in added:
        path, _, said = each.removeprefix("--config=yaml:").partition(": ")
        assert path == "receivers::otlp::protocols::grpc::tls"
        assert [said.count(f"/etc/pilote/tls/{file}") for file in FILES] == [1, 1, 1]
        assert {"name": "tls", "mountPath": "/etc/pilote/tls", "readOnly": True} in collector.container["volumeMounts"]
        assert collector.pod["securityContext"]["fsGroup"] == collector.pod["securityContext"]["runAsUser"]


GATEWAY, AGENTS = "pilote-gateway", "pilote-agents"


@pytest.fixture(params=["small-tls", "small-envoy"])
async def machine(request: pytest.FixtureRequest) -> AsyncIterator[Machine]:
    """A gateway and the agents' front, each with the environment and the files that its manifest gives it."""
    with tempfile.TemporaryDirectory(prefix="m") as short:  # the paths of sockets end at 107 bytes
        machine = Machine(Path(short), overlay=request.param, only=("pilote-store", GATEWAY, AGENTS))
        async with collected(machine):
            yield machine


def folder(machine: Machine, name: str, secret: str) -> Path:
    """A certificate of cert-manager's, to show."""
    made = machine.folder / name
    made.mkdir()
    for file, content in machine.held(secret).items():
        (made / file).write_bytes(content)
    return made


async def test_processes_that_run_with_what_the_manifests_say_speak_tls_alone_and_tell_probes_so(
    machine: Machine,
) -> None:
    process = folder(machine, "process", "pilote-audit-tls")
    caller = _signed(machine, "pilote-callers-authority", trusts=process)
    stranger = _signed(machine, None, trusts=process)

    async def takes(port: int, tls: Any) -> bool:
        return await asyncio.to_thread(answers, port, tls)

    async with running(machine) as pods:
        # Every probe of each has said yes by now, but for readiness: the front has asked the gateway for it, by TLS.
        await ready(machine, pods)
        for name in (GATEWAY, AGENTS):
            workload = machine.pods[name]
            ports = {setting: machine.port(name, port_of(at)) for setting, at in listened(workload).items()}
            assert await takes(ports.pop("health_listen"), None)
            for setting, port in ports.items():
                door = setting != "metrics_listen"
                assert not await takes(port, None), (name, setting)
                assert not await takes(port, context(process, shows=None)), (name, setting)
                assert not await takes(port, context(process, shows=stranger)), (name, setting)
                assert await takes(port, context(process, shows=process)), (name, setting)
                assert await takes(port, context(process, shows=caller)) is door, (name, setting)
        await _renewed(machine, process)
        codes, left = await ended(pods), list((machine.folder / GATEWAY / "tmp").iterdir())
    assert codes == dict.fromkeys(pods, 0)
    assert left == []


@pytest.mark.integration
@pytest.mark.parametrize("machine", ["small-envoy"], indirect=True)
async def test_a_gateway_on_the_envoy_engine_ends_in_time_with_a_call_that_does_not(machine: Machine) -> None:
    process = folder(machine, "process", "pilote-audit-tls")
    pem = [(process / name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")]
    credentials = grpc.ssl_channel_credentials(*pem)
    async with running(machine) as pods:
        address = f"127.0.0.1:{machine.port(GATEWAY, 50051)}"
        async with grpc.aio.secure_channel(address, credentials) as channel:
            watching: Any = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
            codes = await ended({GATEWAY: pods[GATEWAY]})
    assert codes == {GATEWAY: 0}


async def _renewed(machine: Machine, process: Path) -> None:
    """Another certificate in the Secret is shown without a start."""
    port = machine.port(GATEWAY, 50051)
    mounted = machine.folder / GATEWAY / "tls"
    before = await asyncio.to_thread(asked, port, context(process, shows=process))
    for file, content in machine.held("pilote-gateway-tls").items():
        (mounted / f".{file}").write_bytes(content)
        (mounted / f".{file}").replace(mounted / file)
    wanted = x509.load_pem_x509_certificate((mounted / "tls.crt").read_bytes())
    names = wanted.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)

    async def another() -> bool | None:
        now = await asyncio.to_thread(asked, port, context(process, shows=process))
        return (now != before and now is not None and x509.load_der_x509_certificate(now) == wanted) or None

    await eventually(another, what="the new certificate")


def _signed(machine: Machine, authority: str | None, *, trusts: Path) -> Path:
    """A certificate for somebody outside, by one of the authorities or by one that nobody knows."""
    from tests.fakes.certificates import Authority

    signs = Authority("nobody knows it") if authority is None else machine.authorities[authority]
    made = signs.folder(machine.folder / f"of-{authority}", host="somebody")
    (made / "ca.crt").write_bytes((trusts / "ca.crt").read_bytes())
    return made
