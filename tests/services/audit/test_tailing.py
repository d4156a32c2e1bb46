"""The control plane follows decisions for people: bounded, alive while nothing happens, and ended when it stops."""

import asyncio
import json

import pytest

from gateway.core.errors import CallEnded, Reason
from services.control.api.tailing import Tailing
from tests.services.audit.conftest import Audit, Stub, a_record, admit, an_id, append


async def test_a_follower_hears_that_the_line_lives_and_then_of_a_decision(audit: Audit, stub: Stub) -> None:
    events = await Tailing(stub, quiet_seconds=0.01).follow("", metadata=(("accept-language", "en"),))
    quiet = await anext(events)
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()
    while (event := await anext(events)).comment:
        pass
    await events.aclose()
    assert quiet.encode() == b": nothing new\r\n\r\n"
    assert (event.event, event.id) == ("decision", f"decisions/{an_id(0)}")
    assert json.loads(str(event.data))["agent"] == "sales-bot"


async def test_no_more_follow_than_there_is_room_for(audit: Audit, stub: Stub) -> None:
    tailing = Tailing(stub, most=1)
    events = await tailing.follow("", metadata=(("accept-language", "en"),))
    with pytest.raises(CallEnded) as ended:
        await tailing.follow("", metadata=(("accept-language", "fr"),))
    assert ended.value.reason is Reason.LIMIT_EXCEEDED
    assert ended.value.localized == (
        "fr",
        "Trop de personnes suivent déjà les décisions ici ; réessayez plus tard.",
    )
    waiting = asyncio.create_task(anext(events, None))
    tailing.drain()
    assert await waiting is None
    assert tailing.running == 0


async def test_whoever_leaves_before_the_first_event_makes_room(audit: Audit, stub: Stub) -> None:
    tailing = Tailing(stub, most=1)
    for _ in range(3):
        events = await tailing.follow("", metadata=(("accept-language", "en"),))
        await events.aclose()
    assert tailing.running == 0


async def test_when_the_audit_service_stops_its_followers_are_told(audit: Audit, stub: Stub) -> None:
    events = await Tailing(stub).follow("", metadata=(("accept-language", "en"),))
    waiting = asyncio.create_task(anext(events))
    audit.tails.drain()
    told = await waiting
    assert told.event == "error"
    assert json.loads(str(told.data))["reason"] == "DRAINING"
    assert await anext(events, None) is None
