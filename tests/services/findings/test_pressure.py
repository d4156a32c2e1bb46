"""What was worked out about pressure is kept for whoever shows it, and shown on the command line."""

import asyncio
import json
from pathlib import Path

import msgspec
from typer.testing import CliRunner

from gateway.core import keys
from gateway.redis_clients import Client
from services.cli import app
from services.findings.pressure import (
    Pressure,
    PressureChannel,
    PressureCost,
    PressureGroup,
    PressureNumber,
    PressureSegment,
    PressureSender,
    PressureStore,
)
from tests.services.environment import UNSET

TO = " \N{EN DASH} "
WEEK_MS = 7 * 86_400_000


def number(value: float, *, high: float | None = None) -> PressureNumber:
    return PressureNumber(value=value, low=value / 2, high=value * 2 if high is None else high, n=1000)


def pressure(tenant: str = "acme", **fields: object) -> Pressure:
    """Four weeks of one channel, much of it known."""
    groups = (
        PressureGroup(low=0, high=1, looks=900, events=9, per_1000_people=number(10), per_1000_contacts=number(12)),
        PressureGroup(low=2, high=7, looks=12, events=3),
    )
    channel = PressureChannel(
        channel="email",
        people=1200,
        contacts=3400,
        p50=number(2),
        p95=number(6),
        p99=PressureNumber(value=8, low=7),
        gini=number(0.4),
        never=number(0.125),
        capped=number(0.02),
        standing="SATURATED",
        fullness=number(0.95, high=1),
        segments=(
            PressureSegment(segment="gold", people=400, standing="SATURATED", fullness=number(0.95, high=1)),
            PressureSegment(segment="urbain", people=60, standing="UNKNOWN", fullness=number(0.4)),
        ),
        costs=(PressureCost(outcome="opt-outs", fatigue="PROVEN", groups=groups, excess=number(4)),),
        allowed=3,
        senders=(PressureSender(agent="loud-bot", contacts=700, beyond=90, of_contacts=number(0.2)),),
    )
    kept = Pressure(tenant=tenant, start_ms=100 * WEEK_MS, end_ms=104 * WEEK_MS, channels=(channel,))
    return msgspec.structs.replace(kept, **fields)


async def test_it_is_kept_by_tenant_and_what_another_version_has_kept_is_none(redis: Client) -> None:
    store = PressureStore(redis)
    assert await store.get("acme") is None
    await store.keep(pressure(end_ms=1))
    await store.keep(pressure())
    assert await store.get("acme") == pressure()
    assert await store.get("globex") is None
    await redis.set(keys.pressure("globex"), b'{"tenant": "globex"}')
    assert await store.get("globex") is None


async def test_the_command_line_shows_it_with_intervals_in_both_languages(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    def run(*arguments: str, lang: str = "en") -> str:
        own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": redis_url, "PILOTE_LANG": lang}
        command = ["insights", "pressure", "--tenant", "acme", *arguments]
        found = CliRunner().invoke(app, command, env=UNSET | own)
        assert found.exit_code == 0, found.stderr
        return found.stdout

    assert (await asyncio.to_thread(run)).startswith("Nothing can be said yet")
    await PressureStore(redis).keep(pressure())
    english = await asyncio.to_thread(run)
    assert english.startswith("acme, channel email, 1971-12-02 to 1971-12-30: saturated\n")
    rows = [line.split("\t") for line in english.splitlines()]
    assert ["contacts of a customer, median", "2", f"1{TO}4"] in rows
    assert ["contacts of a customer, 99%", "8", f"7{TO}∞"] in rows
    assert ["share beyond a cap", "too few", ""] in rows
    assert ["2\N{EN DASH}7", "12", "3", "too few", "too few", "too few"] in rows
    assert "Segments; on target is 25% to 89% of what caps allow, of the customer in the middle:" in english
    assert ["gold", "saturated", "400", f"95% (47.5%{TO}100%)"] in rows
    assert ["loud-bot", "700", "90", f"0.2 (0.1{TO}0.4)", "too few"] in rows
    french = await asyncio.to_thread(run, lang="fr")
    assert "acme, canal email, du 1971-12-02 au 1971-12-30" in french
    assert "Qui ajoute la pression" in french
    assert "dans la cible : de 25\N{NO-BREAK SPACE}% à 89\N{NO-BREAK SPACE}% de ce que les plafonds" in french
    told = json.loads(await asyncio.to_thread(run, "--json"))
    assert told["channels"][0]["costs"][0]["groups"][0]["per1000People"]["value"] == 10
    assert told["channels"][0]["overCap"] is None
