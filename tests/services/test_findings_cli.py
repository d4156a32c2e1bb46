"""`pilote findings`, as people use it, on a store of its own."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from gateway.redis_clients import Client
from services.findings.changing import Wanted, changed
from services.findings.finding import State
from services.findings.store import FindingStore
from tests.services import command_line
from tests.services.findings.test_finding import seen

pytestmark = pytest.mark.one_server


async def test_findings_are_listed_shown_and_told_to_programs(redis: Client, redis_url: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")},  # noqa: TID251
        "PILOTE_HOME": str(tmp_path),
        "PILOTE_REDIS_URL": redis_url,
        "COLUMNS": "200",
    }

    async def pilote(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command_line.pilote, "findings", *arguments, environment=environment)

    assert (await pilote("--tenant", "acme")).stdout == "Nothing is wrong as far as anybody has looked.\n"
    store = FindingStore(redis)
    grave, slight = await store.see([seen(), seen(kind="novelty", size=0.1)], now_ms=1)
    await store.see([seen(kind="review", about=(("reviewer", "ada"), ("measure", "haste")))], now_ms=1)
    await store.write(changed(slight, Wanted(state=State.DISMISSED, text="as it is"), by="mona", now_ms=2))
    head, row = (await pilote("--tenant", "acme")).stdout.splitlines()
    assert head.split("\t")[:4] == ["finding", "tenant", "grade", "state"]
    assert row.split("\t")[:5] == [grave.id, "acme", "critical", "open", "Drift: agent sales-bot, measure latency"]
    told = [json.loads(line) for line in (await pilote("--tenant", "acme", "--all", "--json")).stdout.splitlines()]
    assert [(each["kind"], each["state"]) for each in told] == [("drift", "OPEN"), ("novelty", "DISMISSED")]
    shown = (await pilote("show", slight.id[:6], "--tenant", "acme")).stdout.splitlines()
    assert shown[1] == "minor, dismissed"
    assert shown[-1] == "1970-01-01 00:00:00Z  mona: state=DISMISSED  as it is"
    assert """pilote decisions list 'agent = "sales-bot"'""" in "\n".join(shown)
    missing = await pilote("show", "nothing", "--tenant", "acme")
    assert (missing.returncode, "There is no finding nothing" in missing.stderr.replace("\n", " ")) == (1, True)
