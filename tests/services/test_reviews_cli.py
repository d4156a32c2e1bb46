"""`pilote reviews`, as people use it, on a store of its own."""

import asyncio
import json
import os
from pathlib import Path

import msgspec
import pytest

from gateway.clock import clock_ms
from gateway.redis_clients import Client
from services.reviews.drawing import HOUR_MS, Drawn
from services.reviews.item import Label
from services.reviews.store import ReviewStore
from tests.services import command_line
from tests.services.reviews.test_item import item, says

pytestmark = pytest.mark.one_server


async def test_reviews_say_what_waits_and_what_those_that_were_tell(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")},  # noqa: TID251
        "PILOTE_HOME": str(tmp_path),
        "PILOTE_REDIS_URL": redis_url,
        "COLUMNS": "200",
    }

    async def pilote(*arguments: str) -> str:
        command = ("reviews", *arguments, "--tenant", "acme")
        done = await asyncio.to_thread(command_line.pilote, *command, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    store, now_ms = ReviewStore(redis), clock_ms()
    hour = now_ms // HOUR_MS - 2
    drawn = [item(number, chance=0.5, received_ms=hour * HOUR_MS, created_ms=now_ms) for number in range(1, 13)]
    there = msgspec.json.encode(Drawn(12, (("sales-bot", "", "", 24),)))
    assert await store.add("acme", [*drawn, item(20, due_ms=now_ms - 1)], hour=hour, drawn=there) == "done"
    for _ in drawn:
        for who in ("ada", "bob"):
            taken = await store.take("acme", who, now_ms=now_ms)
            assert taken is not None
            await store.answer("acme", taken.id, says(who, Label.RIGHT, at_ms=now_ms))
    assert await pilote() == "tenant\twaiting\toverdue\tsettled\nacme\t1\t1\t12\n"
    said = await pilote("numbers")
    assert said.startswith("acme: 1 wait, 1 of them overdue; 12 were settled in 28 days.")
    assert "sales-bot : 0% of 24 decisions are wrong" in said
    told = json.loads(await pilote("numbers", "--json"))
    assert (told["settled"], told["wrong"][0]["decisions"], told["wrong"][0]["rate"]["value"]) == (12, 24, 0.0)
