"""What Segment's clients send becomes facts; what is none is refused by itself, and nobody gets in without a key."""

import gzip
from typing import Any

import pytest

from gateway.redis_clients import Client
from tests.services.intake.conftest import SOURCE, WRITE_KEY, Door, basic, digest

ADA: dict[str, Any] = {"type": "identify", "userId": "ada", "messageId": "m-1", "traits": {"plan": "pro"}}


async def test_an_identify_becomes_facts_of_the_customer_by_what_the_policy_takes(door: Door) -> None:
    traits = {"plan": "pro", "age": 36, "churn": 0.25, "vip": True, "email": "ada@example.com"}
    context = {"locale": "fr-FR", "timezone": "europe/paris"}
    status, answer = await door.send("/v1/identify", {"userId": "ada", "traits": traits, "context": context})
    assert (status, answer["success"], answer["accepted"]) == (200, True, 1)
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro", "age": "36"}, "what the policy does not name is not kept"
    assert (facts.scores, facts.segments) == ({"churn": 0.25}, ("vip",))
    assert (facts.language, facts.time_zone) == ("fr", "Europe/Paris")


async def test_null_takes_a_fact_away(door: Door) -> None:
    await door.send("/v1/identify", ADA | {"traits": {"plan": "pro", "vip": True, "churn": 1}})
    await door.send("/v1/identify", ADA | {"messageId": "m-2", "traits": {"plan": None, "vip": False, "churn": None}})
    facts = await door.facts()
    assert facts is not None
    assert (facts.traits, facts.segments, facts.scores) == ({}, (), {})


async def test_every_kind_of_event_is_taken(door: Door) -> None:
    batch = [
        ADA,
        {"type": "track", "userId": "ada", "event": "Cart Viewed", "properties": {"cart": {"value": 12.5}}},
        {"type": "group", "userId": "ada", "groupId": "g-7", "traits": {"industry": "rail"}},
        {"type": "page", "userId": "ada", "name": "Home"},
        {"type": "screen", "userId": "ada", "name": "Home"},
        {"type": "alias", "userId": "ada", "previousId": "anonymous-1"},
        {"type": "track", "anonymousId": "somebody", "event": "Cart Viewed", "properties": {"cart": {"value": 99}}},
    ]
    status, answer = await door.send("/v1/batch", {"batch": batch})
    assert (status, answer["accepted"], answer["anonymous"], answer["rejected"]) == (200, 6, 1, [])
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro", "cart": "12.5", "account": "g-7", "industry": "rail"}


async def test_a_late_event_never_overwrites_a_newer_trait(door: Door) -> None:
    for message, plan, at in (("m-1", "new", "2026-01-02T00:00:00Z"), ("m-2", "old", "2026-01-01T00:00:00.000Z")):
        sent = {"userId": "ada", "messageId": message, "timestamp": at, "traits": {"plan": plan}}
        assert (await door.send("/v1/identify", sent))[0] == 200
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "new"}


async def test_an_event_that_is_sent_again_is_taken_once(door: Door) -> None:
    nameless = {"type": "identify", "userId": "ada", "traits": {"age": 3}}
    await door.send("/v1/batch", {"batch": [ADA, nameless]})
    status, answer = await door.send("/v1/batch", {"batch": [ADA, nameless, ADA | {"traits": {"plan": "free"}}]})
    assert (status, answer["accepted"], answer["repeated"]) == (200, 0, 3)
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro", "age": "3"}


async def test_a_bad_event_takes_no_good_one_with_it_and_is_told_by_itself(door: Door) -> None:
    batch: list[Any] = [
        {"type": "identify", "userId": "ada", "traits": ["plan"]},
        {"type": "purchase", "userId": "ada"},
        {"type": "identify", "traits": {"plan": "free"}},
        {"type": "track", "userId": "ada"},
        {"type": "group", "userId": "ada"},
        {"type": "identify", "userId": "ada\u0000", "traits": {"plan": "free"}},
        {"type": "identify", "userId": "a" * 201, "traits": {"plan": "free"}},
        {"type": "identify", "userId": "ada", "timestamp": "yesterday", "traits": {"plan": "free"}},
        {"type": "identify", "userId": "ada", "traits": {"bio": "x" * 40_000}},
        "identify",
        None,
        ADA,
    ]
    status, answer = await door.send("/v1/batch", {"batch": batch}, accept_language="fr")
    assert (status, answer["success"], answer["accepted"]) == (200, True, 1)
    told = [(each["index"], each["reason"], each.get("field", "")) for each in answer["rejected"]]
    assert told == [
        (0, "KIND", "traits"),
        (1, "TYPE", "type"),
        (2, "NOBODY", "userId"),
        (3, "NAMELESS", "event"),
        (4, "GROUPLESS", "groupId"),
        (5, "ID", "userId"),
        (6, "ID", "userId"),
        (7, "KIND", "timestamp"),
        (8, "EVENT_LARGE", ""),
        (9, "KIND", ""),
        (10, "KIND", ""),
    ]
    assert answer["rejected"][0]["message"] == "traits n’a pas le type attendu."
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro"}


async def test_a_value_that_a_fact_cannot_have_is_left_out_and_told(door: Door) -> None:
    traits = {"plan": {"name": "pro"}, "age": 36, "churn": "high", "vip": "yes"}
    sent = {"userId": "ada", "traits": traits, "context": {"timezone": "Mars/Olympus", "locale": "français"}}
    status, answer = await door.send("/v1/identify", sent)
    assert (status, answer["accepted"]) == (200, 1)
    fields = {each["field"] for each in answer["ignored"]}
    assert fields == {"traits.plan", "traits.churn", "traits.vip", "context.timezone", "context.locale"}
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"age": "36"}


