"""One address for all processes of a home: whoever has it answers for all, and another takes over."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.instance import instance
from gateway.watching.exposing import Exposed, Metering, exposing, metering
from gateway.watching.meters import Meters
from tests.e2e.waiting import until
from tests.scraping import scraped, text
from tests.services.ports import free


@contextlib.asynccontextmanager
async def _process(home: Path, *, kind: str = "gateway", port: int = 0, calls: int = 1) -> AsyncIterator[Exposed]:
    meters = Meters(instance(kind))
    meters.meter.create_counter("pilote.calls").add(calls)
    try:
        async with exposing(meters, listen=f"127.0.0.1:{port}", home=home) as exposed:
            yield exposed
    finally:
        meters.close()


async def test_one_process_answers_for_all_that_share_its_home(tmp_path: Path) -> None:
    async with (
        _process(tmp_path, calls=1) as first,
        _process(tmp_path, calls=10) as second,
        _process(tmp_path, kind="audit", calls=100) as audit,
    ):
        assert (first.port > 0, second.port, audit.port) == (True, 0, 0)
        page = await scraped(first.port)
    counts = {(each.labels["process"], each.labels["worker"]): each.value for each in page.of("pilote_calls_total")}
    assert counts == {("gateway", "1"): 1, ("gateway", "2"): 10, ("audit", "1"): 100}
    assert {each.value for each in page.of("pilote_process_up")} == {1}
    assert len(page.of("target_info")) == 3


async def test_another_takes_over_when_the_one_that_answers_has_ended(tmp_path: Path) -> None:
    (port,) = free(1)
    async with contextlib.AsyncExitStack() as stack:
        async with _process(tmp_path, port=port):
            second = await stack.enter_async_context(_process(tmp_path, port=port, calls=10))
        await until(lambda: second.port == port, what="the second has the address")
        page = await scraped(port)
        assert [each.labels["worker"] for each in page.of("pilote_calls_total")] == ["2"]
        async with _process(tmp_path, port=port, calls=5) as third:
            assert third.worker == 1  # the number is free again


async def test_an_address_that_somebody_else_has_is_waited_for_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        async with contextlib.AsyncExitStack() as stack:
            exposed = await stack.enter_async_context(_process(tmp_path, port=port))
            assert exposed.port == 0
            taken.close()
            await until(lambda: exposed.port == port, what="it has the address")
    (said,) = [each for each in caplog.records if each.name == "gateway.watching.exposing"]
    assert (said.levelname, said.__dict__["error"]) == ("WARNING", "EADDRINUSE")


async def test_a_sibling_that_is_stuck_or_talks_nonsense_is_shown_as_down_and_the_others_answer(tmp_path: Path) -> None:
    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff" * 100)
        writer.close()

    async with _process(tmp_path) as exposed:
        folder = tmp_path / "metrics"
        with socket.socket(socket.AF_UNIX) as stuck, socket.socket(socket.AF_UNIX) as killed:
            stuck.bind(str(folder / "gateway-7.sock"))
            stuck.listen()
            killed.bind(str(folder / "gateway-8.sock"))
            killed.close()
            server = await asyncio.start_unix_server(nonsense, str(folder / "audit-3.sock"))
            page = await scraped(exposed.port)
            server.close()
    up = {f"{each.labels['process']}-{each.labels['worker']}": each.value for each in page.of("pilote_process_up")}
    assert up == {"gateway-1": 1, "gateway-7": 0, "audit-3": 0}
    assert page.value("pilote_calls_total") == 1


async def test_what_a_killed_process_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(folder / "gateway-1.sock"))
    (folder / "gateway-1.lock").touch()
    (folder / "address.lock").touch()
    async with _process(tmp_path) as exposed:
        assert (exposed.worker, exposed.port > 0) == (1, True)
        assert (folder / "gateway-1.sock").stat().st_mode & 0o777 == 0o600
    assert list(folder.glob("*.sock")) == []


async def test_a_home_with_a_long_path_has_its_sockets_all_the_same(tmp_path: Path) -> None:
    home = tmp_path / ("a-long-name-" * 8) / ("and-another-" * 8)
    async with _process(home) as first, _process(home, calls=10):
        page = await scraped(first.port)
    assert sorted(each.value for each in page.of("pilote_calls_total")) == [1, 10]


async def test_only_the_page_is_there_in_the_format_that_is_asked_for(tmp_path: Path) -> None:
    async with _process(tmp_path) as exposed:
        plain = await text(exposed.port)
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await text(exposed.port, path="/metrics/../../etc/passwd")
    assert "# EOF" not in plain
    assert 'pilote_calls_total{process="gateway",worker="1"} 1.0' in plain
    assert caught.value.status == 404


async def test_a_home_that_cannot_be_written_is_said_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file")
    async with metering(instance("rollouts"), Metering(listen="127.0.0.1:0", home=tmp_path / "home")) as meters:
        assert len(meters.read()) == 0
    (said,) = [each for each in caplog.records if each.name == "gateway.watching.exposing"]
    assert (said.levelname, said.__dict__["error"]) == ("WARNING", "ENOTDIR")


async def test_metrics_that_nobody_wants_make_no_files(tmp_path: Path) -> None:
    async with metering(instance("audit"), Metering(home=tmp_path)) as meters:
        meters.meter.create_counter("pilote.calls").add(1)
    assert not (tmp_path / "metrics").exists()
