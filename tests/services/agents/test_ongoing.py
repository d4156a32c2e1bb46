"""Calls under way are found by their session and number, and end once, for the first reason."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.asgi import Message
from services.agents.listening import Gone, listened
from services.agents.mcp.ongoing import Cancelled, Ongoing, SessionEnded

NEVER = asyncio.Event


async def waiting() -> Message:
    await NEVER().wait()
    return {"type": "http.disconnect"}


async def call(ongoing: Ongoing, session: str, number: int | str, receive: Any = waiting) -> str:
    """How a call ended that would go on for ever."""
    try:
        async with listened(receive) as listening:
            with ongoing.kept(session, number, listening):
                await NEVER().wait()
    except (Cancelled, SessionEnded, Gone) as why:
        return type(why).__name__
    return ""


async def begun(*calls: Any) -> list[asyncio.Task[str]]:
    tasks = [asyncio.ensure_future(each) for each in calls]
    await asyncio.sleep(0)
    return tasks


async def test_a_number_is_one_whether_written_as_text_or_not() -> None:
    ongoing = Ongoing()
    tasks = await begun(call(ongoing, "s", "7"), call(ongoing, "t", 7))
    assert not ongoing.takes("s", 7)
    assert ongoing.takes("s", 8)
    ongoing.cancel("s", {"requestId": 7, "reason": "no"})
    assert await tasks[0] == "Cancelled"
    assert ongoing.takes("s", 7)
    assert not tasks[1].done()
    ongoing.end("t")
    assert await tasks[1] == "SessionEnded"


@pytest.mark.parametrize("params", [None, {}, {"requestId": None}, {"requestId": True}, {"requestId": []}])
async def test_what_names_no_call_cancels_none(params: Any) -> None:
    ongoing = Ongoing()
    (task,) = await begun(call(ongoing, "s", 1))
    ongoing.cancel("s", params)
    ongoing.cancel("t", {"requestId": 1})
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ongoing.takes("s", 1)


async def test_no_more_calls_are_kept_than_there_is_room_for() -> None:
    ongoing = Ongoing(most=2)
    tasks = await begun(call(ongoing, "s", 1), call(ongoing, "s", 2))
    assert not ongoing.takes("s", 3)
    ongoing.end("s")
    assert [await task for task in tasks] == ["SessionEnded"] * 2
    assert ongoing.takes("s", 3)


@given(reasons=st.permutations(["cancel", "end", "leave"]), turns=st.lists(st.booleans(), min_size=3, max_size=3))
async def test_a_call_ends_once_for_the_first_of_its_reasons(reasons: list[str], turns: list[bool]) -> None:
    ongoing, left = Ongoing(), asyncio.Event()

    async def leaving() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    (task,) = await begun(call(ongoing, "s", 1, leaving))
    await asyncio.sleep(0)
    for reason, turn in zip(reasons, turns, strict=True):
        if reason == "cancel":
            ongoing.cancel("s", {"requestId": 1})
        elif reason == "end":
            ongoing.end("s")
        else:
            left.set()
        if turn:
            await asyncio.sleep(0)
    assert await task in {"Cancelled", "SessionEnded", "Gone"}
    assert task.cancelling() == 0
    assert ongoing.takes("s", 1)
