"""The active revision, who runs it, and what waits in the streams, on a real store."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.workers import Refused, Report, Workers
from gateway.core import keys
from gateway.core.authority import authority_in
from gateway.redis_clients import Client
from services.control.guiding import gateways
from services.doctor.observing import Grade, Observation
from services.doctor.revisions import look_at_revision
from services.doctor.streams import look_at_streams
from services.stream_lag import WRITER, quarantine
from tests.e2e.policy import policy
from tests.signatures import PEOPLE, entry, published

NOW_MS = 1_795_514_400_000


async def publish(redis: Client, *, signed: bool = True) -> int:
    """Activate a policy that names people; without a signature as somebody with the store's password would."""
    document = canonical(load(policy("127.0.0.1:1", people=PEOPLE)).document)
    revision, store = published(document, author="ada"), RevisionStore(redis)
    stated = entry(revision, "bob" if signed else "ada", base=await store.active(), before=None)
    return await store.add(revision, stated)


async def seen(redis: Client, home: Path, *, certified: bool = False) -> dict[str, Observation]:
    """What is seen, by its key."""
    pin_file = home / "trust.json"
    found = await look_at_revision(redis, pin_file=pin_file, trusted_people=None, certified=certified, now_ms=NOW_MS)
    return {each.what: each for each in found}


def report(name: str = "gateway-1", **said: Any) -> Report:
    """What a gateway says of itself."""
    return Report(worker=name, pid=1, version="0.1.0", **said)


async def test_no_policy_is_bad_and_no_gateway_a_warning(redis: Client, tmp_path: Path) -> None:
    found = await seen(redis, tmp_path)
    assert found["revision-none"].grade is Grade.BAD
    assert found["gateways-none"].grade is Grade.WARNING


async def test_a_signed_revision_that_all_run_is_well(redis: Client, tmp_path: Path) -> None:
    number = await publish(redis)
    await Workers(redis).say(report(revision=number, sha256="a"))
    found = await seen(redis, tmp_path)
    assert {each.grade for each in found.values()} == {Grade.GOOD}
    assert found.keys() == {"revision-signed", "revision-active", "gateways-agree"}
    assert not (tmp_path / "trust.json").exists()  # looking pins nothing


async def test_a_revision_that_nobody_may_run_is_bad(redis: Client, tmp_path: Path) -> None:
    document = canonical(load(policy("127.0.0.1:1", people=PEOPLE)).document)
    root = authority_in(document)
    await redis.hset(keys.ALL_REVISIONS, "1", msgspec.json.encode(published(document, author="mallory")))
    await redis.set(keys.ACTIVE_REVISION, "1")
    found = await look_at_revision(redis, pin_file=tmp_path / "t", trusted_people=root, certified=False, now_ms=NOW_MS)
    assert [each.values["why"] for each in found if each.what == "revision-distrusted"] == ["unsigned"]
    await redis.hset(keys.ALL_REVISIONS, "1", b"{")
    assert (await seen(redis, tmp_path))["revision-damaged"].grade is Grade.BAD


async def test_gateways_that_refuse_differ_or_disagree_are_told(redis: Client, tmp_path: Path) -> None:
    number = await publish(redis)
    workers = Workers(redis)
    await workers.say(report("gateway-1", revision=number, sha256="a"))
    await workers.say(report("gateway-2", revision=number, sha256="b"))
    await workers.say(report("gateway-3", revision=number - 1, refused=Refused(number, "unusable")))
    await workers.say(report("gateway-4", revision=number - 1, spooled=3))
    found = await seen(redis, tmp_path)
    assert found["gateways-disagree"].grade is Grade.BAD
    assert found["gateway-refuses"].values["worker"] == "gateway-3"
    assert found["gateway-differs"].values["worker"] == "gateway-4"
    assert found["spool-waits"].values["entries"] == 3


async def test_decision_workers_are_no_gateways_and_are_held_to_the_revision_as_they_are(
    redis: Client, tmp_path: Path
) -> None:
    number = await publish(redis)
    workers = Workers(redis)
    await workers.say(report("decision-worker-1", revision=number, sha256="a"))
    assert (await seen(redis, tmp_path))["gateways-none"].grade is Grade.WARNING
    await workers.say(report("gateway-1", revision=number, sha256="a"))
    await workers.say(report("intake-1", revision=0))
    found = await seen(redis, tmp_path)
    assert [found[f"{each}-agree"].values["count"] for each in ("gateways", "deciders")] == [1, 1]
    assert await gateways(redis, number) == 1  # what the console's guide counts
    await workers.say(report("decision-worker-1", revision=number - 1, sha256="b"))
    assert (await seen(redis, tmp_path))["gateway-differs"].values["worker"] == "decision-worker-1"


async def test_an_upstream_that_wants_a_certificate_that_there_is_none_of_is_told(
    redis: Client, tmp_path: Path
) -> None:
    wanted = policy("127.0.0.1:1", people=PEOPLE)
    wanted["upstreams"][0]["tls"] = "mutual"
    revision = published(canonical(load(wanted).document), author="ada")
    store = RevisionStore(redis)
    await store.add(revision, entry(revision, "bob", base=0, before=None))
    warned = (await seen(redis, tmp_path))["upstreams-ask"]
    assert (warned.grade, warned.values["names"]) == (Grade.WARNING, wanted["upstreams"][0]["name"])
    assert "upstreams-ask" not in await seen(redis, tmp_path, certified=True)


async def test_a_damaged_pin_is_told_and_left(redis: Client, tmp_path: Path) -> None:
    await publish(redis)
    (tmp_path / "trust.json").write_text("{")
    assert (await seen(redis, tmp_path))["pin-damaged"].grade is Grade.BAD


async def streams(redis: Client, *, now_ms: int) -> dict[str, Observation]:
    """What is seen of the streams, by its key."""
    return {each.what: each for each in await look_at_streams(redis, now_ms=now_ms)}


@pytest.mark.parametrize(("late_ms", "grade"), [(5_000, Grade.GOOD), (11_000, Grade.WARNING), (121_000, Grade.BAD)])
async def test_how_bad_a_lag_is_follows_from_its_age(redis: Client, late_ms: int, grade: Grade) -> None:
    name = keys.decisions(keys.cell("acme"))
    await redis.sadd(keys.STREAMS, name, keys.decisions(keys.cell("announced-only")))
    await redis.xgroup_create(name, WRITER, id="0", mkstream=True)
    await redis.xadd(name, {"k": "admit"}, id=f"{NOW_MS}-0")
    found = await streams(redis, now_ms=NOW_MS + late_ms)
    (lag,) = (each for key, each in found.items() if key in ("streams-stored", "streams-late"))
    assert lag.grade is grade
    assert lag.values["entries"] == 1


async def test_streams_that_nobody_reads_and_what_is_set_aside_are_told(redis: Client) -> None:
    name = keys.decisions(keys.cell("acme"))
    await redis.sadd(keys.STREAMS, name)
    await redis.xadd(name, {"k": "admit"}, id=f"{NOW_MS}-0")
    await redis.xadd(quarantine(name.encode()), {"k": "nonsense"})
    found = await streams(redis, now_ms=NOW_MS)
    assert found["streams-unread"].grade is Grade.BAD
    assert found["streams-quarantine"].values["entries"] == 1
