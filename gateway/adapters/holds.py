"""Holds in the store: kept, read, moved one step at a time, and forgotten. Requests and answers lie there sealed."""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final, Protocol, cast

import msgspec
from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from gateway.adapters.admission import written
from gateway.adapters.redis_connection import CommandRefused, StoreConnection
from gateway.adapters.sealing import MARK, SEAL_BYTES, Damaged, Sealer
from gateway.core import keys
from gateway.core.holds import OVER, Hold, HoldState, due_ms
from gateway.core.keys import Cell
from gateway.core.record import Outcome, Record
from gateway.core.stops import stops_of
from gateway.redis_clients import Client

SOURCES: Final = ("stops.lua", "appending.lua", "holds.lua")
AT_ONCE: Final = 64
"""Most holds of one tenant that are looked at in one go; the next ones follow at once."""
KEPT_ANSWER_BYTES: Final = 1024 * 1024
"""Largest answer that is kept for the agent, sealed, the same as for a repeat of any other call."""
_ENCODER: Final = msgspec.json.Encoder()
_OUTCOME: Final = msgspec.json.Decoder(Outcome)
_FIELDS: Final = tuple(field for field in Hold.__struct_fields__ if field != "cell")
# What becomes of the call's own idempotency key once its hold is over.
_KEY_STATES: Final = {
    HoldState.EXECUTED: "done",
    HoldState.IN_DOUBT: "doubt",
    HoldState.REFUSED: "refused",
    HoldState.EXPIRED: "free",
    HoldState.FAILED: "free",
}


class KeptRequest(msgspec.Struct, frozen=True):
    """A request as the agent sent it, and what of its metadata is needed to make the call later."""

    request: bytes
    metadata: tuple[tuple[str, str], ...] = ()


class Line(Protocol):
    """How holds speak to the store."""

    async def send(self, *command: str | bytes | int) -> Any:
        """Send a command to where its first key lies; gives its reply."""

    async def load(self, source: str, *, beside: str = "") -> None:
        """Load functions into the server that keeps the key `beside`; empty: into every server that answers."""


class _OverConnection:
    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    async def send(self, *command: str | bytes | int) -> Any:
        return await self._connection.send(*command)

    async def load(self, source: str, *, beside: str = "") -> None:
        command = ("FUNCTION", "LOAD", "REPLACE", source)
        await (self._connection.beside(beside, *command) if beside else self._connection.everywhere(*command))


class _OverRedis:
    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def send(self, *command: str | bytes | int) -> Any:
        return await self._redis.execute_command(*command)

    async def load(self, source: str, *, beside: str = "") -> None:
        where = {}
        if isinstance(self._redis, RedisCluster):
            await self._redis.initialize()
            where["target_nodes"] = self._redis.get_node_from_key(beside) if beside else self._redis.get_primaries()
        await cast("Any", self._redis).execute_command("FUNCTION", "LOAD", "REPLACE", source, **where)


def over_connection(connection: StoreConnection) -> Line:
    """Holds over the hot path's connection. It raises `StoreDown` and `CommandRefused`."""
    return _OverConnection(connection)


def over_redis(redis: Client) -> Line:
    """Holds over a client of redis-py. It raises `RedisError`."""
    return _OverRedis(redis)


async def hold_in(line: Line, cell: Cell, hold_id: str) -> Hold | None:
    """The hold in this cell; `None` where there is none, or it was forgotten.

    Raises:
        Damaged: what is there is no hold.
    """
    return _hold(await line.send("HMGET", keys.hold(cell, hold_id), *_FIELDS), cell)


