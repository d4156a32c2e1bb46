"""`pilote webhooks`, as an operator uses it, on a store of its own."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.adapters.sealing import Sealer, sealing_keys
from gateway.clock import clock_ms
from gateway.core.stops import Stop
from gateway.redis_clients import Client
from gateway.settings import inherited
from services.cli import app
from services.supervisor.probes import GrpcServing
from services.webhooks import signing
from services.webhooks.events import of_stop
from services.webhooks.store import WebhookStore
from tests.e2e.waiting import eventually
from tests.services.environment import UNSET
from tests.services.ports import free

pytestmark = pytest.mark.one_server
URL = "https://hooks.example.com/pilote"


class Operator:
    """Somebody with a shell. Commands run in this process: to start Python for each takes longer than all of them."""

    def __init__(self, redis: Client, url: str, home: Path) -> None:
        self.redis = redis
        self.home = home
        own: dict[str, str | None] = {
            "PILOTE_HOME": str(home),
            "PILOTE_REDIS_URL": url,
            "PILOTE_AUDIT_LISTEN": "127.0.0.1:1",
        }
        self._environment = UNSET | own

    async def run(self, *arguments: str, lang: str = "en") -> Result:
        """What `pilote webhooks` answers."""
        environment = self._environment | {"PILOTE_LANG": lang}
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["webhooks", *arguments], env=environment))

    @property
    def store(self) -> WebhookStore:
        """What the operator works on."""
        return WebhookStore(self.redis, Sealer(sealing_keys(self.home / "secrets" / "control.key")))


@pytest.fixture
def operator(redis: Client, redis_url: str, tmp_path: Path) -> Operator:
    return Operator(redis, redis_url, tmp_path)


async def test_an_endpoint_is_added_listed_and_removed_and_its_secret_shown_once(operator: Operator) -> None:
    added = await operator.run("add", URL, "--tenant", "acme", "--event", "hold.created")
    assert added.exit_code == 0, added.stderr
    (endpoint,) = await operator.store.endpoints()
    assert (endpoint.url, endpoint.tenant, endpoint.events) == (URL, "acme", ("hold.created",))
    secret = re.search(r"whsec_\S+", added.stdout)
    assert secret is not None
    assert secret[0] == signing.shown(operator.store.secret_of(endpoint))
    listed = await operator.run("list")
    assert f"{endpoint.id}\t{URL}\tacme\thold.created" in listed.stdout
    assert "whsec_" not in listed.stdout
    assert (await operator.run("remove", endpoint.id)).exit_code == 0
    again = await operator.run("remove", endpoint.id, lang="fr")
    assert again.exit_code == 1
    assert "point d’accès" in again.stderr
    assert await operator.store.endpoints() == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://127.0.0.1/", "--tenant", "acme"), "https"),
        (("https://169.254.169.254/", "--tenant", "acme"), "PILOTE_WEBHOOK_NETWORKS"),
        ((URL,), "--all-tenants"),
        ((URL, "--tenant", "acme", "--event", "rain"), "decision.refused"),
    ],
)
async def test_what_cannot_be_told_is_refused_with_what_would_do(
    operator: Operator, arguments: tuple[str, ...], said: str
) -> None:
    refused = await operator.run("add", *arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert await operator.store.endpoints() == ()


async def test_what_did_not_arrive_is_shown_and_sent_again(operator: Operator) -> None:
    assert (await operator.run("add", URL, "--all-tenants")).exit_code == 0
    store, now_ms = operator.store, clock_ms()
    event = of_stop("acme", Stop(what="all", reason="it drifts", since_ms=1))
    endpoints = await store.endpoints()
    await store.enqueue(event.id, endpoints, kind=event.short_type, body=b"{}", time=event.time, now_ms=now_ms)
    (taken,) = await store.claim(endpoints[0].id, now_ms=now_ms, count=1)
    await store.bury(taken, now_ms=now_ms)
    assert taken.name in (await operator.run("deliveries", "--dead")).stdout
    assert (await operator.run("replay")).stdout == "1 sent again.\n"
    assert [each.name for each in await store.list(endpoints[0].id, dead=False)] == [taken.name]
    assert (await operator.run("replay", "e1/nothing")).exit_code == 1
    without = await operator.run("fill", "--since", "3d", lang="fr")
    assert (without.exit_code, "service d’audit" in without.stderr) == (1, True)
    assert (await operator.run("fill", "--since", "soon")).exit_code == 2


async def test_the_process_says_that_it_is_well_and_ends_when_told_to_while_the_store_is_away(tmp_path: Path) -> None:
    (port,) = free(1)
    own = {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": "redis://127.0.0.1:1", "PILOTE_METRICS_LISTEN": "off"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "webhooks", "run"),
        env=inherited() | own | {"PILOTE_WEBHOOKS_LISTEN": f"127.0.0.1:{port}"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:

        async def well() -> bool | None:
            return await GrpcServing(f"127.0.0.1:{port}")() or None

        await eventually(well, what="a process that is well")
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
