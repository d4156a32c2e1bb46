"""An alias merges two names of one customer where the policy says so, by the times of what was told."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.fact_changes import FactChanges, Told
from gateway.core.consents import Consent, by_channel
from gateway.core.fact_changes import Change
from gateway.redis_clients import Client
from services.intake.merging import merged
from tests.services.intake.conftest import SOURCE, Door

ALIAS: dict[str, Any] = {"userId": "ada", "previousId": "lead-7", "timestamp": "2026-02-01T00:00:00Z"}
OLD, NEW = "a" * 32, "b" * 32


@pytest.fixture
async def merging(unruled: Door) -> Door:
    """An intake whose source may merge."""
    await unruled.publish({**SOURCE, "aliases": True})
    return unruled


def identify(user: str, at: str, **traits: object) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "timestamp": f"2026-01-{at}T00:00:00Z", "traits": traits}


async def test_what_was_told_of_the_previous_name_counts_for_the_new_one_by_its_time(merging: Door) -> None:
    batch = [
        identify("lead-7", "03", plan="pro", age=36),
        identify("ada", "01", plan="free", vip=True),
        {"type": "track", "event": "Unsubscribed", "userId": "lead-7", "timestamp": "2026-01-04T00:00:00Z"},
        {"type": "alias", **ALIAS},
    ]
    status, answer = await merging.send("/v1/batch", {"batch": batch})
    assert (status, answer["accepted"], answer["rejected"]) == (200, 4, [])
    facts = await merging.facts()
    assert facts is not None
    assert (facts.traits, facts.segments) == ({"plan": "pro", "age": "36"}, ("vip",))
    assert by_channel(facts.consent_records) == {"email/marketing": False}, "a refusal goes along"
    await merging.send("/v1/identify", identify("ada", "02", plan="basic"))
    facts = await merging.facts()
    assert facts is not None
    assert facts.traits["plan"] == "pro", "late for the merged customer too"
    assert await merging.facts("lead-7") is not None, "the previous one stays"


async def test_nothing_is_merged_where_the_policy_does_not_say_so(door: Door) -> None:
    await door.send("/v1/identify", identify("lead-7", "03", plan="pro"))
    assert (await door.send("/v1/alias", ALIAS))[1]["accepted"] == 1
    assert await door.facts() is None


async def test_an_alias_of_nobody_we_know_of_himself_or_of_damaged_facts_changes_nothing(merging: Door) -> None:
    assert (await merging.send("/v1/alias", ALIAS))[1]["accepted"] == 1
    assert (await merging.send("/v1/alias", ALIAS | {"previousId": "ada"}))[1]["accepted"] == 1
    assert (await merging.send("/v1/alias", ALIAS | {"previousId": "x\u0000"}))[0] == 400
    assert await merging.facts() is None
    await merging.send("/v1/identify", identify("lead-7", "03", plan="pro"))
    (key,) = [key async for key in merging.redis.scan_iter("*:facts:*")]
    await merging.redis.set(key, b"{")
    status, answer = await merging.send("/v1/alias", ALIAS | {"messageId": "again"})
    assert (status, answer["rejected"][0]["reason"], answer["rejected"][0]["field"]) == (400, "DAMAGED", "previousId")
    assert await merging.facts() is None


words = st.tuples(st.sampled_from(["traits.plan", "segments.vip"]), st.integers(0, 5), st.booleans())


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=5), st.lists(words, max_size=5))
async def test_a_merged_customer_is_what_one_of_both_names_would_be_however_often_it_is_merged(
    redis: Client, old: list[tuple[str, int, bool]], new: list[tuple[str, int, bool]]
) -> None:
    await redis.flushall()
    facts = FactChanges(redis)

    def told(ref: str, said: list[tuple[str, int, bool]]) -> list[Told]:
        made = []
        for n, (fact, at_ms, there) in enumerate(said):
            word = (f"{at_ms}" if fact.startswith("traits") else True) if there else None
            consent = Consent(channel="email", status="granted" if there else "refused", captured_ms=at_ms)
            made.append(Told(ref, f"{ref[0]}{n}", (Change(fact, at_ms, word),), (consent,)))
        return made

    await facts.take("acme", told(OLD, old) + told(NEW, new) + told("c" * 32, old + new))
    for _ in range(2):
        assert await merged(facts, "acme", previous=OLD, into=NEW)
    found, wanted = await facts.read("acme", NEW), await facts.read("acme", "c" * 32)
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert (found.facts.traits, found.facts.segments, found.times) == (
            wanted.facts.traits,
            wanted.facts.segments,
            wanted.times,
        )
        assert by_channel(found.facts.consent_records) == by_channel(wanted.facts.consent_records)
