"""The connection of the hot path: in order, never late, and up again by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.adapters.redis_connection import CommandRefused, RedisConnection, StoreDown
from tests.adapters.conftest import PATIENT_MS, freeze, thaw, until
from tests.conftest import RedisProcess

pytestmark = pytest.mark.one_server


@pytest.fixture
async def connection(redis_url: str) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(redis_url, timeout_ms=PATIENT_MS)
    await connection.open()
    yield connection
    await connection.close()


@pytest.fixture
async def hasty(own_redis: RedisProcess) -> AsyncIterator[RedisConnection]:
    """A connection that gives up early, to a server that may be hurt."""
    connection = RedisConnection(own_redis.url, timeout_ms=40)
    await connection.open()
    yield connection
    await connection.close()


async def is_up(connection: RedisConnection) -> bool:
    return connection.up


async def test_commands_of_one_turn_get_their_own_replies(connection: RedisConnection) -> None:
    await asyncio.gather(*(connection.send("SET", f"k{n}", n) for n in range(1000)))
    assert await asyncio.gather(*(connection.send("GET", f"k{n}") for n in range(1000))) == [
        str(n).encode() for n in range(1000)
    ]


async def test_a_refused_command_fails_alone(connection: RedisConnection) -> None:
    replies = await asyncio.gather(
        connection.send("SET", "k", "text"),
        connection.send("LPUSH", "k", "x"),
        connection.send("NONSENSE"),
        connection.send("GET", "k"),
        return_exceptions=True,
    )
    assert replies[0] == b"OK"
    assert [type(reply) for reply in replies[1:3]] == [CommandRefused, CommandRefused]
    assert replies[3] == b"text"


async def test_replies_keep_meeting_their_commands_when_some_callers_have_gone(connection: RedisConnection) -> None:
    futures = [connection.send("ECHO", str(n)) for n in range(10)]
    for future in futures[::2]:
        future.cancel()
    assert await asyncio.gather(*futures[1::2]) == [b"1", b"3", b"5", b"7", b"9"]
    assert await connection.send("ECHO", "after") == b"after"


async def test_bytes_text_and_numbers_travel_as_they_are(connection: RedisConnection) -> None:
    for sent, wanted in ((b"\x00\r\n\xff", b"\x00\r\n\xff"), ("é’", "é’".encode()), (-7, b"-7"), ("", b"")):
        assert await connection.send("ECHO", sent) == wanted


async def test_a_reply_of_many_packets_arrives_whole(connection: RedisConnection) -> None:
    blob = b"x" * 5_000_000
    await connection.send("SET", "k", blob)
    assert await connection.send("GET", "k") == blob


async def test_a_silent_server_is_given_up_on_in_time_then_at_once_and_taken_back_at_its_first_sign_of_life(
    own_redis: RedisProcess, hasty: RedisConnection
) -> None:
    ups: list[None] = []
    hasty.on_up(lambda: ups.append(None))
    freeze(own_redis)
    with pytest.raises(StoreDown):
        await hasty.send("SET", "k", "late")
    assert not hasty.up
    with pytest.raises(StoreDown):
        hasty.send("GET", "k")
    thaw(own_redis)
    await until(lambda: is_up(hasty))
    assert len(ups) == 1
    # The late command was carried out, and its reply is not taken for the next one's.
    assert await hasty.send("GET", "k") == b"late"


async def test_a_killed_server_fails_what_waits_at_once_and_is_found_again_when_it_is_back(
    own_redis: RedisProcess, hasty: RedisConnection
) -> None:
    ups: list[None] = []
    hasty.on_up(lambda: ups.append(None))
    freeze(own_redis)
    waiting = hasty.send("GET", "k")
    own_redis.kill()
    with pytest.raises(StoreDown):
        await waiting
    with pytest.raises(StoreDown):
        hasty.send("GET", "k")
    own_redis.start()
    await until(lambda: is_up(hasty))
    assert len(ups) == 1
    assert await hasty.send("PING") == b"PONG"


async def test_a_connection_that_the_server_closes_is_made_anew(
    own_redis: RedisProcess, hasty: RedisConnection
) -> None:
    number = await hasty.send("CLIENT", "ID")
    async with Redis.from_url(own_redis.url) as redis:
        await redis.client_kill_filter(_id=str(number))
    await until(lambda: _renumbered(hasty, number))


async def _renumbered(connection: RedisConnection, before: int) -> bool:
    try:
        return bool(await connection.send("CLIENT", "ID") != before)
    except StoreDown:
        return False


async def test_without_a_server_opening_fails(tmp_path: Path) -> None:
    with pytest.raises(StoreDown):
        await RedisConnection(f"unix://{tmp_path}/none.sock", timeout_ms=40).open()


async def test_a_server_that_accepts_and_says_nothing_fails_the_opening(own_redis: RedisProcess) -> None:
    freeze(own_redis)
    connection = RedisConnection(own_redis.url, timeout_ms=40)
    with pytest.raises(StoreDown):
        await connection.open()
    await connection.close()
    thaw(own_redis)


async def test_password_user_and_database_come_from_the_url(own_redis: RedisProcess) -> None:
    async with Redis.from_url(own_redis.url) as redis:
        await redis.config_set("requirepass", "s3cret/é")
        await redis.acl_setuser("pilote", enabled=True, passwords=["+pw"], commands=["+@all"], keys=["*"])
    for credential in ("password=s3cret%2F%C3%A9", "username=pilote&password=pw"):
        connection = RedisConnection(f"{own_redis.url}?db=3&{credential}", timeout_ms=PATIENT_MS)
        await connection.open()
        await connection.send("SET", "k", credential)
        found = await connection.send("CLIENT", "INFO")
        assert b" db=3 " in found
        await connection.close()
    connection = RedisConnection(f"{own_redis.url}?password=wrong", timeout_ms=PATIENT_MS)
    with pytest.raises(StoreDown):
        await connection.open()
    await connection.close()


async def test_a_connection_is_not_up_before_it_has_proved_itself_to_the_end(own_redis: RedisProcess) -> None:
    async with Redis.from_url(own_redis.url) as redis:
        await redis.acl_setuser("limited", enabled=True, passwords=["+pw"], commands=["+select"], keys=["*"])
    connection = RedisConnection(f"{own_redis.url}?db=3&username=limited&password=pw", timeout_ms=PATIENT_MS)
    ups: list[bool] = []
    connection.on_up(lambda: ups.append(connection.up))
    with pytest.raises(StoreDown):  # it may log in and choose a database, but not read
        await connection.open()
    assert (ups, connection.up) == ([], False)
    await connection.close()


async def test_after_closing_nothing_waits_and_nothing_is_taken(own_redis: RedisProcess) -> None:
    connection = RedisConnection(own_redis.url, timeout_ms=PATIENT_MS)
    await connection.open()
    freeze(own_redis)
    waiting = connection.send("GET", "k")
    await connection.close()
    with pytest.raises(StoreDown):
        await waiting
    thaw(own_redis)
