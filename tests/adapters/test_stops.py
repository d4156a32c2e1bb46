"""What is stopped is not admitted from the next call on, whoever admits; what is resumed goes on."""

import asyncio

import msgspec
import pytest

from gateway.adapters.reservation import reserve
from gateway.adapters.stops import StopStore
from gateway.core.record import Outcome, Record, Verdict
from gateway.core.stops import ALL, Stop, is_stop, stops_of
from tests.adapters.conftest import Desk
from tests.adapters.test_admission import NOW, cap

pytestmark = pytest.mark.every_store

RECORD = Record(
    id="0" * 32,
    received_ms=NOW,
    decided_ms=NOW,
    verdict=Verdict.ALLOW,
    tenant="acme",
    agent="bot",
    version="2",
    model="lead-score",
    route="scoring",
    channel="email",
)
STOPS = (ALL, "agent=bot", "version=lead-score/2", "route=scoring", "channel=email")


def stop(what: str) -> Stop:
    return Stop(what=what, reason="it drifts", since_ms=NOW)


async def admitted(desk: Desk, record: Record = RECORD) -> Outcome:

    outcome, _ = await desk.admission.admit(reserve(record, (cap(1000),)), record)
    return outcome


def test_a_call_names_all_that_could_halt_it() -> None:
    assert stops_of(RECORD) == STOPS
    assert stops_of(msgspec.structs.replace(RECORD, model=""))[2] == "version=bot/2"
    assert stops_of(Record(id="", received_ms=0, decided_ms=0, verdict=Verdict.ALLOW, agent="bot"))[2:] == ("", "", "")


@pytest.mark.parametrize(
    ("what", "good"),
    [*((what, True) for what in STOPS), ("", False), ("bot", False), ("agent=", False), ("subject=x", False)],
)
def test_only_what_a_call_can_name_can_be_stopped(what: str, *, good: bool) -> None:
    assert is_stop(what) is good


@pytest.mark.parametrize("what", STOPS)
async def test_each_stop_halts_the_call_takes_nothing_and_is_recorded(desk: Desk, what: str) -> None:
    store = StopStore(desk.redis)
    assert (await admitted(desk)).granted
    await store.stop("acme", stop(what))

    halted = await admitted(desk)

    assert (halted.granted, halted.reason, halted.stop, halted.looks) == (False, "STOPPED", what, ())
    assert (await desk.entries())[-1][2]["stop"] == what
    assert await store.list("acme") == (stop(what),)
    assert (await store.resume("acme", what), await store.resume("acme", what)) == (True, False)
    assert (await admitted(desk)).looks[0].used == 2


async def test_a_stop_of_something_else_or_of_another_tenant_halts_nothing(desk: Desk) -> None:
    store = StopStore(desk.redis)
    for what in ("agent=other", "version=lead-score/1", "route=crm", "channel=sms"):
        await store.stop("acme", stop(what))
    await store.stop("other", stop(ALL))

    assert (await admitted(desk)).granted


async def test_a_stop_in_the_middle_of_a_hundred_calls_lets_none_through_after_it(desk: Desk) -> None:
    store = StopStore(desk.redis)

    async def one(number: int) -> tuple[bool, bool]:
        if number == 50:
            await store.stop("acme", stop(ALL))
        stopped = bool(await store.list("acme"))
        outcome = await admitted(desk, msgspec.structs.replace(RECORD, id=f"{number:032x}"))
        return stopped, outcome.granted

    seen = await asyncio.gather(*(one(number) for number in range(100)))

    assert all(not granted for stopped, granted in seen if stopped)
    assert any(stopped for stopped, _ in seen)


async def test_a_name_with_quotes_does_not_break_the_outcome(desk: Desk) -> None:
    record = msgspec.structs.replace(RECORD, version='2"}\\')
    await StopStore(desk.redis).stop("acme", stop('version=lead-score/2"}\\'))

    assert (await admitted(desk, record)).stop == 'version=lead-score/2"}\\'
