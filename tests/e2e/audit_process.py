"""The audit service as operators run it: a process of its own, that a test may kill, with its log and its metrics."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.settings import inherited
from services.audit.server import SERVICE
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY
from tests.scraping import scraped
from tests.services import command_line
from tests.services.ports import free


class AuditProcess:
    """`pilote audit`, and the commands of whoever runs it. `url` names a database; without one it keeps files."""

    def __init__(self, home: Path, *, redis_url: str, url: str = "", **settings: str) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (home / "pseudonym.key").write_bytes(KEY)
        port, self._metrics_port = free(2)
        self.address = f"127.0.0.1:{port}"
        self.settings = {
            "PILOTE_HOME": str(home),
            "PILOTE_REDIS_URL": redis_url,
            "PILOTE_AUDIT_LISTEN": self.address,
            "PILOTE_METRICS_LISTEN": f"127.0.0.1:{self._metrics_port}",
            "PILOTE_PSEUDONYM_KEY_FILE": str(home / "pseudonym.key"),
            "PILOTE_LANG": "en",
            **({"PILOTE_AUDIT_URL": url} if url else {}),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; does not wait."""
        with (self.home / "audit.log").open("ab") as log:
            command = (sys.executable, "-m", "services.cli", "audit")
            self._process = subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """A block in which it takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # The signal is on its way only: a thread on another core may still answer a call.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it as it should be ended; returns its exit code."""
        return self._end(signal.SIGTERM)

    def said(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = (self.home / "audit.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    async def health(self, service: str = SERVICE) -> str:
        """What its health service says; empty where nobody answers."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(self.address, options=options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            with contextlib.suppress(grpc.aio.AioRpcError):
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
                return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
        return ""

    async def until_it_is(self, health: str, *, within: float = 30.0) -> None:
        """Wait until its health service says so."""

        async def look() -> bool | None:
            return await self.health() == health or None

        await eventually(look, what=f"{health} at {self.address}", within=within)

    async def metric(self, name: str) -> float:
        """The value of a metric that has one; -1 while there is none."""
        with contextlib.suppress(aiohttp.ClientError):
            samples = (await scraped(self._metrics_port)).of(name)
            return float(samples[0].value) if samples else -1.0
        return -1.0

    async def run(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """A command with its settings, and others: exit code and what it says on both streams."""
        environment = self._environment() | settings
        done = await asyncio.to_thread(command_line.pilote, *arguments, environment=environment)
        return done.returncode, done.stdout, done.stderr

    def _environment(self) -> dict[str, str]:
        others = {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")}
        return others | self.settings

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait()
        self._process = None
        return code
