"""Signs the log: at most every second, whenever it has grown, and at once for whoever asks for a proof."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.errors import CallEnded, Reason, invalid
from services.audit.proofs.log import Log, LogBroken, Signed
from services.proof.notes import (
    Checkpoint,
    Key,
    Malformed,
    Signer,
    cosigned_at,
    read_checkpoint,
    read_note,
    with_signatures,
)

EVERY_SECONDS: Final = 1.0

_ONE_KEY: Final = "Whoever writes to one store needs the same PILOTE_AUDIT_KEY_FILE and PILOTE_AUDIT_ORIGIN."

_log = logging.getLogger(__name__)


class _Foreign(Exception):
    """What was signed last was signed with another key."""


class Checkpoints:
    """The signed checkpoints of a log, which `witnesses` may cosign. `clock_ms`: milliseconds since the epoch."""

    def __init__(self, log: Log, *, signer: Signer, clock_ms: Callable[[], int], witnesses: Sequence[Key] = ()) -> None:
        self._log = log
        self._signer = signer
        self._witnesses = witnesses
        self._clock_ms = clock_ms
        self.signer: Final = signer
        self.size = 0
        """Entries that the newest checkpoint covers."""
        self.whole_ms = clock_ms()
        """When all that was in the log was signed last; at first when this process began."""
        self._complained = False  # which is done once, not every second

    async def now(self) -> Signed:
        """The checkpoint of all that is in the log now, signed if it is not yet.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer, what is in it was changed, or it is signed with
                another key.
        """
        try:
            signed = await self._log.sign(self._say, now_ms=self._clock_ms())
            self._must_be_ours(signed)
            self.size, self.whole_ms = signed.size, self._clock_ms()
            return signed
        except LogBroken as broken:
            self._complain(
                "the log in the store does not continue what was signed, so nothing is signed: pilote audit verify",
                signed=broken.signed,
                size=broken.size,
            )
            text = "The log in the store does not continue what was signed. An operator must run pilote audit verify."
            raise CallEnded(Reason.STORE_UNAVAILABLE, text) from broken
        except _Foreign as foreign:
            self._complain("the log in the store is signed with another key, so nothing is signed here: " + _ONE_KEY)
            text = f"The log in the store is signed with another key than that of this service. {_ONE_KEY}"
            raise CallEnded(Reason.STORE_UNAVAILABLE, text) from foreign

    async def newest(self) -> Signed:
        """The newest checkpoint; the first one is signed when somebody asks for it.

        Raises:
            CallEnded: see `now`.
        """
        found = await self._log.newest()
        return found if found is not None and self._is_ours(found) else await self.now()

    async def cosigned(self) -> Signed:
        """The newest checkpoint that a witness has signed.

        Raises:
            CallEnded: NOT_FOUND when there is none.
        """
        found = await self._log.newest(cosigned=True)
        if found is None:
            raise CallEnded(Reason.NOT_FOUND, "No witness has signed a checkpoint yet: pilote audit witness.")
        return found

    async def cosign(self, whole: str) -> Signed:
        """Keep the cosignatures of our witnesses that are in this note of a checkpoint of ours; returns it with them.

        Raises:
            CallEnded: ARGUMENT_INVALID for a note that is none of ours, POLICY_DENIED for one that no witness whom this
                service knows has signed.
        """
        try:
            note = read_note(whole)
            size = read_checkpoint(note.text).size
        except Malformed as error:
            raise invalid("note", "note is no checkpoint.") from error
        kept = await self._log.checkpoint(size)
        if kept is None or read_note(kept.note).text != note.text:
            raise invalid("note", "note is no checkpoint that this log has signed and keeps.")
        seen = {(key.name, key.id) for key in self._witnesses if cosigned_at(note, key) is not None}
        if not seen:
            text = "No witness that this service knows has signed: its key must be in PILOTE_WITNESS_KEYS_FILE."
            raise CallEnded(Reason.POLICY_DENIED, text)
        theirs = tuple(each for each in note.signatures if (each.name, each.key) in seen)
        await self._log.cosign(size, lambda before: with_signatures(read_note(before), theirs).whole)
        return await self._log.checkpoint(size) or kept

    async def run(self) -> None:
        """Sign whenever the log has grown, until cancelled. A store that fails is asked again."""
        while True:
            try:
                await self.now()
            except CallEnded as ended:
                _log.debug("no checkpoint was signed", exc_info=ended)
            await asyncio.sleep(EVERY_SECONDS)

    def _complain(self, what: str, **values: int) -> None:
        if not self._complained:
            _log.error(what, extra=values)
        self._complained = True

    def _must_be_ours(self, signed: Signed) -> None:
        if not self._is_ours(signed):
            raise _Foreign

    def _is_ours(self, signed: Signed) -> bool:
        """Whether it names our key. What is no note any more is for `pilote audit verify` to find."""
        try:
            signatures = read_note(signed.note).signatures
        except Malformed:
            return True
        return (self._signer.key.name, self._signer.key.id) in {(each.name, each.key) for each in signatures}

    def _say(self, size: int, root: bytes, last: Signed | None) -> str:
        if last is not None:
            self._must_be_ours(last)
        return self._signer.note(Checkpoint(self._signer.key.name, size, root).text).whole
