"""What agents are to achieve, on the command line."""

import asyncio
import json
from pathlib import Path

import yaml
from typer.testing import CliRunner

from gateway.adapters.progress import ObjectiveStore
from gateway.redis_clients import Client
from services.cli import app
from tests.e2e.test_objectives import GUARDED, HALF, objective
from tests.policies import policy
from tests.services.environment import UNSET


async def test_objectives_are_listed_and_shown_with_interval_guardrails_and_how_to_find_their_decisions(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    async def run(*arguments: str, lang: str = "en", fails: bool = False) -> str:
        own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": redis_url, "PILOTE_LANG": lang}
        found = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=UNSET | own)
        assert (found.exit_code != 0) == fails, found.output
        return found.stderr if fails else found.stdout

    async def publish(**sections: object) -> None:
        file = tmp_path / "policy.yaml"
        file.write_text(yaml.safe_dump(policy(**sections)), encoding="utf-8")
        await run("apply", str(file))

    assert "pilote apply FILE" in await run("objectives", "list", fails=True)
    await publish()
    assert (await run("objectives", "list")).startswith("No objective is stated")
    assert "n’est énoncé" in await run("objectives", "show", "spring", lang="fr", fails=True)
    nps = objective("quiet", campaign="other", kpi="nps", target=40)
    await publish(objectives=[objective("spring", **GUARDED), nps])
    await ObjectiveStore(redis).put("acme", {"spring": HALF})

    head, quiet, spring = (line.split("\t") for line in (await run("objectives", "list")).splitlines())
    assert head[0] == "objective"
    assert (quiet[0], quiet[3]) == ("quiet", "not worked out yet")
    nb = "\N{NO-BREAK SPACE}"
    assert spring[2:4] == ["Conversion: at least 5%", "2.5% (2% to 3%), n = 4,000"]
    assert spring[-1] == "Opt-outs"
    assert await run("objectives", "list", "--tenant", "globex") == await run("objectives", "list", "--tenant", "none")

    told = await run("objectives", "show", "spring", lang="fr")
    for each in ("titre : Offre d’été", f"2,5{nb}% (de 2{nb}% à 3{nb}%)", "franchi", "18 sur 20"):
        assert each in told.replace("\N{NARROW NO-BREAK SPACE}", " ").replace(f"{nb}:", " :")
    assert "pilote decisions list 'objective = \"spring\"'" in told
    one = json.loads(await run("objectives", "show", "spring", "--json"))
    assert (one["name"], one["value"], one["guardrails"][0]["breached"]) == ("objectives/spring", 0.025, True)
    assert [each["name"] for each in json.loads(await run("objectives", "list", "--json"))] == [
        "objectives/quiet", "objectives/spring",
    ]  # fmt: skip
    assert "There are: quiet, spring." in await run("objectives", "show", "summer", fails=True)
