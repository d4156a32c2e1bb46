"""The whole way once: `pilote simulate`, `pilote insights run`, and what `pilote kpis` and the cockpit then say.

Whether intervals hold as often as they say is proven over many quarters in `test_covering`; here that what people are
shown is what these functions say of that log, for one seed.
"""

import contextlib
import datetime as dt
import html
import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import yaml

from gateway.adapters import policy_files
from gateway.redis_clients import connected
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
from services import redis_server
from services.control.access.rights import Role
from services.simulation.default_policy import POLICY
from tests.e2e.insiders import Browser, inside
from tests.e2e.waiting import eventually
from tests.services.ports import free
from tests.services.simulation.test_command import environment, served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_800)]
SEED: Final = 3
SIZE: Final = ("--customers", "1000", "--weeks", "6", "--decisions", "10000")
HELD_OUT: Final = 4_000
"""In hundredths of a percent: of fewer customers too few have spent something for an amount to be told."""


def ran(*arguments: str, **own: str) -> str:
    """What a command prints."""
    command = (sys.executable, "-m", "services.cli", *arguments)
    done = subprocess.run(command, env=environment(**own), capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def watched(**own: str) -> Iterator[None]:
    """The process `pilote insights run`."""
    process = subprocess.Popen((sys.executable, "-m", "services.cli", "insights", "run"), env=environment(**own))
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.asynccontextmanager
async def logged_in(home: Path, audit: str) -> AsyncIterator[Browser]:
    """A control plane on that home, and a copilot's browser."""
    url = redis_server.url_of(home / "redis")
    async with (
        await connected(url) as redis,
        inside(redis, url, audit=audit) as house,
    ):
        yield await house.somebody("carl", Role.COPILOT)


async def test_what_the_cockpit_shows_of_a_simulated_quarter_holds_what_was_true(tmp_path: Path) -> None:
    home = tmp_path / "home"
    policy, _ = policy_files.read(POLICY)
    assert isinstance(policy, dict)
    policy["holdouts"][0]["share"] = HELD_OUT
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    ran("simulate", "--home", str(home), "--seed", str(SEED), *SIZE, "--policy", str(tmp_path / "policy.yaml"))
    truth = json.loads((home / "truth.json").read_text())
    first = dt.datetime.fromtimestamp(truth["startMs"] / 1_000, dt.UTC).date()
    days = (str(first), str(first + dt.timedelta(days=truth["days"] - 1)))
    with served(home) as audit:
        own = {"PILOTE_HOME": str(home), "PILOTE_AUDIT_LISTEN": audit}
        asked = ("kpis", "--from", days[0], "--to", days[1], "--by", "category", "--json")
        with watched(**own, PILOTE_INSIGHTS_LISTEN=f"127.0.0.1:{free(1)[0]}"):

            async def told() -> Any:
                said = ran(*asked, **own)
                return json.loads(said) if said.strip() else None

            found = await eventually(told, what="days of KPIs", within=600)
        numbers = found["whole"]["numbers"]
        marketing = next(each for each in found["parts"] if each["key"] == "marketing")
        _holds(numbers["incremental_revenue_cents"], truth["incrementalRevenueCents"])
        _holds(numbers["nps"], 100 * truth["survey"]["nps"])
        _holds(numbers["pressure_much_too_much"], truth["survey"]["muchTooMuch"])
        _holds(marketing["numbers"]["conversion_rate"], truth["boughtShare"]["afterContact"])
        _holds(marketing["numbers"]["departure_rate"], truth["leftShare"]["contacted"])
        async with logged_in(home, audit) as carl, grpc.aio.insecure_channel(audit) as channel:
            page = (await carl.ask("GET", f"/cockpit?from={days[0]}&to={days[1]}&by=category")).text
            await _opens(page, found, AuditServiceStub(channel))


def _holds(number: dict[str, Any], truth: float) -> None:
    assert number["sufficient"], number
    assert number["low"] <= truth <= number["high"], (number, truth)


async def _opens(page: str, found: dict[str, Any], audit: Any) -> None:
    """Every number is on the page as it was told, and every count of contacts opens as many decisions."""
    links = [
        (urllib.parse.parse_qs(urllib.parse.urlparse(html.unescape(link)).query)["filter"][0], text.strip())
        for link, text in re.findall(r'<a href="(/decisions\?[^"]+)"[^>]*>([^<]+)</a>', page)
    ]
    filters = {each for each, _ in links}
    parts = [found["whole"], *found["parts"]]
    assert {number["filter"] for part in parts for name, number in part["numbers"].items()} & filters
    for part in found["parts"]:
        filter_ = part["numbers"]["conversion_rate"]["filter"]
        assert (filter_, f"{part['contacts']:,}") in links
        answer = await audit.SummarizeDecisions(SummarizeDecisionsRequest(filter=filter_, fields=["agent"]))
        assert answer.total_count == part["contacts"]
    for filter_ in filters:  # none of them is one that the log cannot read
        await audit.SummarizeDecisions(SummarizeDecisionsRequest(filter=filter_, fields=["agent"]))
