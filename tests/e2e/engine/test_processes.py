"""A gateway and its Envoy live and end together; for rolling restarts see `tests/e2e/faults/test_restarts.py`."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.faults.site import Site, site
from tests.e2e.waiting import eventually
from tests.stores import RedisProcess

pytestmark = [pytest.mark.timeout(300), pytest.mark.one_store]


@pytest.fixture
async def its(own_redis: RedisProcess, tmp_path: Path) -> AsyncIterator[Site]:
    """One gateway on the Envoy engine."""
    async with site(own_redis, tmp_path, workers=1, extra=lambda _: {"PILOTE_ENGINE": "envoy"}) as made:
        yield made


def envoy_of(its: Site) -> int:
    """The process of the gateway's Envoy."""
    pid = its.workers[0].pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    (found,) = [int(each) for each in children if "envoy" in Path(f"/proc/{each}/cmdline").read_text()]
    return found


async def gone(pid: int) -> None:
    """Wait until that process has ended."""

    async def ended() -> bool | None:
        try:
            text = await asyncio.to_thread(Path(f"/proc/{pid}/stat").read_text)
            state = text.rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        return state == "Z" or None

    await eventually(ended, what=f"the end of process {pid}")


async def test_an_envoy_ends_with_its_gateway_however_that_ends(its: Site) -> None:
    envoy = envoy_of(its)
    its.workers[0].kill()
    await gone(envoy)
    its.workers[0].start()
    await its.serving()
    envoy = envoy_of(its)
    assert its.workers[0].stop() == 0
    await gone(envoy)


async def test_a_gateway_ends_with_its_envoy_so_that_both_are_started_anew(its: Site) -> None:
    gateway = its.workers[0].pid
    os.kill(envoy_of(its), signal.SIGKILL)
    await gone(gateway)
    log = its.workers[0].log
    assert log is not None
    assert "Envoy has ended by itself" in log.read_text()
