"""What several ask for at once is asked for once."""

import asyncio

import pytest

from services.control.live.fresh import KEPT_SECONDS, Fresh


class Source:
    """Answers with how often it was asked, once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.now_s = 0.0
        self.may = asyncio.Event()
        self.may.set()

    async def ask(self, key: str) -> str:
        self.asked += 1
        await self.may.wait()
        if key == "bad":
            raise ConnectionResetError
        return f"{key}{self.asked}"


def fresh(source: Source) -> Fresh[str, str]:
    return Fresh(source.ask, seconds=1, clock=lambda: source.now_s)


async def test_a_hundred_at_once_ask_once() -> None:
    source = Source()
    source.may.clear()
    kept = fresh(source)
    waiting = [asyncio.create_task(kept.get("a")) for _ in range(100)]
    await asyncio.sleep(0)
    source.may.set()
    assert set(await asyncio.gather(*waiting)) == {"a1"}
    assert source.asked == 1


async def test_an_answer_counts_for_as_long_as_it_is_fresh() -> None:
    source = Source()
    kept = fresh(source)
    found = []
    for source.now_s in (0.0, 0.9, 1.0, 1.5, 2.1):
        found.append(await kept.get("a"))
    assert found == ["a1", "a1", "a2", "a2", "a3"]


async def test_who_asked_first_may_go_while_others_wait() -> None:
    source = Source()
    source.may.clear()
    kept = fresh(source)
    first, second = [asyncio.create_task(kept.get("a")) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.may.set()
    assert await second == "a1"


async def test_a_failure_reaches_all_who_wait_and_is_tried_again() -> None:
    source = Source()
    kept = fresh(source)
    found = await asyncio.gather(*(kept.get("bad") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [ConnectionResetError] * 3
    with pytest.raises(ConnectionResetError):
        await kept.get("bad")
    assert source.asked == 2


async def test_what_nobody_asks_for_any_more_is_let_go() -> None:
    source = Source()
    kept = fresh(source)
    for number in range(50):
        await kept.get(f"k{number}")
    source.now_s = KEPT_SECONDS + 1
    await kept.get("a")
    assert list(kept._kept) == ["a"]


async def test_closing_gives_up_what_is_being_asked() -> None:
    source = Source()
    source.may.clear()
    kept = fresh(source)
    waiting = asyncio.create_task(kept.get("a"))
    await asyncio.sleep(0)
    await kept.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
