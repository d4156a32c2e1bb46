"""Requests that were made before, and how far they have come, so that no repeat of one acts twice.

Unlike the embedded CRM's, what is done here is not part of our transaction: it is noted before the vendor is asked that
a request is under way, and after it what came of it. What is still under way when nobody works on it any more is in
doubt.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from gateway.core.errors import CallEnded, Reason, invalid
from services.crm.asking import said
from services.crm.repeats import KEPT_MS
from services.crm.store import Store

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS asked (request_id TEXT PRIMARY KEY, digest BLOB NOT NULL, state TEXT NOT NULL,
       answer BLOB, subject TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS asked_at ON asked (at_ms)",
    "CREATE INDEX IF NOT EXISTS asked_subject ON asked (subject)",
)
_UNDER_WAY, _DONE = "under way", "done"
_MAX_ID: Final = 100


class Done(NamedTuple):
    """What a request came to."""

    answer: bytes
    subject: str
    """Name of the contact it is about; where that contact is deleted, the answer is forgotten."""


class Remembering:
    """Keeps what became of requests for 24 hours."""

    def __init__(self, store: Store, *, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._working: set[str] = set()

    async def once(
        self,
        request_id: str,
        *,
        asked: bytes,
        act: Callable[[], Awaitable[Done]],
        act_again: Callable[[], Awaitable[Done]] | None,
    ) -> bytes:
        """The answer of `act`, or the first one where the id was used before; without an id `act` always runs.

        `request_id` is the caller's own, see `services.crm.asking.own`. `asked` is a fingerprint of the request.
        `act_again` is what finds out about one that is in doubt and does it if it was not done; `None`: nobody can.

        Raises:
            CallEnded: what `act` ends with; IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_RUNNING, UPSTREAM_IN_DOUBT,
                NOT_FOUND where the answer has been forgotten.
        """
        if not request_id:
            return (await act()).answer
        if len(said(request_id)) > _MAX_ID:
            raise invalid("request_id", f"request_id must be at most {_MAX_ID} characters.")
        if request_id in self._working:
            raise CallEnded(
                Reason.IDEMPOTENCY_KEY_RUNNING, "The first request with this id has not ended yet; retry later."
            )
        self._working.add(request_id)
        try:
            before = await self._store.write(lambda connection: self._begin(connection, request_id, asked))
            if isinstance(before, bytes):
                return before
            return await (self._first(request_id, act) if before is None else self._again(request_id, act_again))
        finally:
            self._working.discard(request_id)

    async def forget(self, subject: str) -> None:
        """Forget the answers about a contact, but not that the requests were made."""
        await self._store.write(
            lambda connection: connection.execute("UPDATE asked SET answer = NULL WHERE subject = ?", (subject,))
        )

    async def _first(self, request_id: str, act: Callable[[], Awaitable[Done]]) -> bytes:
        try:
            done = await act()
        except CallEnded as error:
            if error.reason is not Reason.UPSTREAM_IN_DOUBT:  # it has surely not acted, so it may be tried again
                await self._store.write(
                    lambda connection: connection.execute("DELETE FROM asked WHERE request_id = ?", (request_id,))
                )
            raise
        return await self._keep(request_id, done)

    async def _again(self, request_id: str, act: Callable[[], Awaitable[Done]] | None) -> bytes:
        """Of one in doubt. Whatever it ends with, the first one stays in doubt."""
        if act is None:
            raise CallEnded(
                Reason.UPSTREAM_IN_DOUBT,
                "The first request with this id may or may not have acted: find out, then use a new id.",
                metadata={"request_id": said(request_id)},
            )
        return await self._keep(request_id, await act())

    async def _keep(self, request_id: str, done: Done) -> bytes:
        await self._store.write(
            lambda connection: connection.execute(
                "UPDATE asked SET state = ?, answer = ?, subject = ? WHERE request_id = ?",
                (_DONE, done.answer, done.subject, request_id),
            )
        )
        return done.answer

    def _begin(self, connection: sqlite3.Connection, request_id: str, asked: bytes) -> bytes | bool | None:
        """The first answer; `None` where the request is new, `False` where it is in doubt."""
        now_ms = self._clock_ms()
        connection.execute("DELETE FROM asked WHERE at_ms < ?", (now_ms - KEPT_MS,))
        row = connection.execute(
            "SELECT digest, state, answer FROM asked WHERE request_id = ?", (request_id,)
        ).fetchone()
        if row is None:
            connection.execute(
                "INSERT INTO asked VALUES (?, ?, ?, NULL, '', ?)", (request_id, asked, _UNDER_WAY, now_ms)
            )
            return None
        digest, state, answer = row
        if digest != asked:
            raise CallEnded(
                Reason.IDEMPOTENCY_KEY_REUSED,
                f"request_id {said(request_id)} was used with another request; choose a new one.",
                metadata={"request_id": said(request_id)},
            )
        if state == _UNDER_WAY:
            return False
        if answer is None:
            raise CallEnded(
                Reason.NOT_FOUND,
                f"What request {said(request_id)} was about has been erased since.",
                metadata={"request_id": said(request_id)},
            )
        found: bytes = answer
        return found
