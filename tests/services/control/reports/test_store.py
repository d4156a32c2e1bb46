"""What is kept of reports goes by itself, and of one person there are never more than so many."""

from gateway.redis_clients import Client
from services.control.reports.store import KEPT_MS, MOST_KEPT, Files, Kept, ReportStore, Written
from services.report_making import Wanted

WANTED = Wanted(kind="period", start_ms=0, end_ms=1_000, language="en")
WRITTEN = Written(title="T", sha256="ab" * 32, made_ms=5)


def kept(number: int, *, owner: str = "zoe") -> Kept:
    return Kept(id=f"{owner}-{number:02}", owner=owner, wanted=WANTED, tenants=None, created_ms=1_000 + number)


async def test_the_oldest_of_a_person_go_with_their_files(redis: Client) -> None:
    store = ReportStore(redis)
    await store.begin(kept(0, owner="bob"))
    for number in range(MOST_KEPT + 2):
        await store.begin(kept(number))
        await store.write(kept(number), WRITTEN, Files(b"html", b"pdf"), now_ms=2_000)
    assert sorted(each.created_ms for each in await store.all("zoe")) == [1_002 + each for each in range(MOST_KEPT)]
    assert await store.get("zoe-00") is None
    assert await store.written("zoe-00") is None
    assert await store.file("zoe-00", "pdf") is None
    assert await store.file("zoe-02", "pdf") == b"pdf"
    assert await store.written("zoe-02") == WRITTEN
    assert len(await store.all("bob")) == 1


async def test_a_report_is_kept_for_a_day_since_it_was_asked_for(redis: Client) -> None:
    store, one = ReportStore(redis), kept(0)
    await store.begin(one)
    await store.write(one, WRITTEN, Files(b"html", b"pdf"), now_ms=one.created_ms + KEPT_MS - 60_000)
    lives = {
        name: await redis.pttl(f"pilote:{{control}}:report:{one.id}{name}") for name in (":html", ":pdf", ":written")
    }
    assert all(0 < each <= 60_000 for each in lives.values()), lives
    assert 0 < await redis.pttl(f"pilote:{{control}}:report:{one.id}") <= KEPT_MS
    assert 0 < await redis.pttl("pilote:{control}:reports:zoe") <= KEPT_MS