async def test_nobody_gets_in_without_a_write_key(door: Door) -> None:
    forged = ["", "Basic", "Basic !!!", basic("another"), basic(""), f"Bearer {WRITE_KEY}", "Basic /w==" + "A" * 9_000]
    for authorization in forged:
        named = {"authorization": authorization}
        async with door.http.post(f"{door.url}/v1/identify", json=ADA, headers=named) as got:
            assert got.status == 401
            assert got.headers["www-authenticate"].startswith("Basic ")
            assert (await got.json())["reason"] == "KEY"
    assert await door.facts() is None


async def test_a_key_that_the_policy_names_no_more_opens_nothing(door: Door) -> None:
    await door.publish({**SOURCE, "keys": [{"id": "two", "sha256": digest("another")}]}, write_key="another")
    assert (await door.send("/v1/identify", ADA))[0] == 401


async def test_without_a_policy_it_says_to_come_back(unruled: Door) -> None:
    status, answer = await unruled.send("/v1/identify", ADA)
    assert (status, answer["reason"]) == (503, "NO_POLICY")


async def test_what_is_no_event_is_refused(door: Door) -> None:
    damaged = (
        b"",
        b"{",
        b"\xff\xfe",
        b'{"userId": "\xff"}',
        b'{"userId": "ada", "traits": {"plan": "\xc3\x28"}}',
    )
    for body, reason in (*((each, "MALFORMED") for each in damaged), (b"[1]", "KIND")):
        status, answer = await door.send("/v1/identify", body)
        assert (status, answer["success"], answer["rejected"][0]["reason"]) == (400, False, reason)
        status, answer = await door.send("/v1/batch", b'{"batch": [' + body + b"]}")
        assert (status, answer.get("accepted", 0)) == (400 if body else 200, 0)
    assert await door.facts() is None


@pytest.mark.parametrize("levels", [32, 33, 1_000, 3_000])
async def test_what_lies_too_deep_is_refused_by_whichever_python(door: Door, levels: int) -> None:
    nested = b'{"a":' * levels + b"1" + b"}" * levels
    status, answer = await door.send("/v1/identify", b'{"userId": "ada", "traits": ' + nested + b"}")
    if levels > 32:
        assert (status, answer["rejected"][0]["reason"]) == (400, "DEEP")
    else:
        assert status == 200
    assert (await door.send("/v1/identify", b'{"userId": "bob", "traits": {"plan": "pro"}}'))[0] == 200


async def test_of_a_key_that_stands_twice_the_last_one_counts(door: Door) -> None:
    await door.send("/v1/identify", b'{"userId":"eve","userId":"ada","traits":{"plan":"free"},"traits":{"plan":"pro"}}')
    facts = await door.facts()
    assert facts is not None
    assert facts.traits == {"plan": "pro"}
    assert await door.facts("eve") is None


async def test_a_batch_may_be_compressed_and_never_unpacks_to_more_than_may_be_sent(door: Door) -> None:
    body = b'{"batch":[{"type":"identify","userId":"ada","traits":{"plan":"pro"}}]}'
    status, answer = await door.send("/v1/batch", gzip.compress(body), content_encoding="gzip")
    assert (status, answer["accepted"]) == (200, 1)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert (await door.send("/v1/batch", bomb, content_encoding="gzip"))[0] == 413
    cut = gzip.compress(body)[:-9]
    assert (await door.send("/v1/batch", cut, content_encoding="gzip"))[1]["reason"] == "MALFORMED"
    assert (await door.send("/v1/batch", body, content_encoding="gzip"))[1]["reason"] == "MALFORMED"
    assert (await door.send("/v1/batch", body, content_encoding="br"))[0] == 415


async def test_ten_megabytes_are_refused_in_words_and_the_next_event_is_taken(door: Door) -> None:
    status, answer = await door.send("/v1/batch", b"[" * 10_000_000)
    assert (status, answer["reason"]) == (413, "BODY_LARGE")
    assert (await door.send("/v1/identify", ADA))[0] == 200


async def test_other_paths_and_methods_are_refused_in_words(door: Door) -> None:
    status, answer = await door.send("/v1/import", {})
    assert (status, answer["reason"]) == (404, "HTTP")
    async with door.http.get(f"{door.url}/v1/identify") as got:
        assert got.status == 405
    async with door.http.get(f"{door.url}/healthz") as got:
        assert got.status == 200


async def test_damaged_facts_of_one_customer_are_told_with_what_to_do_and_hinder_nobody_else(
    door: Door, redis: Client
) -> None:
    await door.send("/v1/identify", ADA)
    (key,) = [key async for key in redis.scan_iter("*:facts:*")]
    await redis.set(key, b"{")
    eve = {"type": "identify", "userId": "eve", "traits": {"plan": "pro"}}
    batch = {"batch": [ADA | {"messageId": "m-9", "traits": {"plan": "pro", "churn": "high"}}, eve]}
    status, answer = await door.send("/v1/batch", batch, accept_language="fr")
    assert (status, answer["accepted"], answer.get("ignored")) == (200, 1, [])
    (refused,) = answer["rejected"]
    assert (refused["index"], refused["reason"], refused["field"]) == (0, "DAMAGED", "userId")
    assert "`pilote facts import --replace-damaged`" in refused["message"]
    assert await redis.get(key) == b"{"
    assert await door.facts("eve") is not None
    assert (await door.send("/v1/identify", ADA | {"messageId": "m-9"}))[0] == 400
    await redis.delete(key)
    assert (await door.send("/v1/identify", ADA | {"messageId": "m-9"}))[1]["accepted"] == 1, (
        "it was not noted as taken"
    )
