"""A gateway's clock that jumps forwards and back, beside another one whose clock is right.

Debian's libfaketime gives a process another time of day (`apt install faketime`); without it these tests are skipped.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import site
from tests.stores import RedisProcess

Show = Callable[[Account], None]
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.one_store,
    pytest.mark.one_server,
    pytest.mark.skipif(LIBRARY is None, reason="needs Debian's package faketime"),
]


def _clock(home: Path) -> dict[str, str]:
    """What lets a process read its clock from a file; only the time of day, not the one that runs on."""
    (home / "clock").write_text("+0")
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(home / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.parametrize("jumps", [("+3600", "+0"), ("-3600", "+0")], ids=["an hour ahead", "an hour behind"])
async def test_one_of_two_gateways(own_redis: RedisProcess, tmp_path: Path, show: Show, jumps: tuple[str, ...]) -> None:
    """No call fails and no cap is exceeded, there nor back; nobody waits for a time that never was.

    Whoever is behind by more than a second finds what the other has counted far ahead, and a limit full for a moment.
    """
    limits = [{"name": "rate", "by": ["agent"], "rate": 100, "per": "1s"}]
    async with site(own_redis, tmp_path, extra=_clock, limits=limits) as its:
        async with its.load.running():
            await its.load.more(20)
            for jump in jumps:
                (its.homes[0] / "clock").write_text(jump)
                lifted = now_s()
                await its.load.more(30)
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted)
        show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED", "LIMIT_EXCEEDED"}
    assert account.answers.get("LIMIT_EXCEEDED", 0) <= sum(account.answers.values()) / 10
    assert account.doubtful == 0
