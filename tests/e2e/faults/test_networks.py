"""Networks that part, lose, delay and fall silent: between gateways and their store, and between gateways and a CRM."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.e2e.faults.load import UPSTREAM_S
from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import Site, site
from tests.fakes.link import Link
from tests.stores import RedisProcess

Ail = Callable[[Link], None]
Show = Callable[[Account], None]
integration = pytest.mark.integration
pytestmark = pytest.mark.timeout(300)


def _slow(link: Link) -> None:
    link.there.bytes_per_second = link.back.bytes_per_second = 20_000


def _lossy(link: Link) -> None:
    for lane in (link.there, link.back):
        lane.lost_every, lane.again_s = 5, 0.25


def _far(link: Link) -> None:
    link.there.latency_s = link.back.latency_s = 0.04


def _refusing(link: Link) -> None:
    link.refuses = True
    link.reset()


def _one_way(link: Link) -> None:
    link.back.part()


AILMENTS = {
    "parted": Link.part,
    "answers parted": _one_way,
    "peer gone without a word": Link.vanish,
    "reset and refusing": _refusing,
    "slow": _slow,
    "lossy": _lossy,
    "far": _far,
}


def _ailments(*quick: str, besides: tuple[str, ...] = ()) -> list[object]:
    """All but those `besides`; those that are not `quick` are for the longer run."""
    return [
        pytest.param(ail, id=name, marks=() if name in quick else integration)
        for name, ail in AILMENTS.items()
        if name not in besides
    ]


@pytest.fixture
async def linked_site(own_redis: RedisProcess, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(own_redis, tmp_path, linked=True) as made:
        yield made


async def _suffers(its: Site, link: Link, ail: Ail) -> Account:
    """The account of some load during which `link` was ailing for a while."""
    async with its.load.running():
        await its.load.more(20)
        ail(link)
        await its.load.more(50)
        link.mend()
        lifted = now_s()
        await its.load.until_well()
    return await reconciled(its, lifted_s=lifted)


@pytest.mark.one_store
@pytest.mark.one_server
@pytest.mark.parametrize("ail", _ailments("parted"))
async def test_between_gateways_and_their_store(linked_site: Site, show: Show, ail: Ail) -> None:
    assert linked_site.store_link is not None
    account = await _suffers(linked_site, linked_site.store_link, ail)
    show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED", "STORE_UNAVAILABLE"}
    assert account.doubtful == 0
    # A server that is silent for five seconds is taken for lost: only then is a peer noticed that is gone for good.
    assert account.first_success_s < (5 if ail is Link.vanish else 2)
    assert account.last_failure_s < (5 if ail is Link.vanish else 2)
    assert account.slowest_s < 3  # nobody waits for the store longer than a few timeouts


@pytest.mark.one_store
@pytest.mark.one_server
@pytest.mark.parametrize("ail", _ailments("parted", besides=("peer gone without a word",)))
async def test_between_gateways_and_a_crm(linked_site: Site, show: Show, ail: Ail) -> None:
    account = await _suffers(linked_site, linked_site.crm_link, ail)
    show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED", "UPSTREAM_IN_DOUBT", "UPSTREAM_UNAVAILABLE"}
    assert account.first_success_s < 2
    assert account.slowest_s < UPSTREAM_S + 2


@integration
@pytest.mark.one_store
@pytest.mark.one_server
async def test_a_crm_that_is_gone_without_a_word(own_redis: RedisProcess, tmp_path: Path, show: Show) -> None:
    """While something between acknowledges what is sent, only gRPC's own ping tells: after 60 s, and 20 more."""
    async with site(own_redis, tmp_path, per_second=8) as its:
        async with its.load.running():
            await its.load.more(10)
            its.crm_link.vanish()
            gone = now_s()
            await its.load.until_well(within_s=120)
        account = await reconciled(its, lifted_s=gone)
        show(account)
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED", "UPSTREAM_IN_DOUBT", "UPSTREAM_UNAVAILABLE"}
    assert account.last_failure_s < 90
