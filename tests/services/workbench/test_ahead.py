"""The log is read ahead by another process: the same comes of it, and whatever ends it is heard here."""

import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.adapters.sealing import Sealer
from gateway.core.policy.document import Document
from services.commands.summing import Sums
from services.workbench.columns.ahead import Ahead
from services.workbench.columns.database import Columns
from services.workbench.columns.reading import read_on
from tests.services.workbench.conftest import Log
from tests.services.workbench.test_opening import BOB, MASTER, policies, sealed
from tests.services.workbench.test_reading import some


def sums() -> Sums:
    return Sums(Sealer((MASTER,)), policies)


def without_store() -> Sums:
    async def down(_number: int, _sha256: str) -> Document:
        raise RedisConnectionError("away")

    return Sums(Sealer((MASTER,)), down)


def killed() -> Sums:
    os._exit(9)


def everything(columns: Columns) -> list[Any]:
    found = columns.sums(start_hour=0, end_hour=1 << 40, least=1, most=100)
    rows = columns.asked("SELECT leaf, CAST(id AS VARCHAR) AS id, summed FROM admitted ORDER BY leaf")
    return [
        *((group, its.keys.tolist(), its.counts.tolist()) for group, its in found),
        *zip(*(each.tolist() for each in rows.values()), strict=True),
        (columns.size, columns.root, columns.proved),
    ]


async def test_what_another_process_reads_is_the_same(log: Log, tmp_path: Path) -> None:
    await log.add([sealed(0), sealed(1, subject=BOB)])
    await log.add(some(*range(10, 60)))
    found, heard = [], list[tuple[int, int]]()
    for name, ahead in (("here", None), ("ahead", Ahead(log.address, sums))):
        columns = Columns(tmp_path / name, summing=sums())
        assert await read_on(columns, log.stub, ahead=ahead, far=1, told=lambda *done: heard.append(done)) == 202
        assert heard.pop() == (202, 202)
        found.append(everything(columns))
        columns.close()
    assert found[0] == found[1]
    assert len(found[0]) > 50


@pytest.mark.parametrize(
    ("ends", "error"), [(without_store, RedisConnectionError), (killed, OSError), (None, grpc.aio.AioRpcError)]
)
async def test_whatever_ends_it_is_heard_and_the_log_is_read_on_later(
    log: Log, tmp_path: Path, ends: Any, error: type[Exception]
) -> None:
    await log.add([sealed(0)])
    columns = Columns(tmp_path / "columns", summing=sums())
    ahead = Ahead("127.0.0.1:1", sums) if ends is None else Ahead(log.address, ends)
    with pytest.raises(error):
        await read_on(columns, log.stub, ahead=ahead, far=1)
    assert await read_on(columns, log.stub, ahead=Ahead(log.address, sums), far=1) == 1
    columns.close()
