"""Keeps the vault as it promised: deletes what is over, and who was erased, by itself."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import grpc

from pilote.audit.v1 import personal_pb2
from services.vault.noting import note_expiry
from services.vault.store import Vault

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

PAUSE_SECONDS: Final = 10.0
"""Between two looks for what is to be deleted."""
_ANSWER_SECONDS: Final = 30.0
_PAGE: Final = 1_000
_log = logging.getLogger(__name__)


class Keeper:
    """Deletes what is to be deleted. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, vault: Vault, audit: "AuditServiceAsyncStub", *, clock_ms: Callable[[], int]) -> None:
        self._vault = vault
        self._audit = audit
        self._clock_ms = clock_ms
        self._unnoted: list[tuple[str, str, int]] = []

    async def run(self) -> None:
        """Go on until cancelled. While the log does not answer, what is over is deleted, and noted later."""
        down = False
        while True:
            try:
                await self.step()
                down = False
            except grpc.aio.AioRpcError as error:
                if not down:
                    text = "the log does not answer: the vault does not hear of erasures"
                    _log.warning(text, extra={"code": error.code().name})
                down = True
            await asyncio.sleep(PAUSE_SECONDS)

    async def step(self) -> None:
        """Delete what is over and who was erased since; note what was deleted because it was over.

        Raises:
            grpc.aio.AioRpcError: the log does not answer. What is over is deleted by then.
        """
        over = await asyncio.to_thread(self._vault.expire, now_ms=self._clock_ms())
        self._unnoted += [(tenant, attribute, people) for (tenant, attribute), people in over.items()]
        while self._unnoted:
            tenant, attribute, people = self._unnoted[0]
            await note_expiry(self._audit, tenant, attribute, people=people)
            self._unnoted.pop(0)
        await self._erase()

    async def _erase(self) -> None:
        """Carry out the erasures that the log has since the last one, newest first."""
        begun = await asyncio.to_thread(lambda: self._vault.erasures_read_to)
        people: list[tuple[str, str]] = []
        newest, token = begun, ""
        while True:
            request = personal_pb2.ListNotesRequest(kind="erasure", page_size=_PAGE, page_token=token)
            answer = await self._audit.ListNotes(request, timeout=_ANSWER_SECONDS)
            news = [note for note in answer.notes if note.leaf_index > begun]
            people += [(note.tenant, note.subject_ref) for note in news]
            newest = max([newest, *(note.leaf_index for note in news)])
            token = answer.next_page_token
            if len(news) < len(answer.notes) or not token:
                break
        if newest > begun:
            await asyncio.to_thread(self._vault.erased, people, read_to=newest)
