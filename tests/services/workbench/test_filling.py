"""Of each hour that is complete decisions join the queue once, whoever fills it and however often."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway.core.shadows import CopyEnd, ShadowResult
from gateway.redis_clients import Client
from services.proof.leaves import COPY, Leaf
from services.reviews.drawing import Drawn
from services.reviews.item import Label, Why, id_of
from services.reviews.rules import OFF, ReviewRules
from services.reviews.ruling import RuleBook
from services.reviews.store import ReviewStore
from services.workbench.columns.database import Columns
from services.workbench.filling import LAPSE_MS, Filling, hour_of
from tests.services.reviews.test_item import item
from tests.services.workbench.calls import HOUR_MS, START_HOUR, START_MS, calls

ALL = ReviewRules(random=1.0, known=0.0, most_per_hour=500)
NOON_MS = START_MS + 2 * HOUR_MS


@pytest.fixture
def columns(tmp_path: Path) -> Iterator[Columns]:
    made = Columns(tmp_path / "columns")
    made.append(list(calls(range(2), seed=1)))
    yield made
    made.close()


async def ruled(redis: Client, rules: ReviewRules) -> tuple[Filling, ReviewStore, RuleBook]:
    book, store = RuleBook(redis), ReviewStore(redis)
    assert await book.write("acme", rules, before=OFF)
    return Filling(store, book), store, book


async def test_each_hour_is_drawn_once_and_an_hour_that_goes_on_is_not_yet(redis: Client, columns: Columns) -> None:
    filling, store, _ = await ruled(redis, ALL)
    assert await filling.fill(columns, now_ms=NOON_MS - 1) == 20
    counts = await asyncio.gather(*(filling.fill(columns, now_ms=NOON_MS) for _ in range(4)))
    assert sum(counts) == 20
    hours = await store.hours("acme")
    assert hours.keys() == {START_HOUR, START_HOUR + 1}
    assert msgspec.json.decode(hours[START_HOUR], type=Drawn) == Drawn(20, (("sales-bot", "", "score@1", 20),))
    waiting = await store.open("acme")
    assert (len(waiting), {each.chance for each in waiting}, {each.verdict for each in waiting}) == (
        40,
        {1.0},
        {"ALLOW"},
    )


async def test_an_hour_without_decisions_is_drawn_once_they_are_known(redis: Client, columns: Columns) -> None:
    filling, store, _ = await ruled(redis, ALL)
    later_ms = NOON_MS + 3 * HOUR_MS
    assert [await filling.fill(columns, now_ms=later_ms) for _ in range(2)] == [40, 0]
    columns.append(list(calls([3], seed=5)))  # from the disk of a gateway that was cut off
    assert [await filling.fill(columns, now_ms=later_ms) for _ in range(2)] == [20, 0]
    assert await store.drawn_hours("acme") == {START_HOUR, START_HOUR + 1, START_HOUR + 3}


async def test_without_a_rate_nothing_is_drawn(redis: Client, columns: Columns) -> None:
    filling, store, _ = await ruled(redis, ReviewRules(risk=1.0))
    assert await filling.fill(columns, now_ms=NOON_MS) == 0
    assert (await store.hours("acme"), await store.waiting("acme")) == ({}, 0)


async def test_a_flagged_decision_that_is_drawn_stays_one_item(redis: Client, columns: Columns) -> None:
    filling, store, book = await ruled(redis, ALL)
    decision, secret = hour_of(columns, "acme", hour=START_HOUR).ids[3], await book.seed("acme", new=7)
    flag = item(1, id=id_of("acme", decision, secret=secret), decision=decision, why=Why.FLAGGED, created_ms=START_MS)
    assert await store.put(flag)
    assert await filling.fill(columns, now_ms=START_MS + HOUR_MS) == 20
    assert await store.waiting("acme") == 20
    there = await store.get("acme", flag.id)
    assert there is not None
    assert (there.why, there.chance, there.version) == (Why.FLAGGED, 1.0, 2)


async def test_known_ones_join_and_go_when_nobody_is_left_for_them_and_old_ones_lapse_with_their_hour(
    redis: Client, columns: Columns
) -> None:
    filling, store, book = await ruled(redis, msgspec.structs.replace(ALL, known=0.5))
    assert await book.know(item(7, why=Why.KNOWN, known=Label.RIGHT, barred=("eve",)))
    assert await filling.fill(columns, now_ms=NOON_MS) == 41  # while it waits it does not join again
    known = [each for each in await store.open("acme") if each.why is Why.KNOWN]
    assert [(each.known, each.barred, each.chance) for each in known] == [(Label.RIGHT, ("eve",), 0.0)]
    await filling.fill(columns, now_ms=known[0].due_ms + 1)
    assert await store.waiting("acme") == 40
    await filling.fill(columns, now_ms=NOON_MS + LAPSE_MS + 1)
    assert (await store.waiting("acme"), await store.hours("acme")) == (0, {})


def test_what_an_inference_led_to_belongs_to_its_model(columns: Columns) -> None:
    asked: dict[str, object] = {"operation": "INFER", "model": "lead-score", "version": "2"}
    columns.append(list(calls([3], seed=3, each=1, record=lambda _: asked)))
    (inference,) = hour_of(columns, "acme", hour=START_HOUR + 3).ids
    columns.append(list(calls([4], seed=4, each=2, record=lambda _: {"inference": inference, "version": "2"})))
    found = hour_of(columns, "acme", hour=START_HOUR + 4)
    assert (found.models, found.versions) == (("lead-score",) * 2, ("2",) * 2)
    assert hour_of(columns, "acme", hour=START_HOUR).models == ("",) * 20


def test_risk_and_disagreement_are_read_from_what_the_log_says(columns: Columns) -> None:
    found = hour_of(columns, "acme", hour=START_HOUR)
    assert (set(found.risks.tolist()), set(found.disagrees.tolist())) == ({0.3}, {False})
    copies = [
        ShadowResult(id=found.ids[at], received_ms=START_MS, kind="shadow", route="r", arm="b", upstream="u", end=end)
        for at, end in ((0, CopyEnd.DIFFERED), (1, CopyEnd.AGREED), (2, CopyEnd.FAILED))
    ]
    parts = [(b"acme", msgspec.json.encode(each)) for each in copies]
    columns.append([(COPY, each, Leaf(COPY, each).hash) for each in parts])
    columns.append(list(calls([0], seed=2, record=lambda _: {"verdict": "DENY", "operation": "READ"})))
    again = hour_of(columns, "acme", hour=START_HOUR)
    differs = dict(zip(again.ids, again.disagrees.tolist(), strict=True))
    assert [each for each, other in differs.items() if other] == [found.ids[0]]
    assert np.unique(again.risks).tolist() == [0.3, 0.6]
