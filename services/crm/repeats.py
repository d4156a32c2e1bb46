"""Requests that were made before: the same `request_id` gets the first answer, and nothing is done twice."""

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Final

from gateway.core.errors import CallEnded, Reason
from services.crm.asking import said

KEPT_MS: Final = 24 * 60 * 60 * 1000
"""How long a request is remembered; the contract promises 24 hours."""

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS requests (request_id TEXT PRIMARY KEY, digest BLOB NOT NULL, answer BLOB,
       subject TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS requests_at ON requests (at_ms)",
    "CREATE INDEX IF NOT EXISTS requests_subject ON requests (subject)",
)


def digest(action: str, *parts: bytes) -> bytes:
    """Fingerprint of a request: what is to be done, and with what."""
    found = hashlib.sha256(action.encode())
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


def once(
    connection: sqlite3.Connection,
    request_id: str,
    *,
    asked: bytes,
    act: Callable[[], tuple[bytes, str]],
    now_ms: int,
) -> bytes:
    """The answer of `act`, or the first one where `request_id` was used before; without an id `act` always runs.

    `request_id` is the caller's own, see `services.crm.asking.own`. `asked` is the `digest` of the request. `act`
    returns the answer and the contact it is about, so that erasing the contact erases the answer.

    Raises:
        CallEnded: IDEMPOTENCY_KEY_REUSED when the id came with another request, NOT_FOUND when the contact of the first
            answer has been erased since, ARGUMENT_INVALID when the id is too long.
    """
    if not request_id:
        return act()[0]
    if len(said(request_id)) > 100:
        text = "must be at most 100 characters"
        raise CallEnded(Reason.ARGUMENT_INVALID, f"request_id {text}.", violations=(("request_id", text),))
    connection.execute("DELETE FROM requests WHERE at_ms < ?", (now_ms - KEPT_MS,))
    before = connection.execute("SELECT digest, answer FROM requests WHERE request_id = ?", (request_id,)).fetchone()
    if before is not None:
        return _first_answer(request_id, asked=asked, before=before)
    answer, subject = act()
    connection.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?)", (request_id, asked, answer, subject, now_ms))
    return answer


def erase(connection: sqlite3.Connection, subject: str) -> None:
    """Forget the answers about a contact, but not that the requests were made: a late repeat must not make it anew."""
    connection.execute("UPDATE requests SET answer = NULL WHERE subject = ?", (subject,))


def _first_answer(request_id: str, *, asked: bytes, before: tuple[bytes, bytes | None]) -> bytes:
    digest_before, answer = before
    if digest_before != asked:
        raise CallEnded(
            Reason.IDEMPOTENCY_KEY_REUSED,
            f"request_id {said(request_id)} was used with another request; choose a new one.",
            metadata={"request_id": said(request_id)},
        )
    if answer is None:
        raise CallEnded(
            Reason.NOT_FOUND,
            f"What request {said(request_id)} was about has been erased since.",
            metadata={"request_id": said(request_id)},
        )
    return answer
