"""A whole governed stack on this machine, on ports and in a folder of its own: what `make load` puts load on.

One store, the embedded CRM, two versions of a model, the audit service, gateways and the front for agents. Each runs in
a process that was started here, and only those are ever stopped, killed or slowed down.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Final

import grpc
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis import Redis
from redis.exceptions import RedisError

from loadtests.governed import free_port
from loadtests.locusts import setting_up
from loadtests.locusts.acting import Act
from loadtests.locusts.delaying import Delay, delaying
from loadtests.processes import Process, ProcessFailed, pilote, python
from services.demo.data import DemoContact

SLOW_S: Final = 0.3
_START_S: Final = 60.0


class Stack:
    """A running stack; made by `running`."""

    def __init__(self, home: Path, *, gateways: int, first_port: int | None = None) -> None:
        self.home: Final = home
        self.keys: Final = setting_up.fresh_keys()
        self.keys_file: Final = home / "keys.json"
        self.control: Final = home / "acts.sock"
        self._names = [f"gateway-{number}" for number in range(1, gateways + 1)]
        names = ("crm", "crm-itself", "intake", "lead-score-1", "lead-score-2", "audit", "agents", *self._names)
        self._ports = {
            name: free_port() if first_port is None else first_port + number for number, name in enumerate(names)
        }
        self._running: dict[str, Process] = {}
        self._delay = Delay()
        self._swaps = 0
        self._memory_mb = 0.0
        self._stack = contextlib.ExitStack()

    @property
    def gateways(self) -> str:
        """Their addresses, parted by commas."""
        return ",".join(self.address(name) for name in self._names)

    @property
    def acts(self) -> Mapping[str, Act]:
        """What scenarios may ask for."""
        return {
            "kill-store": self._kill_store,
            "start-store": self._start_store,
            "slow-crm": lambda: self._slow(SLOW_S),
            "quick-crm": lambda: self._slow(0.0),
            "swap-revision": self._swap,
            "remember-memory": self._remember_memory,
            "tell-memory": self._tell_memory,
        }

    def address(self, name: str) -> str:
        """Where one of its processes listens."""
        return f"127.0.0.1:{self._ports[name]}"

    def start(self, people: Sequence[DemoContact]) -> None:
        """Start everything, apply the policy, and let it know these people.

        Raises:
            ProcessFailed: something does not come up.
        """
        self._start_store()
        # What gateways and CRM have between them: it only delays when it is told to.
        self._delay = self._stack.enter_context(delaying(self._ports["crm"], to_port=self._ports["crm-itself"]))
        self._start("crm-itself", "crm", PILOTE_CRM_LISTEN=self.address("crm-itself"))
        for version in ("1", "2"):
            listen = f"127.0.0.1:{self._ports[f'lead-score-{version}'] - int(version) + 1}"
            self._start(f"lead-score-{version}", "models", "--version", version, PILOTE_MODELS_LISTEN=listen)
        self._start("audit", "audit", PILOTE_AUDIT_LISTEN=self.address("audit"))
        self._apply()
        (self.home / "facts.jsonl").write_bytes(setting_up.facts_file(people))
        self._run("facts", "import", str(self.home / "facts.jsonl"))
        for name in self._names:
            self._start(name, "gateway", PILOTE_GATEWAY_LISTEN=self.address(name))
        front = {"PILOTE_AGENTS_LISTEN": self.address("agents"), "PILOTE_AGENTS_GATEWAY": self.address(self._names[0])}
        self._start("agents", "agents", **front)
        self.keys_file.write_text(json.dumps(self.keys), encoding="utf-8")
        self.keys_file.chmod(0o600)
        for name in ("crm-itself", "lead-score-1", "lead-score-2", "audit", *self._names):
            self._until_serving(name)
        self._until_governing()

    def bring_in(self, people: Sequence[DemoContact]) -> None:
        """Create people whom it knows, and their deals, in the CRM, through a gateway.

        Raises:
            grpc.RpcError: a call was refused.
        """
        setting_up.bring_in(people, gateway=self.address(self._names[0]), key=self.keys[setting_up.IMPORTER])

    def stop(self) -> None:
        """Stop what runs, callers first."""
        for name in reversed(tuple(self._running)):
            self._running.pop(name).stop()
        self._stack.close()

    def _start_store(self) -> Mapping[str, float]:
        home = self.home / "redis"
        self._running["store"] = Process(
            python("services.redis_server", str(home)),
            core=None,
            log=self._log("store"),
            environment=self._settings,
            quiet=True,
        )
        until = time.monotonic() + _START_S
        with Redis.from_url(self._settings["PILOTE_REDIS_URL"]) as redis:
            while True:
                with contextlib.suppress(RedisError, OSError):
                    redis.ping()
                    return {}
                self._running["store"].check()
                if time.monotonic() > until:
                    raise self._running["store"].failure()
                Event().wait(0.05)

    def _kill_store(self) -> Mapping[str, float]:
        """As a power cut would."""
        self._running.pop("store").kill()
        return {}

    def _slow(self, seconds: float) -> Mapping[str, float]:
        self._delay.seconds = seconds
        return {}

    def _swap(self) -> Mapping[str, float]:
        self._apply()
        return {}

    def _apply(self) -> None:
        self._swaps += 1
        addresses = {name: self.address(name) for name in ("crm", "intake", "lead-score-1", "lead-score-2")}
        note = f"What load is put on, number {self._swaps}."
        document = setting_up.policy(addresses, keys=self.keys, note=note)
        file = self.home / f"policy-{self._swaps}.yaml"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        self._run("apply", str(file))

    def _remember_memory(self) -> Mapping[str, float]:
        self._memory_mb = self._gateways_mb()
        return {}

    def _tell_memory(self) -> Mapping[str, float]:
        return {"memory_growth_percent": (self._gateways_mb() / self._memory_mb - 1) * 100}

    def _gateways_mb(self) -> float:
        return sum(self._running[name].rss_mb() for name in self._names)

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "PILOTE_HOME": str(self.home),
            "PILOTE_REDIS_URL": f"unix://{self.home / 'redis' / 'redis.sock'}",
            "PILOTE_AUDIT_LISTEN": self.address("audit"),
            "PILOTE_METRICS_LISTEN": "off",
            "PILOTE_CALL_LOG": "none",
            "PILOTE_LANG": "en",
            # A busy neighbour of the store must not turn into refused calls.
            "PILOTE_STORE_TIMEOUT_MS": "1000",
        }

    def _start(self, name: str, *arguments: str, **settings: str) -> None:
        self._running[name] = Process(
            pilote(*arguments), core=None, log=self._log(name), environment=self._settings | settings, quiet=True
        )

    def _run(self, *arguments: str) -> None:
        log = self._log(arguments[0])
        with Process(pilote(*arguments), core=None, log=log, environment=self._settings, quiet=True) as process:
            process.wait(_START_S)

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def _until_serving(self, name: str) -> None:
        request = health_pb2.HealthCheckRequest()
        until = time.monotonic() + _START_S
        while True:
            options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
            channel = grpc.insecure_channel(self.address(name), options=options)
            with channel, contextlib.suppress(grpc.RpcError):
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=1)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            self._running[name].check()
            if time.monotonic() > until:
                raise self._running[name].failure()
            Event().wait(0.05)

    def _until_governing(self) -> None:
        """Until every gateway has the policy: it answers a read of one who is not there."""
        until = time.monotonic() + _START_S
        for name in self._names:
            with grpc.insecure_channel(self.address(name)) as channel:
                read: Any = channel.unary_unary("/pilote.crm.v1.ContactService/ListContacts")
                while True:
                    try:
                        read(b"", metadata=(("x-api-key", self.keys["research-bot"]),), timeout=5)
                    except grpc.RpcError as error:
                        if time.monotonic() > until:
                            raise ProcessFailed(f"{name} lets no call through: {error}") from error
                        Event().wait(0.1)
                    else:
                        break


@contextlib.contextmanager
def running(
    home: Path, *, gateways: int, people: Sequence[DemoContact], first_port: int | None = None
) -> Iterator[Stack]:
    """A stack until the block ends. `home` is short: a Unix socket's path has 107 bytes.

    It takes `7 + gateways` ports from `first_port` on, or any that are free.

    Raises:
        ProcessFailed: something does not come up.
    """
    stack = Stack(home, gateways=gateways, first_port=first_port)
    try:
        stack.start(people)
        yield stack
    finally:
        stack.stop()
