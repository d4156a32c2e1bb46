"""The interface does what its description says: schemathesis asks it everything, and finds nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import clock_ms
from gateway.settings import inherited
from services.control.access.accounts import Account
from services.control.access.rights import Right, Role
from services.findings.store import FindingStore
from tests.e2e.insiders import Inside, inside
from tests.e2e.world import HOLD_KEY, RECORD_KEY, REPLAY_KEY, Auditor, World
from tests.services.findings.test_finding import seen
from tests.services.vault.running import vault_running

SECONDS = [30, pytest.param(120, marks=pytest.mark.integration)]
"""How long it may ask."""
SEED = "20261128"
FOLDER = Path(__file__).parent


@pytest.fixture
async def house(world: World, auditor: Auditor, tmp_path: Path) -> AsyncIterator[Inside]:
    """A control plane beside a gateway, its records, their audit service and the vault."""
    keys = {"hold_keys": (HOLD_KEY,), "record_keys": (RECORD_KEY,), "replay_keys": (REPLAY_KEY,)}
    await FindingStore(world.redis).see([seen()], now_ms=clock_ms())
    async with (
        vault_running(tmp_path) as insights,
        inside(world.redis, world.redis_url, audit=auditor.address, insights=insights, **keys) as house,
    ):
        yield house


async def _token(house: Inside) -> str:
    """A token of somebody who may do everything."""
    await house.somebody("root", *Role)
    account = await house.access.accounts.read("root")
    assert isinstance(account, Account)
    scopes = tuple(right.value for right in Right)
    _, text = await house.access.tokens.make(account, name="all", scopes=scopes, now_ms=clock_ms())
    return text


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.timeout(400)  # the time it may ask, and to begin and end on a slow machine
async def test_everything_is_as_it_is_described(house: Inside, tmp_path: Path, seconds: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml")),
        *("run", f"{house.url}/schema/openapi.json", "--seed", SEED, "--max-time", str(seconds)),
        cwd=tmp_path,
        env=inherited() | {"PILOTE_TEST_TOKEN": await _token(house)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
