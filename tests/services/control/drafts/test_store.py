"""Drafts in the store: nobody writes over what somebody else has written."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.redis_clients import Client
from services.control.drafts import store
from services.control.drafts.store import DraftChanged, DraftProblem, DraftStore


@pytest.fixture
async def drafts(redis: Client) -> AsyncIterator[DraftStore]:
    yield DraftStore(redis)
    await redis.delete(store.DRAFTS)
    await redis.delete(store.TEXTS)


async def test_a_draft_is_read_as_it_was_written_comments_and_all(drafts: DraftStore) -> None:
    text = "# é « 😀 »\r\nrules: []\n"
    made = await drafts.create(text, title="t", by="ada", base=3, now_ms=5)
    assert await drafts.read(made.id) == (made, text)
    assert (made.version, made.owner, made.base, made.created_ms) == (1, "ada", 3, 5)
    written = await drafts.write(made, "rules: [a]", by="bob", now_ms=6)
    assert (written.version, written.owner, written.updated_by, written.updated_ms) == (2, "ada", "bob", 6)
    assert await drafts.read(made.id) == (written, "rules: [a]")
    renamed = await drafts.write(written, None, by="bob", now_ms=7, title="u")
    assert await drafts.read(made.id) == (renamed, "rules: [a]")
    assert await drafts.all() == (renamed,)


async def test_of_many_who_write_over_one_version_one_does_and_the_others_see_what_it_wrote(drafts: DraftStore) -> None:
    made = await drafts.create("0", title="t", by="ada", base=0, now_ms=0)
    done = await asyncio.gather(
        *(drafts.write(made, str(number), by=f"p{number}", now_ms=1) for number in range(100)), return_exceptions=True
    )
    (written,) = [each for each in done if not isinstance(each, BaseException)]
    draft, text = await drafts.read(made.id)
    assert (draft, f"p{text}") == (written, written.updated_by)
    others = [each for each in done if isinstance(each, DraftChanged)]
    assert len(others) == 99
    assert {(each.draft, each.text) for each in others} == {(draft, text)}


async def test_a_deleted_draft_is_gone_for_readers_and_writers(drafts: DraftStore) -> None:
    made = await drafts.create("a", title="t", by="ada", base=0, now_ms=0)
    newer = await drafts.write(made, "b", by="ada", now_ms=1)
    with pytest.raises(DraftChanged):
        await drafts.delete(made)
    await drafts.delete(newer)
    assert await drafts.all() == ()
    for doing in (drafts.read(made.id), drafts.write(newer, "c", by="ada", now_ms=2), drafts.delete(newer)):
        with pytest.raises(DraftProblem) as problem:
            await doing
        assert problem.value.code == "draft-unknown"


async def test_a_text_that_is_too_long_is_not_kept(drafts: DraftStore) -> None:
    with pytest.raises(DraftProblem) as problem:
        await drafts.create("é" * (store.MOST_BYTES // 2 + 1), title="t", by="ada", base=0, now_ms=0)
    assert problem.value.code == "draft-long"
    assert await drafts.all() == ()
