"""What customers say, added to their facts in Redis: one statement at a time, and nothing else is touched.

The facts of a subject are one value, so that a worker reads them in one go and forgets them by one message. They are
changed by comparing and swapping it: whoever was overtaken begins anew, so no statement is ever lost to another.
"""

from collections.abc import Callable
from typing import Final, cast

import msgspec

from gateway.adapters.cells import CellBook
from gateway.adapters.swapping import SWAP
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.consents import Consent, added, said_at, said_now
from gateway.redis_clients import Client

_DECODER: Final = msgspec.json.Decoder(Facts)
_TIMES: Final = msgspec.json.Decoder(dict[str, int])
_DAMAGED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ConsentStore:
    """Adds to what is known of a subject. When a method returns, no worker keeps on deciding by what was known before.

    Every method raises `RedisError` when the store does not answer, `msgspec.DecodeError` when what it holds of the
    subject is damaged.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._cells = CellBook(redis)

    async def say(
        self, tenant: str, subject_ref: str, *, statements: tuple[Consent, ...], now_ms: int, exactly: bool = False
    ) -> None:
        """Add statements as said at `now_ms`. `exactly`: at that very time, which may be long ago.

        Without it a "no" is never said before the consent that it answers, whatever clock that was written by.
        """
        say = said_at if exactly else said_now

        def change(before: Facts) -> Facts:
            records = before.consent_records
            for statement in statements:
                records = added(records, say(records, statement, now_ms=now_ms))
            return msgspec.structs.replace(before, known=True, consent_records=records)

        await self._change(tenant, subject_ref, change)

    async def know(self, tenant: str, subject_ref: str, *, facts: Facts, replace_damaged: bool = False) -> None:
        """Replace all that is known of the subject but its unit and its statements: to those the new ones are added.

        `replace_damaged`: what cannot be read counts as if nothing were there.
        """

        def change(before: Facts) -> Facts:
            records = before.consent_records
            for statement in facts.consent_records:
                records = added(records, statement)
            return msgspec.structs.replace(facts, consent_records=records, unit=facts.unit or before.unit)

        await self._change(tenant, subject_ref, change, replace_damaged=replace_damaged)
        if replace_damaged:
            await self._forget_damaged_times(tenant, subject_ref)

    async def read(self, tenant: str, subject_ref: str) -> Facts | None:
        """What is known of the subject; `None` for nothing."""
        stored = await self._redis.get(keys.facts(await self._cells.of_subject(tenant, subject_ref), subject_ref))
        return None if stored is None else _DECODER.decode(stored)

    async def _forget_damaged_times(self, tenant: str, subject_ref: str) -> None:
        key = keys.fact_times(await self._cells.of_subject(tenant, subject_ref), subject_ref)
        stored = cast("bytes | None", await self._redis.get(key))
        try:
            _TIMES.decode(stored or b"{}")
        except _DAMAGED:
            await self._redis.delete(key)

    async def _change(
        self, tenant: str, subject_ref: str, change: Callable[[Facts], Facts], *, replace_damaged: bool = False
    ) -> None:
        key = keys.facts(await self._cells.of_subject(tenant, subject_ref), subject_ref)
        while True:  # one of those who meet here always wins, so this ends
            stored = cast("bytes | None", await self._redis.get(key)) or b""
            try:
                before = _DECODER.decode(stored) if stored else Facts()
            except _DAMAGED:
                if not replace_damaged:
                    raise
                before = Facts()
            after = msgspec.json.encode(change(before))
            if after == stored or await self._redis.eval(SWAP, 1, key, stored, after):
                return
