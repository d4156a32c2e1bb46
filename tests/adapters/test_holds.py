"""Holds in a real store: kept with their record or not at all, moved by one of many, sealed."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.holds import KEPT_ANSWER_BYTES, HoldStore, KeptRequest, over_redis
from gateway.adapters.sealing import MARK, Damaged, KeyMissing, Sealer, sealing_keys
from gateway.adapters.stops import StopStore
from gateway.core import holds, keys
from gateway.core.holds import Hold, HoldState
from gateway.core.record import Outcome, Record, Verdict
from gateway.core.stops import Stop
from gateway.redis_clients import Client

pytestmark = pytest.mark.every_store

NOW = 1_700_000_000_000
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
REQUEST = KeptRequest(b"to ada@example.org", (("accept-language", "fr"),))
ACME = keys.cell("acme")
REQUEST_KEY = keys.idempotency(ACME, "bot", "k-1")


def a_hold(number: int = 1, **more: Any) -> Hold:
    chosen: dict[str, Any] = {
        "id": f"{number:032x}",
        "tenant": "acme",
        "agent": "bot",
        "method": "/a.B/C",
        "operation": "CONTACT",
        "level": "approve",
        "sha256": "5" * 64,
        "created_ms": NOW,
        "expires_ms": NOW + 60_000,
        "state": HoldState.PENDING,
    }
    return Hold(**(chosen | more))


class Keeper:
    """The store, and calls to keep in it."""

    def __init__(self, redis: Client, *sealing: bytes) -> None:
        self.redis = redis
        self.store = HoldStore(over_redis(redis), Sealer(sealing or (KEY,)))

    async def keep(self, hold: Hold, *, request_hash: str = "") -> tuple[Outcome, bytes]:
        record = Record(
            id=hold.id, received_ms=NOW, decided_ms=NOW, verdict=Verdict.HOLD, tenant="acme", agent="bot", hold=hold.id
        )
        as_repeat = msgspec.structs.replace(record, verdict=Verdict.ALLOW, hold="")
        return await self.store.keep(
            hold, REQUEST, record=record, as_repeat=as_repeat, request_hash=request_hash, max_open=3
        )

    async def kept(self, number: int = 1, **more: Any) -> Hold:
        hold = a_hold(number, **more)
        await self.keep(hold)
        return hold

    async def stream(self) -> list[dict[bytes, bytes]]:
        found: Any = await self.redis.xrange(keys.decisions(ACME))
        return [fields for _, fields in found]


@pytest.fixture
def keeper(redis: Client) -> Keeper:
    return Keeper(redis)


async def test_what_is_kept_is_read_again_and_its_record_is_there(keeper: Keeper) -> None:
    hold = await keeper.kept(release_ms=7, rule="r")
    assert await keeper.store.read(ACME, hold.id) == hold
    assert await keeper.store.request(hold) == REQUEST
    assert await keeper.store.open(ACME) == (hold,)
    (entry,) = await keeper.stream()
    assert msgspec.json.decode(entry[b"r"], type=Record).hold == hold.id
    assert await keeper.store.read(keys.cell("globex"), hold.id) is None


async def test_a_call_that_is_stopped_is_recorded_and_not_kept(keeper: Keeper) -> None:
    await StopStore(keeper.redis).stop("acme", Stop(what="agent=bot", reason="it drifts", since_ms=0))
    outcome, _ = await keeper.keep(a_hold())
    assert (outcome.reason, outcome.stop, await keeper.store.open(ACME)) == ("STOPPED", "agent=bot", ())
    assert len(await keeper.stream()) == 1


async def test_no_more_are_kept_than_may_wait_at_a_time_and_what_is_over_makes_room(keeper: Keeper) -> None:
    held = [await keeper.kept(number) for number in (1, 2, 3)]
    outcome, _ = await keeper.keep(a_hold(4))
    assert (outcome.granted, outcome.reason) == (False, "LIMIT_EXCEEDED")
    assert await keeper.store.open(ACME) == tuple(held)
    assert len(await keeper.stream()) == 4
    refused = holds.decide(held[0], approve=False, by="p", comment="c", now_ms=NOW)
    assert refused is not None
    await keeper.store.move(held[0], refused)
    outcome, _ = await keeper.keep(a_hold(5))
    assert outcome.reason == ""


async def test_of_fifty_who_decide_at_once_one_counts(keeper: Keeper) -> None:
    hold = await keeper.kept()
    steps = [holds.decide(hold, approve=n % 2 == 0, by=f"p{n}", comment="x", now_ms=NOW) for n in range(50)]
    taken = await asyncio.gather(*(keeper.store.move(hold, step) for step in steps if step is not None))
    assert (len(taken), sum(taken)) == (50, 1)
    decided = await keeper.store.read(ACME, hold.id)
    assert decided is not None
    assert decided.decider == f"p{taken.index(True)}"


async def test_of_fifty_who_claim_at_once_one_has_it_until_its_claim_has_run_out(keeper: Keeper) -> None:
    hold = await keeper.kept(state=HoldState.SCHEDULED, release_ms=NOW)

    async def claimed(by: str, now_ms: int) -> Hold | None:
        read = await keeper.store.read(ACME, hold.id)
        step = None if read is None else holds.claim(read, by=by, now_ms=now_ms)
        return step if read is not None and step is not None and await keeper.store.move(read, step) else None

    first = [each for each in await asyncio.gather(*(claimed(f"w{n}", NOW) for n in range(50))) if each]
    assert len(first) == 1
    assert await claimed("late", NOW + holds.CLAIM_MS - 1) is None
    assert await keeper.store.due(ACME, now_ms=NOW + holds.CLAIM_MS - 1) == ((), 2)
    assert (await keeper.store.due(ACME, now_ms=NOW + holds.CLAIM_MS))[0] == (hold.id,)
    later = [
        each for each in await asyncio.gather(*(claimed(f"v{n}", NOW + holds.CLAIM_MS) for n in range(50))) if each
    ]
    assert len(later) == 1
    # Who comes back after that cannot begin, for the store knows better.
    begun = holds.begin(first[0], by=first[0].claim, until_ms=NOW)
    assert begun is not None
    assert not await keeper.store.move(first[0], begun)


@pytest.mark.parametrize(
    ("state", "wanted", "answer"),
    [
        (HoldState.EXECUTED, Outcome(granted=True, first=f"{1:032x}"), b"sealed"),
        (HoldState.EXECUTED, Outcome(granted=False, reason="UPSTREAM_IN_DOUBT", first=f"{1:032x}"), b""),
        (HoldState.IN_DOUBT, Outcome(granted=False, reason="UPSTREAM_IN_DOUBT", first=f"{1:032x}"), b""),
        (HoldState.REFUSED, Outcome(granted=False, reason="HOLD_REFUSED", first=f"{1:032x}"), b""),
        (HoldState.ACCEPTED, Outcome(granted=False, first=f"{1:032x}"), b""),
        (HoldState.PENDING, Outcome(granted=False, first=f"{1:032x}"), b""),
        (HoldState.EXPIRED, Outcome(granted=False), b""),
        (HoldState.FAILED, Outcome(granted=False), b""),
    ],
)
async def test_a_repeat_learns_what_became_of_the_first(
    keeper: Keeper, state: HoldState, wanted: Outcome, answer: bytes
) -> None:
    hold = a_hold(request_key=REQUEST_KEY)
    await keeper.keep(hold, request_hash="same")
    moved = msgspec.structs.replace(hold, state=state, version=2, ended_ms=NOW)
    assert await keeper.store.move(hold, moved, answer=answer)
    reused, _ = await keeper.keep(a_hold(2, request_key=REQUEST_KEY), request_hash="other")
    if wanted.first:
        assert (reused.reason, reused.first) == ("IDEMPOTENCY_KEY_REUSED", hold.id)
        outcome, given = await keeper.keep(a_hold(3, request_key=REQUEST_KEY), request_hash="same")
        assert (outcome, given) == (wanted, answer)
        assert await keeper.store.read(ACME, f"{3:032x}") is None
    else:  # the first has come to nothing, so the key is free again
        assert (reused, (await keeper.store.read(ACME, f"{2:032x}")) is not None) == (wanted, True)


async def test_a_hold_that_is_over_is_forgotten_with_all_traces(keeper: Keeper) -> None:
    hold = await keeper.kept()
    expired = holds.expire(hold, now_ms=NOW + 60_000)
    assert expired is not None
    await keeper.store.move(hold, expired)
    assert await keeper.store.open(ACME) == ()
    assert (await keeper.store.due(ACME, now_ms=NOW + 60_000 + holds.KEPT_MS))[0] == (hold.id,)
    await keeper.store.forget(expired)
    left = [name async for name in keeper.redis.scan_iter("*") if b"changes" not in name and b"decisions" not in name]
    assert left == []


async def test_an_answer_is_kept_sealed_and_a_large_one_is_not_kept(keeper: Keeper) -> None:
    hold = await keeper.kept()
    sealed = keeper.store.seal_answer(b"to ada@example.org", tenant=hold.tenant, agent=hold.agent, first=hold.id)
    executed = msgspec.structs.replace(hold, state=HoldState.EXECUTED, version=2)
    await keeper.store.move(hold, executed, answer=sealed)
    assert await keeper.store.response(executed) == b"to ada@example.org"
    assert keeper.store.seal_answer(b"x" * KEPT_ANSWER_BYTES, tenant="acme", agent="bot", first="1") == b""
    # What was never sealed is given as it is; what was sealed for another hold is not given at all.
    assert keeper.store.answer(b"\x0a\x01x", tenant="acme", agent="bot", hold_id=hold.id) == b"\x0a\x01x"
    with pytest.raises(Damaged):
        keeper.store.answer(sealed, tenant="acme", agent="bot", hold_id="0" * 32)


@pytest.mark.parametrize("field", ["id", "tenant", "agent", "method", "sha256"])
async def test_a_request_opens_only_for_the_call_that_it_belongs_to(keeper: Keeper, field: str) -> None:
    hold = await keeper.kept()
    other = msgspec.structs.replace(hold, **{field: "f" * 32})
    sealed: Any = await keeper.redis.hget(keys.hold(ACME, hold.id), "request")
    await keeper.redis.hset(keys.hold(keys.cell(other.tenant), other.id), "request", sealed)
    assert await keeper.store.request(hold) == REQUEST
    with pytest.raises(Damaged):
        await keeper.store.request(other)


async def test_keys_are_rotated_by_a_new_first_one(redis: Client) -> None:
    before, both, after = Keeper(redis, KEY), Keeper(redis, OTHER_KEY, KEY), Keeper(redis, OTHER_KEY)
    old = await before.kept(1)
    new = await both.kept(2)
    assert await both.store.request(old) == await after.store.request(new) == REQUEST
    with pytest.raises(KeyMissing):
        await after.store.request(old)
    with pytest.raises(KeyMissing):
        await before.store.request(new)


@given(st.binary(max_size=64), st.data())
def test_whatever_is_changed_of_what_is_sealed_is_found(clear: bytes, data: st.DataObject) -> None:
    sealer = Sealer((KEY,))
    sealed = sealer.seal(clear, bound_to=b"here")
    assert sealer.open(sealed, bound_to=b"here") == clear
    place = data.draw(st.integers(0, len(sealed) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = sealed[:place] + bytes([sealed[place] ^ bit]) + sealed[place + 1 :]
    for damaged in (changed, sealed[:place], sealed + b"x"):
        with pytest.raises((Damaged, KeyMissing)):
            sealer.open(damaged, bound_to=b"here")
    with pytest.raises(Damaged):
        sealer.open(sealed, bound_to=b"there")


def test_the_same_is_never_sealed_to_the_same_bytes_and_no_message_begins_like_it() -> None:
    sealer = Sealer((KEY,))
    assert len({sealer.seal(b"x", bound_to=b"") for _ in range(100)}) == 100
    assert MARK[0] == 0


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "holds.key"
    made = sealing_keys(path)
    assert sealing_keys(path) == made
    assert [len(key) for key in made] == [32]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["holds.key"]
    path.write_text(f"{OTHER_KEY.hex()}\n{made[0].hex()}\n")
    assert sealing_keys(path) == (OTHER_KEY, *made)


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31, f"{'ab' * 32}\n{'ab' * 16}"])
def test_a_key_file_that_holds_no_keys_is_a_mistake_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "holds.key"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"holds\.key must hold one key or more"):
        sealing_keys(path)
