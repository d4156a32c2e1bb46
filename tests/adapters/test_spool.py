"""What waits on disk survives, in order."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.spool import Command, Spool


class Store:
    """Takes commands, and fails where it is told to."""

    def __init__(self, *, fails_at: int = -1, away: str = "") -> None:
        self.got: list[Command] = []
        self.away = away
        self._fails_at = fails_at

    async def send(self, command: Command) -> None:
        if len(self.got) == self._fails_at:
            self._fails_at = -1
            raise ConnectionError
        if self.away and self.away in str(command[1]):
            raise ConnectionError
        self.got.append(command)


def commands(*names: str) -> list[Command]:
    return [("XADD", name, b"\x00\xff", 7) for name in names]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def filled(folder: Path, *names: str, worker: str = "w") -> Spool:
    spool = Spool(folder, worker=worker)
    await asyncio.gather(*(spool.put(command) for command in commands(*names)))
    return spool


async def test_what_was_put_is_replayed_in_order_and_then_gone(tmp_path: Path) -> None:
    spool, store = await filled(tmp_path, "a", "b", "c"), Store()
    assert spool.waiting == 3
    assert await spool.replay(store.send) == 3
    assert store.got == commands("a", "b", "c")
    assert (await spool.replay(store.send), spool.waiting) == (0, 0)
    await spool.close()
    assert files_in(tmp_path) == []


async def test_what_was_put_is_on_disk_when_the_future_is_done(tmp_path: Path) -> None:
    spool = await filled(tmp_path, "a")
    assert b"XADD" in (tmp_path / "w.spool").read_bytes()
    await spool.close()


async def test_a_replay_that_fails_in_the_middle_goes_on_there_and_loses_nothing(tmp_path: Path) -> None:
    one_cell = [f"{{acme/0}}:{name}" for name in "abcd"]
    spool, store = await filled(tmp_path, *one_cell[:3]), Store(fails_at=1)
    with pytest.raises(ConnectionError):
        await spool.replay(store.send)
    assert store.got == commands(one_cell[0])
    await spool.put(commands(one_cell[3])[0])
    assert spool.waiting == 4
    assert await spool.replay(store.send) == 3
    assert (store.got, spool.waiting) == (commands(*one_cell), 0)
    await spool.close()


async def test_a_part_of_the_store_that_is_away_holds_up_what_is_meant_for_it_and_nothing_else(tmp_path: Path) -> None:
    names = ["{acme/0}:a", "{acme/1}:b", "{acme/0}:c", "{acme/1}:d", "{globex/0}:e"]
    spool, store = await filled(tmp_path, *names), Store(away="{acme/0}")
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await spool.replay(store.send)
    assert store.got == commands(names[1], names[3], names[4])
    store.away = ""
    await spool.replay(store.send)
    assert store.got[3:] == commands(names[0], names[2])
    await spool.close()


async def test_what_a_dead_worker_left_for_a_part_that_is_away_does_not_hold_up_our_own(tmp_path: Path) -> None:
    await (await filled(tmp_path, "{acme/0}:a", worker="dead")).close()
    spool, store = await filled(tmp_path, "{acme/1}:b"), Store(away="{acme/0}")
    with pytest.raises(ConnectionError):
        await spool.replay(store.send)
    assert (store.got, spool.waiting) == (commands("{acme/1}:b"), 0)
    await spool.close()


async def test_what_is_put_during_a_replay_waits_for_the_next(tmp_path: Path) -> None:
    spool, store = await filled(tmp_path, "a"), Store()
    later: list[asyncio.Future[bool]] = []

    async def send(command: Command) -> None:
        await store.send(command)
        later.append(spool.put(commands("b")[0]))

    await spool.replay(send)
    await later[0]
    assert spool.waiting == 1
    await spool.replay(store.send)
    assert store.got == commands("a", "b")
    await spool.close()


async def test_a_worker_of_the_same_name_goes_on_with_the_file(tmp_path: Path) -> None:
    await (await filled(tmp_path, "a")).close()
    spool, store = await filled(tmp_path, "b"), Store()
    assert spool.waiting == 2
    await spool.replay(store.send)
    assert store.got == commands("a", "b")
    await spool.close()


@given(cut=st.integers(1, 8), zeros=st.integers(0, 20))
async def test_an_entry_cut_short_is_dropped_and_what_follows_is_kept(
    tmp_path_factory: pytest.TempPathFactory, cut: int, zeros: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    await (await filled(folder, "a", "b")).close()
    file = folder / "w.spool"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - cut] + b"\0" * zeros)
    spool, store = await filled(folder, "c"), Store()
    assert spool.waiting == 2
    await spool.replay(store.send)
    assert store.got == commands("a", "c")
    await spool.close()


async def test_zeros_that_a_power_failure_left_are_dropped(tmp_path: Path) -> None:
    await (await filled(tmp_path, "a")).close()
    with (tmp_path / "w.spool").open("ab") as file:
        file.write(b"\0" * 100)
    spool, store = await filled(tmp_path, "b"), Store()
    await spool.replay(store.send)
    assert store.got == commands("a", "b")
    await spool.close()


async def test_files_of_dead_workers_are_taken_over_and_those_of_running_ones_left_alone(tmp_path: Path) -> None:
    await (await filled(tmp_path, "a", "b", worker="dead")).close()
    running = await filled(tmp_path, "c", worker="running")
    spool, store = Spool(tmp_path, worker="w"), Store()
    assert spool.inherited()
    assert await spool.replay(store.send) == 2
    assert store.got == commands("a", "b")
    assert files_in(tmp_path) == ["running.spool", "w.spool"]
    await running.close()
    await spool.close()


async def test_a_take_over_that_fails_leaves_the_file(tmp_path: Path) -> None:
    one_cell = ["{acme/0}:a", "{acme/0}:b"]
    await (await filled(tmp_path, *one_cell, worker="dead")).close()
    spool, store = Spool(tmp_path, worker="w"), Store(fails_at=1)
    with pytest.raises(ConnectionError):
        await spool.replay(store.send)
    assert "dead.spool" in files_in(tmp_path)
    await spool.replay(store.send)
    assert store.got == commands(*one_cell)
    assert files_in(tmp_path) == ["w.spool"]
    await spool.close()


async def test_two_workers_at_once_take_a_dead_ones_file_over_once(tmp_path: Path) -> None:
    await (await filled(tmp_path, *"abcdefgh", worker="dead")).close()
    spools, store = [Spool(tmp_path, worker=f"w{n}") for n in range(4)], Store()
    sent = await asyncio.gather(*(spool.replay(store.send) for spool in spools))
    assert sum(sent) == 8
    assert store.got == commands(*"abcdefgh")
    for spool in spools:
        await spool.close()


async def test_a_name_that_a_running_worker_has_is_not_given_twice(tmp_path: Path) -> None:
    spool = Spool(tmp_path, worker="w")
    with pytest.raises(FileExistsError):
        Spool(tmp_path, worker="w")
    await spool.close()


def test_a_full_disk_leaves_whole_entries_only(tmp_path: Path) -> None:
    program = f"""
import asyncio, resource
from pathlib import Path
from gateway.adapters.spool import Spool

async def main():
    spool = Spool(Path({str(tmp_path)!r}), worker="w")
    await spool.put(("SET", "a", "x"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, resource.RLIM_INFINITY))
    await spool.put(("SET", "b", "x" * 1000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await spool.put(("SET", "c", "x"))
    async def send(command):
        print(command[1])
    await spool.replay(send)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["a", "c"]
    assert "the spool cannot be written" in done.stderr
