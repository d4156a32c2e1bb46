"""Calls gather while the process is busy, go on together, and never get stuck."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.gathering import BUSY, IDLE, LOOK_SECONDS, MOST, Gathering


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
    turn = gathering.turn("a")

    with pytest.raises(StopIteration):
        turn.send(None)
    gathering.close()


async def test_gathered_calls_go_on_together_in_the_order_they_came_and_without_those_that_have_gone() -> None:
    gathering = Gathering(cpu_seconds=Cpu())
    gathering.on = True
    went: list[int] = []

    async def call(number: int) -> None:
        await gathering.turn("a")
        went.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(10)]
    await asyncio.wait(calls, timeout=0)
    assert went == []
    calls[3].cancel()
    await asyncio.wait(calls)
    gathering.close()

    assert went == [0, 1, 2, 4, 5, 6, 7, 8, 9]


@given(
    callers=st.lists(st.sampled_from("aaaaaaabcdefgh"), max_size=400),
    gone=st.sets(st.integers(0, 399)),
)
@settings(max_examples=60, deadline=None)
@example(callers=["a", "a", "a", "b", "b"], gone={0, 1})  # two calls that had gone cost the caller two turns
def test_whoever_waits_is_taken_before_anybody_has_a_second_turn(callers: list[str], gone: set[int]) -> None:
    async def all_of_them() -> None:
        gathering = Gathering(cpu_seconds=Cpu())
        gathering.on = True
        went: list[int] = []

        async def call(number: int, caller: str) -> None:
            await gathering.turn(caller)
            went.append(number)

        calls = [asyncio.create_task(call(number, caller)) for number, caller in enumerate(callers)]
        await asyncio.sleep(0)
        for number in gone & set(range(len(calls))):
            calls[number].cancel()
        await asyncio.sleep(0)
        rounds: list[list[int]] = []
        while gathering.busy:
            if not gathering._waiting:
                break
            gathering._go_on()
            before = sum(map(len, rounds))
            for _ in range(2):
                await asyncio.sleep(0)
            rounds.append(went[before:])
        gathering.close()
        await asyncio.gather(*calls, return_exceptions=True)

        left = [number for number in range(len(callers)) if number not in gone]
        assert sorted(went) == left
        assert all(len(each) <= MOST for each in rounds)
        lines = {caller: [number for number in left if callers[number] == caller] for caller in set(callers)}
        for line in lines.values():
            assert [number for number in went if number in line] == line  # a caller's own in their order
        for place, number in enumerate(went):
            turn = lines[callers[number]].index(number)
            taken = [sum(each in line for each in went[:place]) for line in lines.values()]
            waiting = [len(line) > count for line, count in zip(lines.values(), taken, strict=True)]
            assert all(count >= turn for count, waits in zip(taken, waiting, strict=True) if waits)

    asyncio.run(all_of_them())


async def test_closing_lets_everybody_go_on() -> None:
    gathering = Gathering(cpu_seconds=Cpu())
    gathering.on = True
    call = asyncio.create_task(gathering.turn("a"))
    await asyncio.wait([call], timeout=0)
    gathering.close()

    await asyncio.wait_for(call, timeout=1)

    assert gathering.on is False