class HoldStore:
    """The holds of all tenants. Raises what its line does when the store does not answer."""

    def __init__(self, line: Line, sealer: Sealer) -> None:
        files = resources.files("gateway.adapters")
        source = "\n".join([files.joinpath(name).read_text(encoding="utf-8") for name in SOURCES])
        self._library = f"pilote_holds_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        self._source = source.replace("@LIBRARY@", self._library)
        self._line = line
        self._sealer = sealer

    async def prepare(self) -> None:
        """Load the functions, so that the first held call need not wait for that."""
        await self._line.load(self._source)

    async def keep(
        self,
        hold: Hold,
        kept: KeptRequest,
        *,
        record: Record,
        as_repeat: Record,
        request_hash: str = "",
        max_open: int,
        pending: tuple[tuple[str, str], ...] = (),
        beside: bytes = b"",
    ) -> tuple[Outcome, bytes]:
        """Keep a call and write its record, in one step; or neither, and say what its first sending came to.

        `request_hash` stands for the request where the call has an idempotency key. `as_repeat` is its record in case
        the first sending has been answered: then that is granted, and the bytes are the answer, see `answer`. Where
        `max_open` calls of the cell wait already, the call is refused for LIMIT_EXCEEDED. `pending` is where it claims
        a slot against less important calls, as (key, member). `beside` is what goes beside the record.
        """
        clear = msgspec.msgpack.encode(kept)
        request = self._sealer.seal(clear, bound_to=_bound(hold.tenant, hold.agent, hold.id, "request", hold))
        outcome, answer = await self._call(
            "keep",
            (*_names(hold), keys.stops(_cell(hold)), *(key for key, _ in pending)),
            *(hold.created_ms, hold.id, written(record, beside), written(as_repeat, beside)),
            *(request_hash, hold.expires_ms, due_ms(hold), max_open),
            *stops_of(record),
            msgspec.msgpack.encode([member for _, member in pending]),
            *_fields(hold),
            *("request", request),
        )
        return _OUTCOME.decode(outcome), answer

    async def read(self, cell: Cell, hold_id: str) -> Hold | None:
        """See `hold_in`."""
        return await hold_in(self._line, cell, hold_id)

    async def find(self, cells: Sequence[Cell], hold_id: str) -> Hold | None:
        """The hold in any of these cells; its name does not say in which.

        Where it is not found and a cell cannot be read, it may be there: then that is raised.

        Raises:
            Damaged: what is there is no hold.
        """
        if len(cells) == 1:
            return await self.read(cells[0], hold_id)
        found = await asyncio.gather(*(self.read(cell, hold_id) for cell in cells), return_exceptions=True)
        problem = None
        for each in found:
            if isinstance(each, Hold):
                return each
            problem = problem or each
        if problem is not None:
            raise problem
        return None

    async def move(self, before: Hold, after: Hold, *, record: Record | None = None, answer: bytes = b"") -> bool:
        """Take the step from `before` to `after`; False where the hold has changed since it was read.

        `record` is written with it. `answer` is the upstream's, as `seal_answer` gives it; empty where it is not kept.
        """
        key_state = _KEY_STATES.get(after.state, "") if after.request_key else ""
        if key_state == "done" and not answer:  # an answer that is not kept cannot be given again
            key_state = "doubt"
        moved = await self._call(
            "move",
            _names(after),
            *(before.version, after.id, due_ms(after), "" if after.state in OVER else after.created_ms),
            *(b"" if record is None else _ENCODER.encode(record), key_state, answer),
            *_fields(after),
            *(("response", answer) if answer else ()),
        )
        return bool(moved)

    async def due(self, cell: Cell, *, now_ms: int) -> tuple[tuple[str, ...], int]:
        """Ids of a cell's holds about which something must be done now, and a number that grows when any changes."""
        names = (keys.holds_due(cell), keys.holds_changes(cell))
        ids, changes = await self._call("due", names, now_ms, AT_ONCE)
        return tuple(each.decode() for each in ids), int(changes)

    async def versions(self, cell: Cell, ids: Sequence[str]) -> list[int]:
        """The versions of these holds, which grow with every step; 0 for one that is not in the cell."""
        found = await asyncio.gather(*(self._line.send("HGET", keys.hold(cell, each), "version") for each in ids))
        return [int(version or 0) for version in found]

    async def set_aside(self, cell: Cell, hold_id: str) -> None:
        """Do nothing more about a hold; what is in the store stays, for people to look at."""
        await self._line.send("ZREM", keys.holds_due(cell), hold_id)

    async def open(self, cell: Cell, *, count: int = 1000) -> tuple[Hold, ...]:
        """A cell's holds that are not over, the oldest first; without what is none."""
        found = []
        for each in await self._line.send("ZRANGE", keys.holds_open(cell), 0, count - 1):
            with contextlib.suppress(Damaged):
                found.append(await self.read(cell, each.decode()))
        return tuple(hold for hold in found if hold is not None)

    async def forget(self, hold: Hold) -> None:
        """Remove a hold that is over, and the answer with it."""
        await self._call("forget", _forgotten(_cell(hold), hold.id), hold.version, hold.id)

    async def forget_lost(self, cell: Cell, hold_id: str) -> None:
        """Remove the traces of a hold that is not there any more."""
        await self._call("forget", _forgotten(cell, hold_id), 0, hold_id)

    async def request(self, hold: Hold) -> KeptRequest:
        """The request, exactly as it came.

        Raises:
            Damaged: it is not what was kept.
            KeyMissing: another process has the key.
        """
        sealed = await self._line.send("HGET", keys.hold(_cell(hold), hold.id), "request")
        bound = _bound(hold.tenant, hold.agent, hold.id, "request", hold)
        clear = self._sealer.open(sealed or b"", bound_to=bound)
        return msgspec.msgpack.decode(clear, type=KeptRequest)

    async def response(self, hold: Hold) -> bytes | None:
        """The upstream's answer to an executed call; `None` where there is none, or it was too large to keep.

        Raises:
            Damaged: it is not what was kept.
            KeyMissing: another process has the key.
        """
        sealed = await self._line.send("HGET", keys.hold(_cell(hold), hold.id), "response")
        return None if sealed is None else self.answer(sealed, tenant=hold.tenant, agent=hold.agent, hold_id=hold.id)

    async def attempt(self, hold: Hold) -> tuple[str, bytes]:
        """How the last attempt to make the call was settled ("done", "doubt", "running", ""), and its sealed answer."""
        name = keys.hold_request(_cell(hold), hold.id, attempt=hold.attempt)
        state, answer = await self._line.send("HMGET", name, "state", "answer")
        return (state or b"").decode(), answer or b""

    def seal_answer(self, answer: bytes, *, tenant: str, agent: str, first: str) -> bytes:
        """The answer as it is kept for repeats of a decision, or for the agent of a hold; `first` is its id.

        Empty for one that is too large.
        """
        if len(answer) > KEPT_ANSWER_BYTES - SEAL_BYTES:
            return b""
        return self._sealer.seal(answer, bound_to=_bound(tenant, agent, first, "response"))

    def answer(self, kept: bytes, *, tenant: str, agent: str, hold_id: str) -> bytes:
        """An answer that was kept for a repeat, opened; one that an earlier version kept open as it is.

        Raises:
            Damaged: it is not what was kept.
            KeyMissing: another process has the key.
        """
        if not kept.startswith(MARK):
            return kept
        return self._sealer.open(kept, bound_to=_bound(tenant, agent, hold_id, "response"))

    async def _call(self, function: str, names: tuple[str, ...], *arguments: str | bytes | int) -> Any:
        """Call a function of ours; load it first where the server does not know it."""
        command = ("FCALL", f"{self._library}_{function}", len(names), *names, *arguments)
        try:
            return await self._line.send(*command)
        except (CommandRefused, ResponseError) as error:
            if "unction not found" not in str(error):
                raise
        await self._line.load(self._source, beside=names[0])
        return await self._line.send(*command)


