"""`pilote insights`: what somebody with a shell sees, and the process that looks by itself."""

import asyncio
import itertools
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from gateway.settings import inherited
from services.cli import app
from services.findings.finding import Finding
from services.findings.store import FindingStore
from services.supervisor.probes import GrpcServing
from tests.e2e.waiting import eventually
from tests.services.environment import UNSET
from tests.services.ports import free
from tests.services.workbench.calls import HOUR_MS, as_stored, calls
from tests.services.workbench.conftest import Log
from tests.services.workbench.test_drift import FIRST, refused, some


@pytest.fixture
async def drifted(log: Log) -> Log:
    """A log of the same two hours of seventeen days, the last of them just over: more calls were refused in them."""
    start_ms = (clock_ms() // HOUR_MS - FIRST - 2) * HOUR_MS
    hours = [hour for hour in range(FIRST) if hour % 24 < 2]
    before = calls(hours, seed=1, each=25, start_ms=start_ms, record=some)
    now = calls(range(FIRST, FIRST + 2), seed=2, each=300, start_ms=start_ms, record=refused)
    await log.add(as_stored(itertools.chain(before, now)))
    return log


def run(*arguments: str, log: Log, home: Path, url: str = "redis://127.0.0.1:1", lang: str = "en") -> Result:
    own = {"PILOTE_HOME": str(home), "PILOTE_REDIS_URL": url, "PILOTE_AUDIT_LISTEN": log.address, "PILOTE_LANG": lang}
    return CliRunner().invoke(app, ["insights", *arguments], env=UNSET | own)


async def test_the_log_is_looked_at_and_what_stands_out_is_shown_in_both_languages(
    drifted: Log, tmp_path: Path
) -> None:
    folder = tmp_path / "columns"
    said = await asyncio.to_thread(run, "look", "--folder", str(folder), log=drifted, home=tmp_path)
    assert said.exit_code == 0, said.stderr
    first, head, *rows = said.stdout.splitlines()
    assert first.endswith(" s.")
    assert head.split("\t") == ["what", "about", "value", "interval", "of", "decisions"]
    assert any("agent=sales-bot, version=score@1, measure=verdict" in row for row in rows)
    again = await asyncio.to_thread(run, "look", "--folder", str(folder), log=drifted, home=tmp_path, lang="fr")
    assert again.stdout.startswith("0 entrées du journal lues et examinées en ")
    as_json = await asyncio.to_thread(run, "look", "--json", "--folder", str(folder), log=drifted, home=tmp_path)
    assert "drift" in {each["kind"] for each in json.loads(as_json.stdout)}


async def test_what_is_seen_is_kept_where_somebody_wants_that(
    drifted: Log, tmp_path: Path, redis: Client, redis_url: str
) -> None:
    said = await asyncio.to_thread(run, "look", "--keep", log=drifted, home=tmp_path, url=redis_url)
    assert said.exit_code == 0, said.stderr
    assert "drift" in {each.seen.kind for each in await FindingStore(redis).all("acme")}


async def test_where_nothing_stands_out_that_is_said(log: Log, tmp_path: Path) -> None:
    said = await asyncio.to_thread(run, "look", log=log, home=tmp_path)
    assert (said.exit_code, "nothing stands out" in said.stdout) == (0, True)


async def test_the_process_finds_by_itself_says_that_it_is_well_and_ends_when_told_to(
    drifted: Log, tmp_path: Path, redis: Client, redis_url: str
) -> None:
    (port,) = free(1)
    own = {
        "PILOTE_HOME": str(tmp_path),
        "PILOTE_REDIS_URL": redis_url,
        "PILOTE_AUDIT_LISTEN": drifted.address,
        "PILOTE_METRICS_LISTEN": "off",
        "PILOTE_INSIGHTS_LISTEN": f"127.0.0.1:{port}",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "insights", "run"),
        env=inherited() | own,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:

        async def well() -> bool | None:
            return await GrpcServing(f"127.0.0.1:{port}")() or None

        async def seen() -> tuple[Finding, ...] | None:
            return await FindingStore(redis).all("acme") or None

        await eventually(well, what="a process that is well")
        assert "drift" in {each.seen.kind for each in await eventually(seen, what="findings")}
        taken = await asyncio.to_thread(run, "look", "--folder", str(tmp_path / "insights"), log=drifted, home=tmp_path)
        assert (taken.exit_code, "in use by another process" in taken.stderr) == (1, True)
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
