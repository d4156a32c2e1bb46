"""Published revisions in Redis: immutable, numbered, one of them active; changes are announced and polled for."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

import msgspec
from redis.exceptions import RedisError

from gateway.adapters.cells import CellBook, cells_in
from gateway.core import keys
from gateway.core.authority import Entry, How, Statement, authority_in, digest_of, lasting_in
from gateway.core.errors import CallEnded
from gateway.core.heads import head_of
from gateway.core.movement import with_moved
from gateway.core.policy.learning import Rollout
from gateway.core.trust import WORDS, Distrusted, Why
from gateway.redis_clients import Client
from gateway.signing import verify

_log = logging.getLogger(__name__)

CHANNEL: Final = f"{keys.REVISIONS}:announced"
POLL_SECONDS: Final = 0.5
"""Announcements may be lost; the poll is what promises that a revision is live within a second."""

ATTEMPTS: Final = 200
"""How often publishing without an expectation begins anew because another revision came first."""

_BATCH: Final = 500
"""Entries that are read at a time."""

# Publishing and activating are one step: `after` is the revision the author had before them, so that of two people
# who publish at once the second learns of the first. A proposal ends in the same step.
_PUBLISH: Final = """
local active = redis.call('GET', KEYS[1]) or '0'
if active ~= ARGV[1] then return {-1, active} end
local number = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
if ARGV[5] ~= '' then
  if redis.call('HGET', KEYS[5], ARGV[5]) ~= ARGV[6] or number ~= tonumber(ARGV[8]) then return {-2, active} end
  redis.call('HSET', KEYS[5], ARGV[5], ARGV[7])
end
redis.call('SET', KEYS[2], number)
redis.call('HSET', KEYS[3], number, ARGV[2])
redis.call('HSET', KEYS[4], number, ARGV[3])
redis.call('SET', KEYS[1], number)
redis.call('SET', KEYS[6], ARGV[9])
redis.call('PUBLISH', ARGV[4], number)
return {number, active}
"""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One revision as it is stored. `document` is canonical JSON, `sha256` its hash."""

    sha256: str
    author: str
    created_ms: int
    reason: str = ""
    document: msgspec.Raw


class Closing(msgspec.Struct, frozen=True):
    """A proposal that ends with the publication: its number, what is stored of it, and what shall be."""

    proposal: int
    before: bytes
    after: bytes
    revision: int
    """The number that `after` says the revision has."""


class RevisionConflict(Exception):
    """Another revision became active in the meantime."""

    def __init__(self, active: int) -> None:
        super().__init__(f"revision {active} is active")
        self.active = active


class ProposalChanged(Exception):
    """Somebody else has changed the proposal in the meantime; read it again."""


class PeopleAsked(Exception):
    """The policy names people, so nothing is published without their signatures."""


