"""The small overlay without a cluster: each container's command as a process of this machine, as its manifest says.

What a cluster would do is done here by the manifests alone: names of Services become addresses by their selectors and
ports, Secrets and ConfigMaps become variables and files, probes are asked as they are written, and SIGTERM ends a pod
within its grace period. Where the system lets us (`unshare`), each process can write to its volumes alone.
What is not here: the image, its user, policies between pods, and the kubelet.
"""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gateway.certificates import FILES, Certificates
from gateway.rpc.server_tls import grpc_credentials
from gateway.settings import inherited
from services import redis_server
from services.supervisor.probes import GrpcServing, HttpOk, Probe
from tests.e2e.waiting import eventually
from tests.fakes.certificates import Authority
from tests.fakes.collector import Collector, collecting
from tests.k8s.workloads import Workload, chosen, named, of_kind, secret, workloads
from tests.services.ports import free

WITHIN_SECONDS: Final = 240
"""A dozen processes start at once, on two cores that have other things to do."""
_PAUSE_SECONDS: Final = 0.25
_READ_ONLY: Final = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount --bind "$2" "$2" && mount -o remount,bind,ro / &&
cd "$1" && shift 2 && exec "$@"
"""
"""Two folders that can be written to, and a command that can write to no other."""
_UNSHARED: Final = ("unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", _READ_ONLY, "sh")


class Machine:
    """Where containers find each other, and their files."""

    def __init__(self, folder: Path, *, overlay: str = "dev", only: Collection[str] = ()) -> None:
        """`only` are the containers to run, else all of the overlay."""
        self.folder = folder
        self.overlay = overlay
        ours = {each.name: each for each in workloads(overlay) if each.container["image"].startswith("pilote:")}
        self.pods = {name: each for name, each in ours.items() if name in only or not only}
        self.authorities = {
            each["spec"]["secretName"]: Authority(each["spec"]["commonName"])
            for each in of_kind(overlay, "Certificate")
            if each["spec"].get("isCA")
        }
        """Those that cert-manager would make, by their Secrets."""
        every = [(name, port) for name, each in self.pods.items() for port in each.ports.values()]
        self._ports = dict(zip(every, free(len(every)), strict=True))
        self.collector = "127.0.0.1:9"
        """Address of what takes spans and metrics; nobody's, until there is one."""

    def port(self, name: str, port: int) -> int:
        """The port of this machine that is a container's."""
        return self._ports[name, port]

    def text(self, name: str, value: str) -> str:
        """A text of a container's, with the addresses and folders of this machine."""
        value = value.replace("pilote-otel-collector:4317", self.collector)
        for service in of_kind(self.overlay, "Service"):
            for each in service["spec"]["ports"]:
                for pod in self.pods.values():
                    if chosen({"matchLabels": service["spec"]["selector"]}, pod.labels):
                        here = f"127.0.0.1:{self.port(pod.name, pod.ports[each['targetPort']])}"
                        value = re.sub(rf"\b{service['metadata']['name']}:{each['port']}\b", here, value)
        own = self.pods[name].ports.values()
        for port in own:
            value = value.replace(f"0.0.0.0:{port}", f"127.0.0.1:{self.port(name, port)}")
            if port - 1 not in own:  # told where the first model listens, each further one takes the next port
                value = value.replace(f"0.0.0.0:{port - 1}", f"127.0.0.1:{self.port(name, port) - 1}")
        mounted = {each["mountPath"]: each["name"] for each in self.pods[name].container["volumeMounts"]}
        at = next((path for path in mounted if value == path or value.startswith(f"{path}/")), None)
        return value if at is None else f"{self.folder / name / mounted[at]}{value.removeprefix(at)}"

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a container."""
        own = {key: self.text(name, value) for key, value in self.pods[name].environment().items()}
        return {
            "PATH": inherited().get("PATH", ""),
            "HOME": str(self.home(name)),
            "PYTHONPATH": _path(),
            "TMPDIR": f"{self.folder / name / 'tmp'}",
            **own,
        }

    def shut(self, name: str) -> list[str]:
        """What comes before a container's command to let it write to its volumes alone; empty where nobody may."""
        prefix = [*_UNSHARED, str(self.home(name)), str(self.folder / name / "tmp")]
        with contextlib.suppress(FileNotFoundError):
            tried = subprocess.run(
                [*prefix, "/bin/sh", "-c", f"! touch {self.folder}/x"], capture_output=True, check=False
            )
            return prefix if tried.returncode == 0 else []
        return []

    def home(self, name: str) -> Path:
        """The folder that is a container's volume."""
        return self.folder / name / "home"

    def fill(self, name: str) -> None:
        """Make the volumes of a container."""
        for volume in self.pods[name].pod.get("volumes", ()):
            folder = self.folder / name / volume["name"]
            folder.mkdir(parents=True)
            if "secret" in volume:
                held = self.held(volume["secret"]["secretName"])
                items = volume["secret"].get("items") or [{"key": key, "path": key} for key in held]
                for item in items:
                    (folder / item["path"]).write_bytes(held[item["key"]])
        self.home(name).mkdir(parents=True, exist_ok=True)

    def held(self, name: str) -> Mapping[str, bytes]:
        """What a Secret holds: the overlay's own, or one that cert-manager makes of a Certificate, anew each time."""
        if (found := secret(self.overlay, name)) is not None:
            return found
        (of,) = [each["spec"] for each in of_kind(self.overlay, "Certificate") if each["spec"]["secretName"] == name]
        authority = self.authorities.get(name)
        if authority is None:
            issuer = named(self.overlay, "Issuer", of["issuerRef"]["name"])
            authority = self.authorities[issuer["spec"]["ca"]["secretName"]]
        with tempfile.TemporaryDirectory() as folder:
            names: list[str] = [*of.get("dnsNames", ("authority",)), *of.get("ipAddresses", ())]
            authority.folder(Path(folder), host=names[0], also=names[1:])
            return {name: (Path(folder) / name).read_bytes() for name in FILES}

    def command(self, name: str) -> list[str]:
        """What a container runs."""
        pod = self.pods[name]
        if pod.ours:
            return [sys.executable, "-m", "services.cli", *pod.container["args"]]
        (file,) = pod.container["args"]
        config = Path(self.text(name, file))
        for before, after in (
            ("bind 0.0.0.0", "bind 127.0.0.1"),
            ("port 6379", f"port {self.port(name, 6379)}"),
            ("dir /var/lib/pilote", f"dir {self.home(name)}"),
        ):
            text = config.read_text(encoding="utf-8")
            assert before in text
            config.write_text(text.replace(before, after), encoding="utf-8")
        assert pod.container["command"] == ["valkey-server"]
        return [str(redis_server.find()), str(config)]

    def probe(self, name: str, kind: str) -> Probe:
        """A probe of a container."""
        probe = self.pods[name].container[kind]
        asked = probe.get("grpc") or probe.get("httpGet") or probe["tcpSocket"]
        port = self.port(name, asked["port"])
        if "grpc" in probe:
            return GrpcServing(f"127.0.0.1:{port}", service=asked.get("service", ""))
        if "httpGet" in probe:
            return HttpOk(port, path=asked["path"])
        return lambda: _open(port)


