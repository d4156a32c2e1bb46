"""Programs get the weekly digest of the tenants that are theirs: as JSON, and as the files of the command line."""

import asyncio
import email
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.clock import clock_ms
from services.cli import app
from services.control.access.rights import Role
from services.digest.making import Digests
from services.digest.week import last_over
from tests.e2e.insiders import inside
from tests.e2e.policy import allow_all, policy
from tests.e2e.test_objectives import objective
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World
from tests.fakes.upstream import FakeUpstream
from tests.services.cockpit.kept import keep
from tests.services.environment import UNSET

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(300)]  # matplotlib looks for all fonts the first time


async def test_a_digest_is_got_as_json_and_as_the_very_files_of_the_command_line(
    world: World, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()], objectives=[objective("spring")]))
    await keep(world.redis, last_day=clock_ms() // 86_400_000 - 1, days=60)
    week = last_over(clock_ms()).name
    await Digests(world.redis).keep("acme", stated=(), now_ms=clock_ms())
    async with inside(world.redis, world.redis_url, audit=auditor.address) as house:
        zoe = await house.somebody("zoe", Role.COPILOT, tenant="acme")

        async def listed() -> list[dict[str, object]] | None:
            return (await zoe.ask("GET", "/v1/digests")).json()["digests"] or None

        assert await eventually(listed, what="the control plane goes by the policy") == [
            {"name": f"digests/acme/{week}", "tenant": "acme", "week": week, "kept": True}
        ]
        told = (await zoe.ask("GET", f"/v1/digests/acme/{week}", lang="fr")).json()
        assert (told["contacts"], told["contactsBefore"], told["kept"], told["currency"]) == (700, 700, True, "EUR")
        assert told["title"] == f"acme\N{NO-BREAK SPACE}: la semaine {week}"
        lines = {each["kpi"]: each for each in told["kpis"]}
        assert lines["activation_rate"]["proven"] == "open"
        assert lines["activation_rate"]["low"] < 0 < lines["activation_rate"]["high"]
        assert [each["rule"] for each in told["rules"]] == ["rule-one", "rule-few"]
        earlier = (await zoe.ask("GET", "/v1/digests/acme/2026-W01")).json()
        assert (earlier["kept"], earlier["contacts"]) == (False, 0)

        own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": world.redis_url, "PILOTE_LANG": "en"}
        files = {form: tmp_path / f"week.{form}" for form in ("html", "pdf", "eml")}
        asked = ["report", "week", "--tenant", "acme", "--lang", "fr"]
        asked += [word for form, file in files.items() for word in (f"--{form}", str(file))]
        made = await asyncio.to_thread(CliRunner().invoke, app, asked, env=UNSET | own)
        assert made.exit_code == 0, made.output
        for form, file in files.items():
            answer = await zoe.ask("GET", f"/v1/digests/acme/{week}/{form}?language=fr")
            assert answer.content == file.read_bytes(), form
            assert f"digest-{week}.{form}" in answer.headers["content-disposition"]
        assert email.message_from_bytes(files["eml"].read_bytes())["Content-Language"] == "fr"
        text = (await zoe.ask("GET", f"/v1/digests/acme/{week}/txt")).text
        assert "What to do next" in text

        wrongs = {
            "/v1/digests/globex/" + week: 404,
            "/v1/digests/acme/soon": 400,
            "/v1/digests/acme/2190-W01/html": 400,
            f"/v1/digests/acme/{week}/docx": 404,
            "/v1/digests?tenant=globex": 403,
        }
        assert {path: (await zoe.ask("GET", path)).status_code for path in wrongs} == wrongs
