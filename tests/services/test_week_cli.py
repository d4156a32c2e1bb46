"""The weekly digest on the command line: files that can be mailed and kept, and what is wrong with what is asked."""

import asyncio
import email
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from services.cli import app
from services.digest.week import last_over
from tests.policies import policy
from tests.services.cockpit.kept import keep
from tests.services.environment import UNSET

pytestmark = pytest.mark.timeout(300)  # matplotlib looks for all fonts of a machine the first time


async def test_a_week_is_written_as_html_pdf_and_a_message(redis: Client, redis_url: str, tmp_path: Path) -> None:
    async def run(*arguments: str, lang: str = "en", fails: bool = False) -> str:
        own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": redis_url, "PILOTE_LANG": lang}
        found = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=UNSET | own)
        assert (found.exit_code != 0) == fails, found.output
        return found.stderr if fails else found.stdout

    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy()), encoding="utf-8")
    await run("apply", str(file))
    await keep(redis, last_day=clock_ms() // 86_400_000 - 1, days=60)
    week = last_over(clock_ms()).name
    html, pdf, eml = (tmp_path / f"week.{form}" for form in ("html", "pdf", "eml"))
    asked = ("report", "week", "--tenant", "acme", "--html", str(html))
    said = await run(*asked, "--pdf", str(pdf), "--eml", str(eml), "--to", "carl@example.com", "--lang", "fr")
    assert week in said
    assert '<html lang="fr">' in html.read_text(encoding="utf-8")
    assert "Ce que les règles ont bloqué et protégé" in html.read_text(encoding="utf-8")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert email.message_from_bytes(eml.read_bytes())["To"] == "carl@example.com"
    assert html.stat().st_mode & 0o077 == 0

    wrongs = (
        (("report", "week"), "--eml FILE"),
        ((*asked, "--week", "monday"), "2026-W47"),
        ((*asked, "--week", "2190-W01"), "is not over"),
        (("report", "week", "--tenant", "nobody", "--html", str(html)), "acme"),
        (("report", "week", "--tenant", "acme", "--eml", str(eml), "--to", "carl"), "is no address"),
    )
    for arguments, told in wrongs:
        assert told in await run(*arguments, fails=True), arguments
    assert "n’est pas une semaine" in await run(*asked, "--week", "lundi", lang="fr", fails=True)