@contextlib.asynccontextmanager
async def collected(machine: Machine) -> AsyncIterator[Collector]:
    """What takes spans and metrics in place of the collector, with the certificate that the collector would have."""
    credentials = None
    if machine.authorities:
        folder = machine.folder / "collector"
        folder.mkdir()
        for name, content in machine.held("pilote-otel-collector-tls").items():
            (folder / name).write_bytes(content)
        credentials = grpc_credentials(Certificates(folder), callers="processes")
    async with collecting(credentials) as collector:
        machine.collector = collector.endpoint.rpartition("//")[2]
        yield collector


class Pod(NamedTuple):
    """A container that runs."""

    workload: Workload
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def running(machine: Machine) -> AsyncIterator[Mapping[str, Pod]]:
    """All containers of the overlay, started at once as a cluster does; what is left is killed in the end."""
    pods: dict[str, Pod] = {}
    try:
        for name, workload in machine.pods.items():
            machine.fill(name)
            log = (machine.folder / f"{name}.log").open("wb")
            process = await asyncio.create_subprocess_exec(
                *machine.shut(name),
                *machine.command(name),
                env=machine.environment(name),
                cwd=machine.home(name),
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
            pods[name] = Pod(workload, process)
            log.close()
        for name, pod in pods.items():
            for kind in ("startupProbe", "livenessProbe"):
                await _said_yes(machine, name, pod, kind)
        yield pods
    finally:
        for pod in pods.values():
            if pod.process.returncode is None:
                pod.process.kill()
                await pod.process.wait()


async def ready(machine: Machine, pods: Mapping[str, Pod]) -> None:
    """Wait until each container says that it may be asked."""
    for name, pod in pods.items():
        await _said_yes(machine, name, pod, "readinessProbe")


async def ended(pods: Mapping[str, Pod]) -> dict[str, int | None]:
    """End all as a cluster does; the exit code of each, `None` for one that its grace period would have cut short."""
    for pod in pods.values():
        pod.process.send_signal(signal.SIGTERM)

    async def of(pod: Pod) -> int | None:
        grace = pod.workload.pod["terminationGracePeriodSeconds"]
        pause = pod.workload.container["lifecycle"]["preStop"]["sleep"]["seconds"]
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(pod.process.wait(), grace - pause)
        return None

    return dict(zip(pods, await asyncio.gather(*map(of, pods.values())), strict=True))


async def _said_yes(machine: Machine, name: str, pod: Pod, kind: str) -> None:
    ask = machine.probe(name, kind)

    async def look() -> bool | None:
        if pod.process.returncode is not None:
            raise AssertionError(f"{name} ended: {(machine.folder / f'{name}.log').read_text('utf-8')[-2000:]}")
        yes = await ask()
        if not yes:
            await asyncio.sleep(_PAUSE_SECONDS)  # to be asked takes what they need to start
        return yes or None

    await eventually(look, what=f"{kind} of {name}", within=WITHIN_SECONDS)


async def _open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _path() -> str:
    """Where a process of ours finds our packages: where this one does."""
    return ":".join(filter(None, sys.path))