class RevisionStore:
    """Publishes revisions, and follows which one is active."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)
        self._active = keys.ACTIVE_REVISION
        self._last = keys.LAST_REVISION
        self._all = keys.ALL_REVISIONS

    async def publish(self, revision: Published, *, expected: int | None = None) -> int:
        """Store and activate a revision that nobody signs; returns its number. `expected` must be active before.

        Raises:
            RevisionConflict: another one is active than `expected`.
            PeopleAsked: the policy that is active, or this one, names people.
            CellsFixed: a tenant has another number of cells already.
            RedisError: the store does not answer.
        """
        for _ in range(ATTEMPTS):
            before = await self.active() if expected is None else expected
            base = await self.entry(before)
            authority = authority_in(revision.document)
            if authority.people or (base is not None and base.authority.people):
                raise PeopleAsked
            statement = stated(revision, how="apply", base=before, base_entry=base)
            try:
                return await self.add(revision, Entry(statement=statement, authority=authority, after=before))
            except RevisionConflict:
                if expected is not None:
                    raise
        raise RevisionConflict(await self.active())

    async def advance(
        self,
        *moved: Rollout,
        base: int,
        reason: str,
        now_ms: int,
        author: str = "",
        sign: Callable[[bytes], str] | None = None,
    ) -> int:
        """Publish revision `base` with those rollouts where they stand now; returns the number.

        Nobody needs to agree: the policy that people have approved says how its rollouts move, and nothing else may
        differ. `author` is who moved them; empty: the controller. Where the policy names people they `sign` it.

        Raises:
            RevisionConflict: another revision is active than `base`.
            NotOnlyMoved: a rollout is not there, or would change in more than where it stands.
            RedisError: the store does not answer.
        """
        before, base_entry = await self.read(base), await self.entry(base)
        if before is None:
            raise RevisionConflict(await self.active())
        document = with_moved(bytes(before.document), moved)
        revision = Published(
            sha256=hashlib.sha256(document).hexdigest(),
            author=author,
            created_ms=now_ms,
            reason=reason,
            document=msgspec.Raw(document),
        )
        statement = stated(revision, how="rollout", base=base, base_entry=base_entry)
        signature = "" if sign is None else sign(statement.signed)
        entry = Entry(statement=statement, signature=signature, authority=authority_in(document), after=base)
        return await self.add(revision, entry)

    async def add(
        self, revision: Published, entry: Entry, *, replacing: int | None = None, closing: Closing | None = None
    ) -> int:
        """Store and activate a revision as it is; returns its number.

        `replacing` must be active before; by default the revision that it follows.

        Whether it is properly signed is judged by those who run it (`gateway.adapters.trust`), not here.

        Raises:
            RevisionConflict: another one is active.
            ProposalChanged: the proposal that ends with it is not as it was.
            CellsFixed, RedisError: see `publish`.
        """
        await self._cells.fix(cells_in(revision.document))
        names = (self._active, self._last, self._all, keys.REVISION_ENTRIES, keys.PROPOSALS, keys.ACTIVE_STATEMENT)
        ends: tuple[str | bytes, ...] = ("", "", "", "")
        if closing is not None:
            ends = (str(closing.proposal), closing.before, closing.after, str(closing.revision))
        before = entry.after if replacing is None else replacing
        values = (str(before), msgspec.json.encode(revision), msgspec.json.encode(entry), CHANNEL, *ends)
        answer: Any = await self._redis.eval(_PUBLISH, len(names), *names, *values, entry.statement.sha256)
        number, active = answer
        if int(number) == -1:
            raise RevisionConflict(int(active))
        if int(number) == -2:
            raise ProposalChanged
        return int(number)

    async def head(self) -> tuple[int, int]:
        """The active revision, and the one that a new one should follow: another, where gateways do not run that."""
        active, last = await self.active(), await self.next() - 1
        entries: dict[int, Entry] = {}
        for first in range(1, last + 1, _BATCH):
            batch = range(first, min(first + _BATCH, last + 1))
            try:
                entries |= await self.entries(batch)
            except msgspec.DecodeError:  # somebody has written there; the others are still to be had
                for number in batch:
                    with contextlib.suppress(msgspec.DecodeError):
                        entries |= await self.entries((number,))
        return active, await asyncio.to_thread(head_of, active, entries, verify=verify)

    async def only_moved(self, base: int, head: int) -> bool:
        """Whether nothing but steps of rollouts leads from one revision to another."""
        number = head
        while number != base:
            step = await self.entry(number)
            if step is None or step.statement.how != "rollout" or step.statement.base >= number:
                return False
            number = step.statement.base
        return True

    async def next(self) -> int:
        """The number that the next revision gets."""
        return int(await self._redis.get(self._last) or 0) + 1

    async def entry(self, number: int) -> Entry | None:
        """Who made a revision, from what, and who has agreed; `None` for one that an earlier version published."""
        return (await self.entries((number,))).get(number)

    async def entries(self, numbers: Sequence[int]) -> dict[int, Entry]:
        """The same of several revisions, of those that are known.

        Raises:
            msgspec.DecodeError: one of them is damaged.
        """
        if not numbers:
            return {}
        found = await cast(
            "Awaitable[list[bytes | None]]", self._redis.hmget(keys.REVISION_ENTRIES, [str(each) for each in numbers])
        )
        return {
            number: msgspec.json.decode(body, type=Entry)
            for number, body in zip(numbers, found, strict=True)
            if body is not None
        }

    async def active(self) -> int:
        """Number of the active revision; 0 where there is none."""
        return int(await self._redis.get(self._active) or 0)

    async def read(self, number: int) -> Published | None:
        """The revision of that number."""
        body = await cast("Awaitable[bytes | None]", self._redis.hget(self._all, str(number)))
        return None if body is None else msgspec.json.decode(body, type=Published)

    async def follow(
        self,
        swap: Callable[[int, Published], Awaitable[None]],
        *,
        judge: Callable[[int, Published], Awaitable[None]] | None = None,
        refused: Callable[[int, Why], None] | None = None,
        looked: asyncio.Event | None = None,
    ) -> None:
        """Call `swap` with the active revision, now and whenever it changes; runs until cancelled.

        One that `judge` distrusts, or that cannot be read, is told to `refused`, and the one that runs goes on.
        `looked` is set once it has been looked for the first time, whatever came of it. While the store does not
        answer, the revision that runs goes on running; a `swap` that raises `CallEnded` for that reason is tried again.
        """
        seen: tuple[Any, ...] = ()
        us = asyncio.current_task()
        # redis-py swallows a cancellation that comes while it connects (measured with 8.1.0); the count of them stays.
        while us is None or not us.cancelling():
            try:
                # A store that was restored may give a number once more, so the number alone does not tell.
                active: Any = await self._redis.mget((self._active, keys.ACTIVE_STATEMENT))
                if active[0] is not None and tuple(active) != seen:
                    await self._take(int(active[0]), swap, judge=judge, refused=refused)
                    seen = tuple(active)
                if looked is not None:
                    looked.set()
                await self._announced()
            except (RedisError, OSError, TimeoutError, CallEnded):
                _log.warning(
                    "the store does not answer: the revision that runs goes on",
                    extra={"seen": int(seen[0]) if seen else 0},
                )
                await asyncio.sleep(POLL_SECONDS)

    async def _take(
        self,
        number: int,
        swap: Callable[[int, Published], Awaitable[None]],
        *,
        judge: Callable[[int, Published], Awaitable[None]] | None,
        refused: Callable[[int, Why], None] | None,
    ) -> None:
        """Swap a revision in, unless it must not run."""
        why: Why = "damaged"
        try:
            published = await self.read(number)
            if published is not None:
                if judge is not None:
                    await judge(number, published)
                await swap(number, published)
                return
            _log.error("revision %d is said to be active, but is not there: the one that runs goes on", number)
        except msgspec.DecodeError:
            _log.exception("revision %d is damaged: the one that runs goes on", number)
        except Distrusted as distrusted:
            why = distrusted.why
            text = "revision %d must not run, %s: the one that runs goes on"
            _log.error(text, number, WORDS[why][0], extra={"why": why})
        if refused is not None:
            refused(number, why)

    async def _announced(self) -> None:
        """Wait for an announcement, at most until the next poll."""
        async with self._redis.pubsub() as messages:
            await messages.subscribe(CHANNEL)
            # Not `asyncio.timeout`: redis-py may swallow its cancellation too, and then nobody would ever poll again.
            end = asyncio.get_running_loop().time() + POLL_SECONDS
            while (left := end - asyncio.get_running_loop().time()) > 0:
                message = await messages.get_message(timeout=left)
                if message is not None and message["type"] == "message":
                    return


def stated(revision: Published, *, how: How, base: int, base_entry: Entry | None, restores: int = 0) -> Statement:
    """What the author of a revision says of it. `base_entry` is known of the revision that it was made from."""
    document = bytes(revision.document)
    return Statement(
        how=how,
        document=hashlib.sha256(document).hexdigest(),
        lasting=lasting_in(document),
        authority=digest_of(authority_in(document)),
        base=base,
        base_sha256="" if base_entry is None else base_entry.statement.sha256,
        restores=restores,
        author=revision.author,
        reason=revision.reason,
        created_ms=revision.created_ms,
    )
