"""Deciding on kept calls, as the people do it."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.activation.loading import load
from gateway.adapters.holds import HoldStore, KeptRequest, over_redis
from gateway.adapters.sealing import Sealer
from gateway.core import keys
from gateway.core.holds import Hold, HoldState
from gateway.core.record import Record, Verdict
from gateway.redis_clients import Client
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import CreateContactRequest
from services import texts
from services.commands.holding import HoldProblem, Holds
from services.commands.running import publish
from tests.adapters.conftest import ACME
from tests.adapters.test_holds import KEY, OTHER_KEY, Keeper, a_hold
from tests.policies import policy
from tests.services.test_cli import _run

METHOD = "/pilote.crm.v1.ContactService/CreateContact"
REQUEST = CreateContactRequest(contact=Contact(display_name="Zoé", email="zoe@example.org")).SerializeToString()
FAR_MS = 9_000_000_000_000


class Desk:
    """One held call, and the person who decides on it."""

    def __init__(self, redis: Client) -> None:
        self.redis = redis
        self.store = HoldStore(over_redis(redis), Sealer((KEY,)))
        self.holds = Holds(redis, (KEY,), tenant="", language="en")

    async def held(self, **more: Any) -> Hold:
        chosen: dict[str, Any] = {"method": METHOD, "expires_ms": FAR_MS}
        hold = a_hold(**(chosen | more))
        record = Record(id=hold.id, received_ms=0, decided_ms=0, verdict=Verdict.HOLD, tenant="acme")
        await self.store.keep(hold, KeptRequest(REQUEST), record=record, as_repeat=record, max_open=100)
        return hold

    async def decide(self, hold: Hold, *, approve: bool = True, by: str = "zoe", comment: str = "fine") -> str:
        return await self.holds.decide(f"holds/{hold.id}", approve=approve, by=by, comment=comment)

    async def records(self) -> list[Record]:
        found: Any = await self.redis.xrange(keys.decisions(ACME))
        return [msgspec.json.decode(fields[b"r"], type=Record) for _, fields in found]


@pytest.fixture
async def desk(redis: Client) -> Desk:
    await publish(redis, load(policy()))
    return Desk(redis)


async def test_what_waits_is_listed_with_whom_it_waits_for(desk: Desk) -> None:
    hold = await desk.held(rule="two-eyes")
    other = await desk.held(id="e" * 32, level="suggest", created_ms=hold.created_ms + 1)
    columns, first, second = await desk.holds.list()
    assert dict(zip(columns, first, strict=True)) | {"until": ""} == {
        "hold": f"holds/{hold.id}",
        "state": "PENDING",
        "agent": "bot",
        "method": "CreateContact",
        "rule": "two-eyes",
        "made": "2023-11-14 22:13:20Z",
        "until": "",
    }
    assert second[:2] == (f"holds/{other.id}", "PENDING (suggest)")


async def test_who_decides_reads_the_request_as_json(desk: Desk) -> None:
    hold = await desk.held()
    *facts, shown = await desk.holds.show(hold.id)
    assert json.loads(shown) == {"contact": {"displayName": "Zoé", "email": "zoe@example.org"}}
    assert "agent: bot" in facts
    assert not any("example.org" in line for line in facts)


async def test_a_request_whose_contract_is_gone_is_shown_as_it_is(desk: Desk) -> None:
    hold = await desk.held(method="/gone.Service/Method")
    assert (await desk.holds.show(hold.id))[-1] == REQUEST.hex()


@pytest.mark.parametrize(
    ("level", "approve", "state", "said"),
    [
        ("approve", True, HoldState.APPROVED, "is made now"),
        ("approve", False, HoldState.REFUSED, "never made"),
        ("suggest", True, HoldState.ACCEPTED, "act yourself"),
        ("suggest", False, HoldState.REFUSED, "never made"),
    ],
)
async def test_what_was_decided_is_kept_with_who_and_why(
    desk: Desk, level: str, state: HoldState, said: str, *, approve: bool
) -> None:
    hold = await desk.held(level=level)
    assert said in await desk.decide(hold, approve=approve, by=" zoe ", comment=" because ")
    decided = await desk.store.read(ACME, hold.id)
    assert decided is not None
    assert (decided.state, decided.decider, decided.comment) == (state, "zoe", "because")
    records = (await desk.records())[1:]
    assert [(r.decider, r.hold_comment, r.parent) for r in records] == (
        [] if state is HoldState.APPROVED else [("zoe", "because", hold.id)]
    )


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_who(desk: Desk) -> None:
    hold = await desk.held()
    told = await asyncio.gather(
        *(desk.decide(hold, approve=n % 2 == 0, by=f"person-{n}") for n in range(10)), return_exceptions=True
    )
    winners = [n for n, each in enumerate(told) if isinstance(each, str)]
    assert len(winners) == 1
    losers = [str(each) for each in told if isinstance(each, HoldProblem)]
    assert len(losers) == 9
    assert all(f"person-{winners[0]} was faster" in text for text in losers)


async def test_what_was_changed_in_the_store_can_be_refused_only(desk: Desk) -> None:
    hold = await desk.held()
    await desk.redis.hset(keys.hold(ACME, hold.id), "request", b"other")
    for doing in (desk.holds.show(hold.id), desk.decide(hold)):
        with pytest.raises(HoldProblem, match="has been changed since"):
            await doing
    assert "is refused" in await desk.decide(hold, approve=False)


async def test_with_another_key_nothing_is_shown_and_nothing_approved(desk: Desk) -> None:
    hold = await desk.held()
    stranger = Holds(desk.redis, (OTHER_KEY,), tenant="acme", language="fr")
    with pytest.raises(HoldProblem, match="PILOTE_HOLD_KEY_FILE"):
        await stranger.show(hold.id)
    with pytest.raises(HoldProblem, match="scellé avec une clé absente"):
        await stranger.decide(hold.id, approve=True, by="eve", comment="x")


@pytest.mark.parametrize(("by", "comment"), [("", "x"), ("x", " "), ("x" * 1001, "x"), ("x", "x" * 1001)])
async def test_who_decides_says_who_they_are_and_why(desk: Desk, by: str, comment: str) -> None:
    hold = await desk.held()
    with pytest.raises(HoldProblem, match="--by and --reason"):
        await desk.decide(hold, by=by, comment=comment)


async def test_what_cannot_be_decided_is_said_so(desk: Desk) -> None:
    with pytest.raises(HoldProblem, match="There is no hold x"):
        await desk.holds.show("x")
    over = await desk.held(expires_ms=1)
    with pytest.raises(HoldProblem, match="too late"):
        await desk.decide(over)
    deferred = await desk.held(id="d" * 32, state=HoldState.SCHEDULED, level="", release_ms=FAR_MS - 1)
    with pytest.raises(HoldProblem, match="waits for a time, not for a person"):
        await desk.decide(deferred)
    assert "is refused" in await desk.decide(deferred, approve=False)


async def test_without_a_policy_the_tenant_must_be_named(redis: Client) -> None:
    with pytest.raises(HoldProblem, match="--tenant"):
        await Holds(redis, (KEY,), tenant="", language="en").list()
    assert len(await Holds(redis, (KEY,), tenant="acme", language="en").list()) == 1


def test_every_text_about_holds_fills_in_the_same_in_both_languages() -> None:
    pairs = [pair for key, pair in texts._TEXTS.items() if key.startswith("hold-")]
    assert len(pairs) >= 10
    for english, french in pairs:
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french))


async def test_the_commands_do_it_from_a_shell(redis: Client, redis_url: str, tmp_path: Path) -> None:
    await publish(redis, load(policy()))
    key_file = tmp_path / "holds.key"
    key_file.write_text(KEY.hex())
    settings = {"PILOTE_REDIS_URL": redis_url, "PILOTE_HOLD_KEY_FILE": str(key_file)}
    hold = await Keeper(redis).kept(method=METHOD, expires_ms=FAR_MS)

    listed = await asyncio.to_thread(_run, "holds", "list", home=tmp_path, **settings)
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["hold", f"holds/{hold.id}"]
    shown = await asyncio.to_thread(_run, "holds", "show", hold.id, home=tmp_path, **settings)
    assert (shown.returncode, f"sha256: {'5' * 64}" in shown.stdout) == (0, True)
    decide = ("--by", "zoé", "--reason", "c’est bon")
    refused = await asyncio.to_thread(_run, "holds", "refuse", hold.id, *decide, home=tmp_path, **settings)
    assert "is refused" in refused.stdout
    settings["PILOTE_LANG"] = "fr"
    again = await asyncio.to_thread(_run, "holds", "approve", hold.id, *decide, home=tmp_path, **settings)
    assert (again.returncode, "zoé a été plus rapide (c’est bon)" in again.stderr) == (1, True)