def _cell(hold: Hold) -> Cell:
    return keys.cell(hold.tenant, hold.cell)


def _names(hold: Hold) -> tuple[str, ...]:
    cell = _cell(hold)
    stream = keys.decisions(cell)
    return (
        stream,
        keys.hold(cell, hold.id),
        keys.holds_due(cell),
        keys.holds_open(cell),
        keys.holds_changes(cell),
        hold.request_key or stream,
    )


def _forgotten(cell: Cell, hold_id: str) -> tuple[str, ...]:
    return keys.hold(cell, hold_id), keys.holds_due(cell), keys.holds_open(cell)


def _bound(tenant: str, agent: str, hold_id: str, what: str, hold: Hold | None = None) -> bytes:
    """What something sealed belongs to, so that it opens nowhere else: a request also to its method and its hash."""
    more = () if hold is None else (hold.method, hold.sha256)
    return _ENCODER.encode((what, tenant, agent, hold_id, *more))


def _fields(hold: Hold) -> list[str | bytes | int]:
    """The hold as the fields of a hash."""
    found: list[str | bytes | int] = []
    for name in _FIELDS:
        found += (name, getattr(hold, name))
    return found


def _hold(values: list[bytes | None], cell: Cell) -> Hold | None:
    if all(value is None for value in values):
        return None
    try:
        told: Mapping[str, str] = {
            name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value is not None
        }
        hold = msgspec.convert(told, Hold, strict=False)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Damaged from error
    # The tenant may have been moved to other cells since it was written.
    request_key = keys.within(cell, hold.request_key) if hold.request_key else ""
    return msgspec.structs.replace(hold, cell=keys.number_of(cell), request_key=request_key)
