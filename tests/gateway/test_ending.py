"""What was begun for as long as something runs ends with it."""

import asyncio

import pytest

from gateway.ending import ended


async def swallowing(cancellations: int, *, cleaned: list[str]) -> None:
    """Go on after so many cancellations, as redis-py does while it connects."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancellations -= 1
            if cancellations < 0:
                await asyncio.sleep(0)
                cleaned.append("cleaned")
                raise


async def begun(task: asyncio.Task[None]) -> asyncio.Task[None]:
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("swallowed", [0, 1, 3])
async def test_a_task_that_swallows_cancellations_ends_all_the_same_and_cleans_up(swallowed: int) -> None:
    cleaned: list[str] = []
    task = await begun(asyncio.create_task(swallowing(swallowed, cleaned=cleaned)))
    await ended(task, again_seconds=0.01)
    assert task.cancelled()
    assert cleaned == ["cleaned"]


async def test_several_tasks_end_at_once_and_one_that_is_over_does_no_harm() -> None:
    over = asyncio.create_task(asyncio.sleep(0))
    await over
    tasks = [await begun(asyncio.create_task(swallowing(0, cleaned=[]))) for _ in range(3)]
    await ended(over, *tasks)
    assert all(task.cancelled() for task in tasks)


async def test_without_tasks_there_is_nothing_to_wait_for() -> None:
    await ended()


async def test_what_a_task_has_failed_with_is_not_lost() -> None:
    async def failing() -> None:
        raise ValueError("a mistake of ours")

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    with pytest.raises(ValueError, match="a mistake of ours"):
        await ended(task)
