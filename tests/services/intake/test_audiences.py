"""An audience is told whole or by difference; what cannot be read changes nothing, and what is applied are facts."""

import contextlib
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import keys
from services.intake.members import CSV, NDJSON, Lines, LineWrong, Member
from tests.services.intake.conftest import WRITE_KEY, Door, basic

VIP = keys.audience("acme", "vip")


async def sync(door: Door, method: str, body: bytes, *, kind: str = NDJSON, name: str = "vip") -> tuple[int, Any]:
    headers = {"authorization": basic(WRITE_KEY), "content-type": kind}
    async with door.http.request(method, f"{door.url}/v1/audiences/{name}", data=body, headers=headers) as got:
        return got.status, await got.json()


async def inside(door: Door) -> set[str]:
    found = {user: await door.facts(user) for user in ("ada", "bob", "eve")}
    return {user for user, facts in found.items() if facts is not None and "vip" in facts.segments}


def lines(*users: str) -> bytes:
    return b"".join(f'{{"userId": "{user}"}}\n'.encode() for user in users)


async def test_a_whole_audience_replaces_the_one_before_and_touches_only_who_joins_or_leaves(door: Door) -> None:
    status, answer = await sync(door, "PUT", lines("ada", "bob", "ada"))
    assert (status, answer) == (200, {"success": True, "members": 2, "joined": 2, "left": 0, "damaged": 0})
    status, answer = await sync(door, "PUT", b"userId\nbob\neve\n", kind=CSV)
    assert answer == {"success": True, "members": 2, "joined": 1, "left": 1, "damaged": 0}
    assert await inside(door) == {"bob", "eve"}
    found = (await sync(door, "GET", b""))[1]
    assert found.pop("changedMs") > 0
    assert found == {"members": 2, "read": 0, "applied": 0, "running": False}


async def test_a_difference_changes_whom_it_names(door: Door) -> None:
    await sync(door, "PUT", lines("ada", "bob"))
    body = b'{"userId": "ada", "member": false}\n{"userId": "eve", "member": true}\n{"userId": "zoe", "member": false}'
    assert (await sync(door, "PATCH", body))[1] == {"success": True, "members": 2, "joined": 1, "left": 1, "damaged": 0}
    assert await inside(door) == {"bob", "eve"}


async def test_one_bad_line_and_nothing_is_changed(door: Door) -> None:
    await sync(door, "PUT", lines("ada"))
    for bad in (b"{", b'{"member": true}', b'{"userId": ""}', b'{"userId": "a\\u0000"}', b"\xff", b'"' + b"x" * 5_000):
        status, answer = await sync(door, "PUT", lines("bob") + bad + b"\n" + lines("eve"))
        assert (status, answer["reason"], answer["field"]) == (400, "LINE", "line 2")
    assert await inside(door) == {"ada"}
    assert (await sync(door, "GET", b""))[1]["members"] == 1


async def test_only_audiences_that_the_policy_names_are_taken_and_one_at_a_time(door: Door) -> None:
    assert (await sync(door, "PUT", lines("ada"), name="others"))[0] == 403
    assert (await sync(door, "PUT", lines("ada"), kind="application/json"))[0] == 415
    await door.redis.set(f"{VIP}:lease", "somebody")
    assert (await sync(door, "PUT", lines("ada")))[0] == 409
    assert await inside(door) == set()


async def test_who_cannot_be_changed_for_damage_is_told_and_nobody_else_waits_for_them(door: Door) -> None:
    await sync(door, "PUT", lines("ada"))
    (key,) = [key async for key in door.redis.scan_iter("*:facts:*")]
    stored = await door.redis.get(key)
    assert isinstance(stored, bytes)
    await door.redis.set(key, b"{")
    assert (await sync(door, "PUT", lines("bob")))[1] == {
        "success": True,
        "members": 2,
        "joined": 1,
        "left": 0,
        "damaged": 1,
    }
    await door.redis.set(key, stored)
    assert (await sync(door, "PUT", lines("bob")))[1]["left"] == 1
    assert await inside(door) == {"bob"}


async def test_who_was_let_in_by_a_synchronisation_that_was_interrupted_is_put_out_by_the_next(door: Door) -> None:
    await sync(door, "PUT", lines("ada", "bob"))
    await door.redis.rename(VIP, f"{VIP}:joined")  # as it stands when a process ends while it applies
    assert (await sync(door, "PUT", lines("bob")))[1] == {
        "success": True,
        "members": 1,
        "joined": 0,
        "left": 1,
        "damaged": 0,
    }
    assert await inside(door) == {"bob"}


@given(st.lists(st.tuples(st.text("abc é", min_size=1, max_size=4), st.booleans())), st.integers(1, 7), st.booleans())
def test_members_are_the_same_however_their_lines_are_cut(told: Any, size: int, newline: bool) -> None:  # noqa: FBT001
    body = "\n".join(f'{{"userId": "{user}", "member": {str(member).lower()}}}' for user, member in told)
    raw = (body + "\n" * newline).encode()
    reading = Lines(NDJSON)
    found = [each for at in range(0, len(raw), size) for each in reading.feed(raw[at : at + size])]
    assert [*found, *reading.end()] == [Member(user, member) for user, member in told]


@given(st.binary(max_size=60), st.sampled_from([NDJSON, CSV]), st.randoms(use_true_random=False))
def test_whatever_comes_is_members_or_a_wrong_line(raw: bytes, kind: str, draw: random.Random) -> None:
    reading = Lines(kind)
    cut = draw.randint(0, len(raw))
    with contextlib.suppress(LineWrong):
        assert all(each.user_id for each in [*reading.feed(raw[:cut]), *reading.feed(raw[cut:]), *reading.end()])


def test_a_line_that_does_not_end_is_no_line() -> None:
    with pytest.raises(LineWrong):
        list(Lines(NDJSON).feed(b" " * 5_000))
