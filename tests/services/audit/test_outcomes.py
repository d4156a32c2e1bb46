"""What customers did is stored once for each event, whatever comes first, and for nobody else's decisions."""

from typing import Any

import pytest

from gateway.core import keys
from gateway.core.record import CustomerOutcome
from gateway.redis_clients import Client
from services.audit.streams import GROUP
from tests.services.audit.conftest import NOW_MS, Audit, a_record, admit, an_id, append, told
from tests.services.audit.kinds import Kind

pytestmark = pytest.mark.every_store

STREAM = keys.outcomes(keys.cell("acme"))


def an_outcome(number: int = 0, **changes: Any) -> CustomerOutcome:
    """A delivery of the contact of that number, a minute after it."""
    wanted: dict[str, Any] = {
        "decision": an_id(number),
        "type": "delivered",
        "occurred_ms": NOW_MS + number + 60_000,
        "reported_ms": NOW_MS + number + 61_000,
        "reporter": "esp",
        "event": "e-1",
    }
    return CustomerOutcome(**(wanted | changes))


async def tell(redis: Client, *outcomes: CustomerOutcome, tenant: str = "acme") -> None:
    """Append outcomes as a gateway does."""
    stream = keys.outcomes(keys.cell(tenant))
    await redis.sadd(keys.STREAMS, stream)
    for outcome in outcomes:
        await redis.xadd(stream, told(outcome))


async def test_each_event_of_a_decision_is_stored_once_however_often_it_is_told(audit: Audit, stores: Kind) -> None:
    once = [an_outcome(), an_outcome(event="e-2"), an_outcome(type="opened"), an_outcome(1)]
    await tell(audit.redis, *once, *once[:2])
    await audit.catch_up()
    await tell(audit.redis, *once, an_outcome(occurred_ms=NOW_MS))
    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined) == (5, 0)
    assert [row[:4] for row in stores.outcomes()] == [
        (an_id(0), "acme", "delivered", "e-1"),
        (an_id(0), "acme", "delivered", "e-2"),
        (an_id(0), "acme", "opened", "e-1"),
        (an_id(1), "acme", "delivered", "e-1"),
    ]
    assert {row[4] for row in stores.outcomes()} == {NOW_MS + 60_000, NOW_MS + 60_001}


async def test_what_customers_did_is_told_of_their_decisions_oldest_first(audit: Audit) -> None:
    answer = an_outcome(type="answered", question="nps", answer="9", event="nps:e-1", occurred_ms=NOW_MS)
    bought = an_outcome(type="converted", revenue_cents=1_990, currency="EUR")
    await tell(audit.redis, bought, answer, an_outcome(1))
    await audit.catch_up()

    assert await audit.store.told_after([an_id(0), an_id(2)]) == {an_id(0): (answer, bought)}


async def test_an_outcome_may_come_before_its_decision(audit: Audit, stores: Kind) -> None:
    await tell(audit.redis, an_outcome(type="converted", revenue_cents=-5, currency="EUR"))
    await audit.catch_up()
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()

    expected = (an_id(0), "acme", "converted", "e-1", NOW_MS + 60_000, "esp", -5, "EUR")
    assert (stores.outcomes(), await audit.store.count()) == ([expected], 1)


async def test_the_tenant_is_the_streams_whatever_decision_is_named(audit: Audit, stores: Kind) -> None:
    await append(audit.redis, admit(a_record()))
    await tell(audit.redis, an_outcome(), tenant="globex")
    await tell(audit.redis, an_outcome(), tenant="acme")
    await audit.catch_up()

    assert [row[1] for row in stores.outcomes()] == ["acme", "globex"]


async def test_outcomes_are_acknowledged_and_trimmed_like_decisions(audit: Audit, stores: Kind) -> None:
    await tell(audit.redis, *(an_outcome(number) for number in range(700)))
    writer = await audit.catch_up()
    await writer.step()

    pending = (await audit.redis.xpending(STREAM, GROUP))["pending"]
    assert (len(stores.outcomes()), pending) == (700, 0)
    assert await audit.redis.xlen(STREAM) <= 1


async def test_what_was_delivered_and_never_acknowledged_is_stored_by_the_next_writer(
    audit: Audit, stores: Kind
) -> None:
    await tell(audit.redis, *(an_outcome(number) for number in range(50)))
    await audit.redis.xgroup_create(STREAM, GROUP, id="0")
    await audit.redis.xreadgroup(GROUP, "one", {STREAM: ">"}, count=30)
    await audit.catch_up()

    assert len(stores.outcomes()) == 50


async def test_outcomes_of_the_first_version_had_no_kind(audit: Audit, stores: Kind) -> None:
    entry = told(an_outcome())
    del entry["k"]
    await audit.redis.sadd(keys.STREAMS, STREAM)
    await audit.redis.xadd(STREAM, entry)
    await audit.catch_up()

    assert len(stores.outcomes()) == 1


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (an_outcome(decision="x"), "32 hexadecimal digits"),
        (an_outcome(occurred_ms=-1), "occurred_ms"),
        (an_outcome(revenue_cents=2**62), "revenue_cents"),
    ],
)
async def test_an_outcome_that_cannot_be_stored_goes_to_quarantine(
    audit: Audit, stores: Kind, broken: CustomerOutcome, why: str
) -> None:
    await tell(audit.redis, an_outcome(0), broken, an_outcome(1))
    writer = await audit.catch_up()

    assert (writer.taken, writer.quarantined, len(stores.outcomes())) == (2, 1, 2)
    quarantine: Any = await audit.redis.xrange(f"{STREAM}:quarantine")
    assert why in quarantine[0][1][b"why"].decode()
