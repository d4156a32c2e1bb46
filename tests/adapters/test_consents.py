"""Statements are added one by one, whoever else writes at the same time, and nothing else is touched."""

import asyncio
import random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters import facts as fact_store
from gateway.adapters.consents import ConsentStore
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.consents import Consent
from gateway.redis_clients import Client, connected
from tests.stores import Store

REF = "a" * 32
pytestmark = pytest.mark.every_store

ADA = Facts(consents={"push": True}, time_zone="Europe/Paris", segments=("vip",), traits={"a": "b"}, scores={"x": 0.1})


def consent(proof: str = "", *, status: str = "granted", **more: object) -> Consent:
    told = {"channel": "email", "status": status, "captured_ms": 0, "proof": proof}
    return msgspec.convert(told | more, Consent)


async def test_a_statement_is_added_to_what_is_known_and_nothing_else_changes(redis: Client) -> None:
    await fact_store.put(redis, "acme", subject_ref=REF, facts=ADA)
    store = ConsentStore(redis)

    await store.say("acme", REF, statements=(consent("form-1"),), now_ms=10)
    await store.say("acme", REF, statements=(consent("call-2", status="withdrawn"),), now_ms=20)

    found = await store.read("acme", REF)
    assert found is not None
    given_, taken_back = found.consent_records
    assert (given_.captured_ms, given_.proof) == (10, "form-1")
    assert (taken_back.captured_ms, taken_back.withdrawn_ms, taken_back.proof) == (10, 20, "call-2")
    assert msgspec.structs.replace(found, consent_records=()) == ADA


async def test_somebody_of_whom_nothing_was_known_is_known_by_what_they_say(redis: Client) -> None:
    store = ConsentStore(redis)
    assert await store.read("acme", REF) is None
    await store.say("acme", REF, statements=(consent(), consent(channel="sms")), now_ms=10)
    found = await store.read("acme", REF)
    assert found is not None
    assert [each.channel for each in found.consent_records] == ["email", "sms"]
    assert await store.read("globex", REF) is None


async def test_what_was_said_long_ago_may_be_put_on_record_today(redis: Client) -> None:
    store = ConsentStore(redis)
    await store.say("acme", REF, statements=(consent(),), now_ms=100)
    await store.say("acme", REF, statements=(consent(status="refused"),), now_ms=50, exactly=True)
    await store.say("acme", REF, statements=(consent(status="refused", proof="now"),), now_ms=50)
    found = await store.read("acme", REF)
    assert found is not None
    assert [each.said_ms for each in found.consent_records] == [100, 50, 100]


async def test_a_hundred_writers_at_once_lose_nothing(redis: Client) -> None:
    await fact_store.put(redis, "acme", subject_ref=REF, facts=ADA)
    store = ConsentStore(redis)

    async def one(number: int) -> None:
        if number % 10 == 0:  # somebody imports facts meanwhile, old statements among them
            imported = msgspec.structs.replace(ADA, consent_records=(consent(f"old-{number}"),))
            await store.know("acme", REF, facts=imported)
        else:
            await store.say("acme", REF, statements=(consent(f"form-{number}"),), now_ms=number)

    await asyncio.gather(*(one(number) for number in range(100)))

    found = await store.read("acme", REF)
    assert found is not None
    wanted = {f"old-{number}" if number % 10 == 0 else f"form-{number}" for number in range(100)}
    assert {each.proof for each in found.consent_records} == wanted
    assert len(found.consent_records) == 100
    assert msgspec.structs.replace(found, consent_records=()) == ADA


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["granted", "refused", "withdrawn"]), min_size=1, max_size=12), st.randoms())
async def test_every_statement_is_kept_whatever_the_order_in_which_writers_meet(
    redis_process: Store, statuses: list[str], order: random.Random
) -> None:
    numbered = list(enumerate(statuses))
    order.shuffle(numbered)
    async with await connected(redis_process.url) as client:
        await client.flushall()
        store = ConsentStore(client)
        said = (
            store.say("acme", REF, statements=(consent(f"form-{n}", status=status),), now_ms=n)
            for n, status in numbered
        )
        await asyncio.gather(*said)
        found = await store.read("acme", REF)
    assert found is not None
    assert {each.proof: each.status for each in found.consent_records} == {
        f"form-{n}": status for n, status in numbered
    }


async def test_an_import_replaces_what_is_known_and_never_forgets_a_refusal(redis: Client) -> None:
    store = ConsentStore(redis)
    await store.say("acme", REF, statements=(consent(status="refused"),), now_ms=10)

    for _ in range(2):
        await store.know("acme", REF, facts=msgspec.structs.replace(ADA, consent_records=(consent("form-1"),)))

    found = await store.read("acme", REF)
    assert found is not None
    assert [each.status for each in found.consent_records] == ["refused", "granted"]
    assert found.time_zone == "Europe/Paris"


async def test_damaged_facts_are_left_as_they_are(redis: Client) -> None:
    await redis.set(keys.facts(keys.cell("acme"), REF), b'{"consents": 7}')
    with pytest.raises(msgspec.DecodeError):
        await ConsentStore(redis).say("acme", REF, statements=(consent(),), now_ms=1)
    assert await redis.get(keys.facts(keys.cell("acme"), REF)) == b'{"consents": 7}'
