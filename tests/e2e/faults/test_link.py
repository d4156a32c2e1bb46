"""The link that faults are made with does what it says: else no test of a fault says anything."""

import asyncio
import contextlib
import errno
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.waiting import until
from tests.fakes.link import Lane, Link, link_to

KINDS = ("port", "socket")
chunks = st.lists(st.binary(min_size=1, max_size=40_000), max_size=8)


@dataclass
class Peers:
    """Both ends of one connection over a link."""

    link: Link
    near: asyncio.StreamReader
    to_far: asyncio.StreamWriter
    far: asyncio.StreamReader
    to_near: asyncio.StreamWriter
    heard: bytearray = field(default_factory=bytearray)

    async def arrives(self, data: bytes) -> float:
        """Send from near to far; after how many seconds all of it is there."""
        began = time.monotonic()
        self.to_far.write(data)
        assert await self.far.readexactly(len(data)) == data
        return time.monotonic() - began

    async def is_silent(self, reader: asyncio.StreamReader, *, for_s: float = 0.05) -> bool:
        """Whether nothing comes, not even the end."""
        try:
            async with asyncio.timeout(for_s):
                await reader.read(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def connected(home: Path, kind: str = "port") -> AsyncIterator[Peers]:
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.put_nowait((reader, writer))

    for name in ("far", "link"):
        (home / name).unlink(missing_ok=True)
    if kind == "port":
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        linked = link_to(server.sockets[0].getsockname()[1])
    else:
        server = await asyncio.start_unix_server(accept, home / "far")
        linked = link_to(home / "far", at=home / "link")
    async with linked as link:
        opened = asyncio.open_connection("127.0.0.1", link.port) if link.at is None else None
        near, to_far = await (opened or asyncio.open_unix_connection(home / "link"))
        far, to_near = await accepted.get()
        await until(lambda: link.connections == 1, what="the link knows of it")
        try:
            yield Peers(link, near, to_far, far, to_near)
        finally:
            later = [accepted.get_nowait()[1] for _ in range(accepted.qsize())]
            for writer in (to_far, to_near, *later):
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            server.close()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.tuples(chunks, chunks), lost_every=st.integers(0, 3), latency_ms=st.integers(0, 3))
def test_bytes_come_out_unchanged_in_order_and_with_their_end_in_both_directions(
    tmp_path: Path, kind: str, said: tuple[list[bytes], list[bytes]], lost_every: int, latency_ms: int
) -> None:
    """Also over a link that delays and loses."""
    there, back = said

    async def carrying() -> None:
        async with connected(tmp_path, kind) as peers:
            for lane in (peers.link.there, peers.link.back):
                lane.latency_s, lane.lost_every, lane.again_s = latency_ms / 1000, lost_every, 0.001

            async def say(writer: asyncio.StreamWriter, said: list[bytes]) -> None:
                for each in said:
                    writer.write(each)
                    await writer.drain()
                writer.write_eof()

            _, _, heard, heard_back = await asyncio.gather(
                say(peers.to_far, there), say(peers.to_near, back), peers.far.read(-1), peers.near.read(-1)
            )
            assert (heard, heard_back) == (b"".join(there), b"".join(back))

    asyncio.run(carrying())


async def test_latency_delays_every_byte_by_as_much_and_makes_them_no_fewer(tmp_path: Path) -> None:
    async with connected(tmp_path) as peers:
        peers.link.there.latency_s = 0.3
        assert await peers.arrives(b"a") >= 0.3
        assert 0.3 <= await peers.arrives(b"b" * 200_000) < 13 * 0.3  # 13 chunks, not 13 times as long


async def test_a_loss_is_a_pause_for_all_that_is_behind_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as peers:
        peers.link.there.lost_every, peers.link.there.again_s = 3, 0.1
        took = [await peers.arrives(b"x") for _ in range(6)]
        assert peers.link.there.lost == [3, 6]
        assert min(took[2], took[5]) >= 0.1


async def test_a_slow_reader_lets_through_so_much_a_second_and_the_writer_waits(tmp_path: Path) -> None:
    async with connected(tmp_path) as peers:
        peers.link.there.bytes_per_second = 1_000_000
        assert await peers.arrives(b"x" * 200_000) >= 0.15
        peers.link.there.bytes_per_second = 1
        for _ in range(100):
            peers.to_far.write(b"x" * 100_000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await peers.to_far.drain()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_partition_holds_back_what_is_sent_and_delivers_it_in_order_once_it_is_over(
    tmp_path: Path, kind: str
) -> None:
    async with connected(tmp_path, kind) as peers:
        peers.link.part()
        peers.to_far.write(b"one")
        peers.to_near.write(b"two")
        assert await peers.is_silent(peers.far)
        assert await peers.is_silent(peers.near)
        peers.to_far.write(b"three")
        peers.link.mend()
        assert await peers.far.readexactly(8) == b"onethree"
        assert await peers.near.readexactly(3) == b"two"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_partition_of_one_direction_leaves_the_other_alone(tmp_path: Path, kind: str) -> None:
    async with connected(tmp_path, kind) as peers:
        peers.link.back.part()
        await peers.arrives(b"there")
        peers.to_near.write(b"back")
        assert await peers.is_silent(peers.near)


@pytest.mark.parametrize("kind", KINDS)
async def test_of_a_peer_that_has_vanished_nothing_is_heard_not_even_its_end(tmp_path: Path, kind: str) -> None:
    async with connected(tmp_path, kind) as peers:
        peers.link.vanish()
        peers.to_near.write(b"last words")
        peers.to_near.close()
        assert await peers.is_silent(peers.near)
        peers.to_far.write(b"are you there?")
        await peers.to_far.drain()
        peers.link.mend()
        assert await peers.is_silent(peers.near)
    # What connects anew meets a peer that is there.
    async with connected(tmp_path, kind) as peers:
        await peers.arrives(b"hello")


async def test_a_reset_is_heard_as_such_on_both_sides(tmp_path: Path) -> None:
    async with connected(tmp_path) as peers:
        await peers.arrives(b"x")
        peers.link.reset()
        for reader in (peers.near, peers.far):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        await until(lambda: peers.link.connections == 0, what="the connection is gone")


async def test_a_link_that_refuses_resets_whoever_comes_until_it_is_mended(tmp_path: Path) -> None:
    async with connected(tmp_path) as peers:
        peers.link.refuses = True
        near, refused_writer = await asyncio.open_connection("127.0.0.1", peers.link.port)
        with pytest.raises(OSError) as refused:  # noqa: PT011 - which of them is asked below
            assert await near.read(1) != b""
        assert refused.value.errno == errno.ECONNRESET
        refused_writer.close()
        peers.link.mend()
        _, writer = await asyncio.open_connection("127.0.0.1", peers.link.port)
        await until(lambda: peers.link.connections == 2, what="a connection")
        writer.close()
        await writer.wait_closed()


async def test_nothing_is_let_out_early_whatever_ails_a_direction_at_once() -> None:
    lane = Lane(latency_s=0.0, lost_every=1, again_s=0.05, bytes_per_second=1_000)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await lane.hold(50, due_s=began + 0.05)
    assert loop.time() - began >= 0.15
