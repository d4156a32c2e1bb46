"""`pilote doctor`, as an operator uses it: with nothing running, with what it needs, and with secrets in its way."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import clock_ms
from gateway.redis_clients import connected
from gateway.settings import Settings
from services.doctor.examining import examine
from services.doctor.observing import Grade
from tests.e2e.policy import policy
from tests.e2e.world import World, auditing
from tests.fakes.certificates import Authority
from tests.fakes.upstream import fake_upstream
from tests.services import command_line, ports
from tests.stores import RedisProcess

pytestmark = pytest.mark.one_server


def nowhere() -> dict[str, str]:
    """Addresses at which nothing listens."""
    names = ("gateway", "audit", "rollouts", "webhooks", "insights", "control", "agents", "intake")
    free = ports.free(len(names))
    return {f"{name}_listen": f"127.0.0.1:{port}" for name, port in zip(names, free, strict=True)}


async def doctor(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What `pilote doctor` answers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    environment |= {"PILOTE_HOME": str(home), "PILOTE_LANG": "en", "COLUMNS": "200"}
    environment |= {f"PILOTE_{name.upper()}": value for name, value in (nowhere() | settings).items()}
    return await asyncio.to_thread(command_line.pilote, "doctor", *arguments, environment=environment)


async def test_it_works_with_certificates_that_stop_every_other_command(tmp_path: Path) -> None:
    ended = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    folder = Authority().folder(tmp_path / "tls", host="127.0.0.1", ends=ended)
    (folder / "tls.key").chmod(0o600)
    files = {"tls_dir": str(folder), "tls_clients_file": str(folder / "ca.crt")}
    done = await doctor(tmp_path / "home", "--json", redis_url="redis://127.0.0.1:1", **files)
    assert (done.returncode, done.stderr) == (2, "")
    seen = [each for each in json.loads(done.stdout)["observations"] if each["part"] == "certificates"]
    settings = {each["values"]["setting"]: each["grade"] for each in seen if each["grade"] == "bad"}
    assert settings == {"PILOTE_TLS_DIR": "bad"}
    assert "PILOTE_TLS_CLIENTS_FILE" in done.stdout


async def test_it_works_when_everything_is_down_and_makes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = await doctor(
        home, redis_url="redis://boss:swordfish@127.0.0.1:1", audit_url="postgresql://r:swordfish@127.0.0.1:1/d"
    )
    assert done.returncode == 2, done.stderr
    assert "The store does not answer." in done.stdout
    assert "The database of decisions does not answer." in done.stdout
    assert "No process of Pilote answers" in done.stdout
    assert "swordfish" not in done.stdout + done.stderr
    assert not home.exists()
    french = await doctor(home, redis_url="redis://127.0.0.1:1", lang="fr")
    assert "Le stockage ne répond pas." in french.stdout


async def test_a_wrong_password_is_told_as_json_and_not_shown(own_redis: RedisProcess, tmp_path: Path) -> None:
    async with await connected(own_redis.url) as redis:
        await redis.config_set("requirepass", "another")
    done = await doctor(tmp_path, "--json", redis_url=own_redis.url.replace("unix://", "unix://:swordfish@"))
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 2
    store = [each for each in told["observations"] if each["part"] == "store"]
    assert [(each["what"], each["grade"]) for each in store] == [("store-denied", "bad")]
    assert "swordfish" not in done.stdout + done.stderr
    assert "another" not in done.stdout + done.stderr


async def test_where_a_gateway_and_an_audit_service_run_all_of_the_store_is_well(
    own_redis: RedisProcess, tmp_path: Path
) -> None:
    async with (
        contextlib.AsyncExitStack() as stack,
        await connected(own_redis.url) as redis,
        fake_upstream() as upstream,
        auditing(own_redis.url, tmp_path / "audit") as auditor,
    ):
        world = World(redis, own_redis.url, tmp_path, stack)
        running = await world.gateway()
        number = await world.publish(policy(upstream.address))
        await world.run_by("gateway", number)
        here = nowhere() | {"gateway_listen": f"127.0.0.1:{running.port}", "audit_listen": auditor.address}
        settings = Settings(home=tmp_path / "audit", store_timeout_ms=10_000, **here)  # type: ignore[arg-type]
        found = await examine(settings, redis_url=own_redis.url, now_ms=clock_ms())
        wrong = {each.what for each in found if each.grade is not Grade.GOOD}
        # Of the other processes none runs here, and the folder was made by the test.
        assert wrong <= {"processes-silent", "home-open", "disk-full"}
        assert {"gateways-agree", "streams-stored", "data-current", "clock-store"} <= {each.what for each in found}
