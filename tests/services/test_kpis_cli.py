"""What copilots are judged by, on the command line."""

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from services.cli import app
from tests.services.cockpit.kept import keep
from tests.services.environment import UNSET


async def test_kpis_are_shown_with_intervals_in_both_languages(redis: Client, redis_url: str, tmp_path: Path) -> None:
    def run(*arguments: str, lang: str = "en", fails: bool = False) -> str:
        own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": redis_url, "PILOTE_LANG": lang}
        found = CliRunner().invoke(app, ["kpis", "--tenant", "acme", *arguments], env=UNSET | own)
        assert (found.exit_code != 0) == fails, found.output
        return found.stderr if fails else found.stdout

    assert (await asyncio.to_thread(run)).startswith("Nothing was worked out of these days yet")
    await keep(redis, last_day=clock_ms() // 86_400_000 - 1)
    english = await asyncio.to_thread(run)
    rows = [line.split("\t") for line in english.splitlines()]
    assert "amounts in EUR (1 USD = 0.92); intervals of 95%" in english
    assert any(row[0] == "Revenue" and row[1] == "11,200.00\xa0EUR" and "revised on" in row[-1] for row in rows)
    assert any(row[0] == "agent-few" and "insufficient (n = 0)" in row for row in rows)
    french = await asyncio.to_thread(run, "--by", "rule", lang="fr")
    assert "Pression perçue" in french
    assert "insuffisant" in french
    told = json.loads(await asyncio.to_thread(run, "--json"))
    assert told["whole"]["numbers"]["nps"]["n"] == 280
    assert "agent, version" in await asyncio.to_thread(run, "--by", "mood", fails=True)
    assert "2026-11-01" in await asyncio.to_thread(run, "--from", "soon", fails=True)
