"""The members of an audience in the order in which they were added, each with the time and the name that agents use.

A sorted set beside the members' own, in the same slot: its score is the time, and of those who were added at once, as
all of a synchronisation are, the pseudonym decides. Names are sealed under a key of their own, so that the store alone
tells nobody who belongs to what.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.core import keys
from gateway.redis_clients import Client

AT_ONCE: Final = 1_000
LEASE_MS: Final = 60_000
"""After so long without progress another synchronisation of the audience may begin."""
STAGED_MS: Final = 24 * 3_600_000
"""How long what was sent of one is kept, where nobody goes on with it."""
_SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_PURPOSE: Final = b"pilote: names of members"
_KEY_BYTES: Final = 64


class NameDamaged(Exception):
    """What the store holds of a member's name was changed, or sealed under another key."""


class Place(NamedTuple):
    """Where a member stands."""

    added_ms: int
    """Since the epoch."""
    subject_ref: str


class Listed(NamedTuple):
    """A member."""

    customer: str
    place: Place


class MemberOrder:
    """Keeps the order. `key` is what pseudonyms are made with; methods raise `RedisError` without the store.

    `name` is the audience's key (`gateway.core.keys.audience`), pseudonyms are bytes.
    """

    def __init__(self, redis: Client, *, key: bytes) -> None:
        self._redis: Any = redis
        derived = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(key)
        self._cipher = AESSIV(derived)

    async def stage(self, name: str, joining: Mapping[bytes, str], leaving: Collection[bytes]) -> None:
        """Remember the names of those who join, until `add`; those who are in the order have told theirs."""
        refs = list(joining)
        scores = await self._redis.zmscore(f"{name}:order", refs) if refs else []
        new = {
            ref: self._seal(name, ref, joining[ref]) for ref, score in zip(refs, scores, strict=True) if score is None
        }
        async with self._redis.pipeline(transaction=False) as pipe:
            if new:
                pipe.hset(f"{name}:named", mapping=new)
                pipe.pexpire(f"{name}:named", STAGED_MS)
            if leaving:
                pipe.hdel(f"{name}:named", *leaving)
            if new or leaving:
                await pipe.execute()

    async def unstage(self, name: str, refs: Collection[bytes]) -> None:
        """Those do not join after all."""
        if refs:
            await self._redis.hdel(f"{name}:named", *refs)

    async def add(self, name: str, *, at_ms: int) -> None:
        """Put those who were staged at the end, as added at `at_ms`."""
        cursor = -1
        while cursor != 0:
            cursor, found = await self._redis.hscan(f"{name}:named", max(cursor, 0), count=AT_ONCE)
            if not found:
                continue
            # Whatever a scan shows twice changes nothing. The name comes first: whoever is listed has one.
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(f"{name}:names", mapping=found)
                pipe.zadd(f"{name}:order", dict.fromkeys(found, at_ms), nx=True)
                pipe.pexpire(f"{name}:lease", LEASE_MS)
                await pipe.execute()
        await self._redis.delete(f"{name}:named")

    async def remove(self, name: str, refs: Collection[bytes]) -> None:
        """Take members out of the order, and forget their names."""
        if refs:
            await self._redis.zrem(f"{name}:order", *refs)
            await self._redis.hdel(f"{name}:names", *refs)

    async def drop(self, name: str) -> None:
        """Forget the whole order."""
        await self._redis.delete(f"{name}:order", f"{name}:names", f"{name}:named")

    async def page(
        self, tenant: str, segment: str, *, after: Place | None, size: int
    ) -> tuple[list[Listed], Place | None]:
        """At most `size` members after a place, and the place of the last where there are more. One round trip.

        A member that joins or leaves meanwhile moves no other one across a place.

        Raises:
            NameDamaged: a name cannot be read.
        """
        name = keys.audience(tenant, segment)
        place = (after.added_ms, bytes.fromhex(after.subject_ref)) if after is not None else ("", "")
        found = await self._redis.eval(_SCRIPT, 2, f"{name}:order", f"{name}:names", *place, size + 1)
        rows = [
            (Place(int(added_ms), ref.hex()), sealed)
            for ref, added_ms, sealed in zip(found[0][::2], found[0][1::2], found[1], strict=True)
        ]
        listed = [Listed(self._open(name, place, sealed), place) for place, sealed in rows[:size]]
        return listed, listed[-1].place if len(rows) > size else None

    def _seal(self, name: str, ref: bytes, customer: str) -> bytes:
        # Bound to the audience and the pseudonym, so that nobody lends a member another's name.
        return self._cipher.encrypt(customer.encode(), [name.encode(), ref])

    def _open(self, name: str, place: Place, sealed: bytes | None) -> str:
        try:
            return self._cipher.decrypt(sealed or b"", [name.encode(), bytes.fromhex(place.subject_ref)]).decode()
        except (InvalidTag, ValueError) as error:
            raise NameDamaged from error
