"""The REST front does what its description says: schemathesis asks it everything, before a real CRM."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.settings import inherited
from tests.e2e.mcp_clients import crm, fronting
from tests.e2e.policy import allow_all, key_of, policy
from tests.e2e.world import World

SEED = "20261129"
FOLDER = Path(__file__).parent


@pytest.fixture
async def url(empty_world: World, tmp_path: Path) -> AsyncIterator[str]:
    """The front before a gateway before a real CRM, where every call is let through."""
    await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address, rules=[allow_all()]))
        async with fronting(empty_world) as port:
            yield f"http://127.0.0.1:{port}"


async def _asked(url: str, folder: Path, *, seconds: int) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")),
        *("run", f"{url}/openapi.json", "--seed", SEED, "--max-time", str(seconds)),
        cwd=folder,
        env=inherited()
        | {"PILOTE_TEST_KEY": key_of("sales-bot"), "PYTHONPATH": str(FOLDER), "SCHEMATHESIS_HOOKS": "written_lines"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.timeout(200)
async def test_everything_is_as_it_is_described(url: str, tmp_path: Path) -> None:
    code, said = await _asked(url, tmp_path, seconds=20)
    assert code == 0, said


@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_everything_is_as_it_is_described_for_longer(url: str, tmp_path: Path) -> None:
    code, said = await _asked(url, tmp_path, seconds=200)
    assert code == 0, said
