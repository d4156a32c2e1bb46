"""Calls gather while the process is busy, go on together, and never get stuck."""

import asyncio

import pytest

from gateway.gathering import BUSY, IDLE, LOOK_SECONDS, Gathering


class Cpu:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_calls_gather_only_between_busy_and_idle_again() -> None:
    cpu, clock = Cpu(), Cpu()
    gathering = Gathering(cpu_seconds=cpu, clock=clock)
    seen = []
    for busy in (0.1, BUSY - 0.05, BUSY + 0.1, IDLE + 0.05, IDLE - 0.05, BUSY - 0.05):
        clock.seconds += LOOK_SECONDS
        cpu.seconds += busy * LOOK_SECONDS
        gathering.look()
        seen.append(gathering.on)
    gathering.close()

    assert seen == [False, False, True, True, False, False]


async def test_an_idle_process_lets_a_call_go_on_at_once() -> None:
    gathering = Gathering(cpu_seconds=Cpu())
    turn = gathering.turn()

    with pytest.raises(StopIteration):
        turn.send(None)
    gathering.close()


async def test_gathered_calls_go_on_together_in_the_order_they_came_and_without_those_that_have_gone() -> None:
    gathering = Gathering(cpu_seconds=Cpu())
    gathering.on = True
    went: list[int] = []

    async def call(number: int) -> None:
        await gathering.turn()
        went.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(10)]
    await asyncio.wait(calls, timeout=0)
    assert went == []
    calls[3].cancel()
    await asyncio.wait(calls)
    gathering.close()

    assert went == [0, 1, 2, 4, 5, 6, 7, 8, 9]


async def test_closing_lets_everybody_go_on() -> None:
    gathering = Gathering(cpu_seconds=Cpu())
    gathering.on = True
    call = asyncio.create_task(gathering.turn())
    await asyncio.wait([call], timeout=0)
    gathering.close()

    await asyncio.wait_for(call, timeout=1)

    assert gathering.on is False
