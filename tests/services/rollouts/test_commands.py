"""`pilote rollouts` on the command line, in both languages."""

import asyncio
import getpass
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.rollouts.tables import Words
from tests.services.rollouts.conftest import HOUR_MS, Stage, up
from tests.services.test_cli import _run


async def test_a_rollout_that_is_not_over_is_named_with_its_reason(stage: Stage) -> None:
    await stage.publish(up())
    words = {language: Words(language=language) for language in ("en", "fr")}
    assert words["en"].unsettled((await stage.rollout(),)) == ()
    await stage.do("start")
    await stage.do("pause")
    paused = (await stage.rollout(),)
    assert words["en"].unsettled(paused) == ("Rollout up: paused, 1% of crm. Somebody has paused it: because",)
    assert words["fr"].unsettled(paused) == (
        "Déploiement up : en pause, 1\u202f% de crm. Quelqu’un l’a mis en pause : because",
    )
    await stage.do("abort")
    assert words["en"].unsettled((await stage.rollout(),)) == ()


async def test_the_command_line_lists_shows_and_moves_rollouts(stage: Stage, redis_url: str, tmp_path: Path) -> None:
    settings = {"PILOTE_REDIS_URL": redis_url, "PILOTE_AUDIT_LISTEN": f"127.0.0.1:{stage.sums.port}"}

    async def told(*arguments: str, language: str = "en", code: int = 0) -> str:
        run: Callable[..., Any] = _run
        done = await asyncio.to_thread(run, "rollouts", *arguments, home=tmp_path, PILOTE_LANG=language, **settings)
        assert done.returncode == code, done.stderr
        return str(done.stdout or done.stderr)

    assert "pilote apply FILE" in await told("list", code=1)
    await stage.publish()
    assert "aucun déploiement progressif" in await told("list", language="fr", code=1)
    await stage.publish(up())
    assert (await told("list")).splitlines()[1].split("\t")[:5] == ["up", "pending", "1 / 5", "0%", "new"]
    assert "Missing option" in await told("start", "up", code=2)
    assert await told("start", "up", "--reason", "try it") == "Revision 3: up is running; its candidate serves 1%.\n"

    stage.now_ms = time.time_ns() // 1_000_000
    began = {"state": "running", "since_ms": stage.now_ms - 2 * HOUR_MS, "cause": "started", "reason": "try it"}
    await stage.publish(up(**began))
    await stage.people(600_000)
    shown = await told("show", "up")
    assert "up: running, step 1 of 5; new serves 1% of the route crm, since 20" in shown
    assert "error_rate\tguardrail\t2.00%\t2.00%\t0.00 pp (" in shown
    assert "\t1.00 pp\t6000 / 594000\tnot worse" in shown
    assert "Somebody has started it: try it" in shown
    assert "The controller is about to move it" in shown
    french = await told("show", "up", language="fr")
    assert "pas moins bon" in french
    assert "rien de prouvé encore" in french
    found = json.loads(await told("show", "up", "--json"))
    assert found["judged"]["lines"][1]["proof"] == "NO_HARM"

    await told("pause", "up", "--reason", "look first")
    assert "resume up, or abort up" in await told("show", "up")
    await told("resume", "up", "--reason", "fine")
    assert "The step lasts until" in await told("show", "up")
    await told("abort", "up", "--reason", "enough", "--by", "ada")
    assert (await stage.rollout()).state == "rolled_back"
    assert "there is nothing to take back" in await told("abort", "up", "--reason", "again", code=1)
    last_number = await stage.store.active()
    last = await stage.store.read(last_number)
    assert last is not None
    assert (last.author, last.reason) == ("ada", "up: enough")
    resumed = await stage.store.read(last_number - 1)
    assert resumed is not None
    assert resumed.author == getpass.getuser()
