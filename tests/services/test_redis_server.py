"""Which server is started when nobody names one."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import inherited
from services import redis_server
from services.supervisor.probes import RedisAnswers
from tests.e2e.waiting import eventually


def _server(folder: Path, name: str, *, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "taken"),
    [
        ("Redis server v=8.0.2 sha=00000000:0", True),
        ("Redis server v=7.0.15 sha=00000000:0", True),
        ("Valkey server v=8.1.1 sha=00000000:0", True),
        ("Redis server v=6.0.16 sha=00000000:0", False),
        ("something else", False),
    ],
)
def test_a_server_on_path_is_taken_unless_it_is_too_old(tmp_path: Path, says: str, taken: bool) -> None:  # noqa: FBT001
    server = _server(tmp_path, "redis-server", says=says)

    assert redis_server._has_functions(str(server)) is taken


def test_what_is_found_is_a_server_that_runs() -> None:
    told = subprocess.run((redis_server.find(), "--version"), capture_output=True, text=True, check=True).stdout

    assert " server v=" in told


def test_a_socket_lies_at_home_or_where_its_path_is_short_enough(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)

    assert redis_server.socket_of(tmp_path) == tmp_path.resolve() / "redis.sock"
    assert len(str(redis_server.socket_of(deep))) <= redis_server.SOCKET_PATH_MAX
    assert redis_server.socket_of(deep) == redis_server.socket_of(deep)


async def test_it_starts_whatever_language_its_surroundings_speak(tmp_path: Path) -> None:
    environment = {**inherited(), "LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX.UTF-8"}
    command = (sys.executable, "-m", "services.redis_server", str(tmp_path))
    server = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
    answers = RedisAnswers(redis_server.url_of(tmp_path))

    async def ready() -> bool | None:
        assert server.returncode is None
        return await answers() or None

    try:
        assert await eventually(ready, what="an answer")
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            server.terminate()
        await server.wait()
