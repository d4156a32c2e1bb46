"""A disk without room, as far as one process can have it: files that may not grow. In a process of its own."""

import asyncio
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.core.errors import CallEnded, Reason
from services.audit.filters.filter import parse
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.test_sealing import KEEPING, OVER_MS
from tests.services.audit.test_segments import admitted, ended

COUNT = 800


def _room(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def _fill(home: Path) -> None:
    """Write until there is no room, for sealing neither; then there is, and everything is delivered again."""
    store = SqliteStore(home, keeping=KEEPING)
    refused, acknowledged = set[Reason](), 0
    batches = [range(start, start + 20) for start in range(0, COUNT, 20)]
    _room(700_000)
    for batch in batches:
        try:
            await store.write([entry for n in batch for entry in (admitted(n, message="x" * 900), ended(n))])
            acknowledged += len(batch)
        except CallEnded as error:
            refused.add(error.reason)
    assert 0 < acknowledged < COUNT
    assert refused == {Reason.STORE_UNAVAILABLE}
    _room(4_096)
    await store.tend(now_ms=OVER_MS)
    assert not list((home / "audit" / "sealed").glob("*.parquet"))
    found = await store.span(parse(""), now_ms=OVER_MS)
    assert found[0] >= acknowledged  # and queries answer meanwhile
    _room(resource.RLIM_INFINITY)
    for batch in batches:
        await store.write([entry for n in batch for entry in (admitted(n, message="x" * 900), ended(n))])
    await store.tend(now_ms=OVER_MS + 600_000)
    assert len(list((home / "audit" / "sealed").glob("*.parquet"))) == 4
    counts = await store.counts("", start_ms=0, end_ms=1 << 53)
    size, span, unreadable = await store.log.size(), await store.span(parse(""), now_ms=OVER_MS), store.unreadable
    await store.close()
    assert (sum(each.decisions for each in counts), span[0], size) == (COUNT, COUNT, 2 * COUNT)
    assert unreadable == ()


def test_without_room_nothing_is_acknowledged_and_with_room_again_everything_is_there_once() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "tests.services.audit.test_full_disk"),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode, done.stdout) == (0, "all there\n"), done.stderr[-3_000:]


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_fill(Path(name)))
    sys.stdout.write("all there\n")
