"""A gateway and its Envoy live and end together; for rolling restarts see `tests/e2e/faults/test_restarts.py`."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from gateway.adapters.workers import Workers
from gateway.rpc.probing import READINESS
from services.revisions.tables import workers
from services.supervisor.probes import GrpcServing
from tests.e2e.envoy.deciding import children_of
from tests.e2e.faults.load import AS_EVER
from tests.e2e.faults.site import Site, site
from tests.e2e.policy import allow_all
from tests.e2e.requests import get, send
from tests.e2e.test_trying import PATIENT, tried
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, credential, told
from tests.services import ports
from tests.stores import RedisProcess

pytestmark = [pytest.mark.timeout(300), pytest.mark.one_store]


@pytest.fixture
def probes() -> str:
    """Where its gateway is asked whether it is well."""
    return f"127.0.0.1:{ports.free(1)[0]}"


@pytest.fixture
async def its(own_redis: RedisProcess, tmp_path: Path, probes: str) -> AsyncIterator[Site]:
    """One gateway on the Envoy engine, which redacts both sides of each contact, and tries other calls again."""
    hidden = {"effect": "redact", "methods": ["/pilote.crm.v1.MessageService/SendMessage"]}
    rules = [
        allow_all(),
        {"name": "request", "of": "request", "fields": ["message.body"]} | hidden,
        {"name": "reply", "fields": ["message.subject_line"]} | hidden,
    ]
    arms, patient = [{"name": "crm", "upstream": "crm"}], PATIENT | {"min_per_second": 100}
    routes = [
        {"name": "contacts", "methods": ["/pilote.crm.v1.ContactService/*"], "arms": arms, "retries": patient},
        {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms},
    ]
    own = {"PILOTE_ENGINE": "envoy", "PILOTE_HEALTH_LISTEN": probes}
    async with site(own_redis, tmp_path, workers=1, extra=lambda _: own, rules=rules, routes=routes) as made:
        yield made


def envoys_of(its: Site) -> dict[str, int]:
    """The processes of the gateway's Envoys: the one that "carries" calls, and the one that "decides" about them."""
    found = {}
    for each in children_of(its.workers[0].pid):
        command = Path(f"/proc/{each}/cmdline").read_text(encoding="utf-8")
        if "envoy" in command:
            found["carries" if "envoy.json" in command else "decides"] = each
    return found


def folder_of(gateway: int) -> Path | None:
    """What the Envoy of that gateway reads; nothing once it has been removed."""
    return next(Path(tempfile.gettempdir()).glob(f"pilote-envoy-{gateway}-*"), None)


async def gone(pid: int) -> None:
    """Wait until that process has ended."""

    async def ended() -> bool | None:
        try:
            text = await asyncio.to_thread(Path(f"/proc/{pid}/stat").read_text)
            state = text.rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        return state == "Z" or None

    await eventually(ended, what=f"the end of process {pid}")


async def test_both_envoys_end_with_their_gateway_however_that_ends(its: Site) -> None:
    envoys = envoys_of(its)
    assert envoys.keys() == {"carries", "decides"}
    killed = its.workers[0].pid
    assert folder_of(killed) is not None
    its.workers[0].kill()
    for pid in envoys.values():
        await gone(pid)
    its.workers[0].start()
    await its.serving()
    assert folder_of(killed) is None
    envoys = envoys_of(its)
    assert await asyncio.to_thread(its.workers[0].stop) == 0
    for pid in envoys.values():
        await gone(pid)


@pytest.mark.parametrize("which", ["carries", "decides"])
async def test_a_gateway_ends_with_either_so_that_all_are_started_anew(its: Site, which: str) -> None:
    gateway, envoys = its.workers[0].pid, envoys_of(its)
    os.kill(envoys[which], signal.SIGKILL)
    for pid in (gateway, *envoys.values()):
        await gone(pid)
    log = its.workers[0].log
    assert log is not None
    assert "this gateway ends with it" in log.read_text(encoding="utf-8")


async def test_a_gateway_is_well_while_both_its_envoys_are(its: Site, probes: str) -> None:
    async def told(*, well: bool) -> bool | None:
        return (await GrpcServing(probes)(), await GrpcServing(probes, service=READINESS)()) == (well, well) or None

    await eventually(lambda: told(well=True), what="a gateway that is well")
    for pid in envoys_of(its).values():
        os.kill(pid, signal.SIGSTOP)
        try:
            await eventually(lambda: told(well=False), what="word of an Envoy that is stuck")
        finally:
            os.kill(pid, signal.SIGCONT)
        await eventually(lambda: told(well=True), what="a gateway that is well again")


async def test_a_worker_inside_an_envoy_decides_about_calls_redacts_and_settles_them(its: Site) -> None:
    async with its.load.running():
        await its.load.more(40)
    assert {each.what for each in its.load.answers} <= set(AS_EVER)
    called = [each.told.decision for each in its.load.answers if each.what == "OK"]
    got = [each.told.response.message for each in its.load.answers if each.what == "OK"]
    assert {(each.body, each.subject_line) for each in got} == {("", "")}
    arrived = {each.decision for each in its.arrived() if each.intended}
    assert arrived == set(called)
    said = await Workers(its.world.redis).all()
    assert sorted(each.kind for each in said) == ["decision-worker", "gateway"]
    told = {row[-1] for row in workers(said, active=said[0].revision, language="fr")}
    assert told == {"rôle", "passerelle", "processus de décision"}

    async def settled() -> bool | None:
        kept = await its.world.kept()
        return all(kept[each].settlement is not None for each in called) or None

    await eventually(settled, what="the end of every call")


async def test_a_worker_inside_an_envoy_goes_on_with_calls_that_have_failed(its: Site) -> None:
    """Its CRM knows messages only, and fails at everything else."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{its.ports[0]}") as channel:
        for _ in range(5):
            ended = await told(Agent(channel).contacts.GetContact(get(), metadata=credential("sales-bot")))
            assert (ended.code, ended.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_FAILED")

            async def settled(decision: str = ended.decision) -> list[tuple[str, str]] | None:
                found = (await its.world.kept()).get(decision)
                return None if found is None or found.settlement is None else tried(found)

            assert await eventually(settled, what="the end of the call") == [
                ("", "UNKNOWN"),
                ("retry", "UNKNOWN"),
                ("retry", "UNKNOWN"),
            ]


@pytest.mark.integration
async def test_a_worker_takes_as_many_streams_that_envoy_resets_as_come(its: Site) -> None:
    """A connection with a thousand of them within seconds was taken for an attack, and every call on it failed."""
    left = iter(range(1_500))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{its.ports[0]}") as channel:
        agent = Agent(channel)

        async def some() -> set[grpc.StatusCode]:
            found = set()
            for n in left:
                call = agent.messages.SendMessage(send(f"contacts/of-{n}"), metadata=credential("sales-bot"))
                found.add((await told(call)).code)
            return found

        codes = await asyncio.gather(*(some() for _ in range(16)))
    assert set.union(*codes) == {grpc.StatusCode.OK}
