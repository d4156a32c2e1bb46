"""Carries out what two people have agreed to, once, whoever waits for it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.core.errors import Reason
from pilote.audit.v1 import personal_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.principals import Principal
from services.control.approvals.asked import Approval, ended
from services.control.approvals.store import ApprovalStore
from services.control.changes import LATER, Changes, failure_of
from services.control.undone import Undone, storing

ERASE_SECONDS: Final = 90.0
"""How long an erasure may take: the store's files are rewritten."""
ANSWER_SECONDS: Final = 2.0
"""How long whoever agrees waits for that; it goes on without them."""
_log = logging.getLogger(__name__)


class CarryingOut:
    """Erases customers. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self,
        store: ApprovalStore,
        audit: AuditServiceStub,
        changes: Changes,
        *,
        clock_ms: Callable[[], int],
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._store = store
        self._audit: Any = audit
        self._changes = changes
        self._clock_ms = clock_ms
        self._answer_seconds = answer_seconds
        self._under_way: set[asyncio.Task[Approval]] = set()

    async def close(self) -> None:
        """End what is being carried out; it has failed then, and can be retried."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def carried_out(
        self, who: Principal, operation: str, before: Approval, running: Approval, *, subject: str, reason: str
    ) -> Approval:
        """Begin it, and wait for its end a while; what is "running" then goes on.

        Raises:
            Undone: CONFLICT where somebody else has decided; STORE_UNAVAILABLE.
            grpc.aio.AioRpcError: it could not be carried out; it is "failed" then.
        """
        ours: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work = self._carry_out(who, operation, before, running, subject=subject, reason=reason, ours=ours)
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        either: set[asyncio.Future[Any]] = {task, ours}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task}, timeout=self._answer_seconds)
        finally:
            if not task.done():  # nobody hears how it ends
                task.add_done_callback(_tell_failure)
        return task.result() if task.done() else running

    async def _carry_out(
        self,
        who: Principal,
        operation: str,
        before: Approval,
        running: Approval,
        *,
        subject: str,
        reason: str,
        ours: asyncio.Future[None],
    ) -> Approval:
        """Do it; `ours` is told once nobody else can."""
        async with self._changes.recording(
            who,
            operation=operation,
            resource=before.name,
            tenant=before.tenant,
            before=before.told(self._clock_ms()),
            after=LATER,
            reason=reason,
        ) as changing:
            with storing():
                changed = await self._store.change(before, running)
            if not changed:
                raise Undone(Reason.CONFLICT, "approval-decided", name=before.name)
            ours.set_result(None)
            try:
                answer = await self._erase(running, subject)
            except BaseException as error:
                failed = msgspec.structs.replace(running, state="failed", run_until_ms=0, failure=failure_of(error))
                with storing():
                    await self._store.change(running, failed)
                raise
            keys, inputs = (sum(getattr(each, name) for each in answer.erasures) for name in ("keys", "inputs"))
            after = ended(running, "done", keys=keys, inputs=inputs)
            with storing():  # it is done, whoever else may think by now that it was interrupted
                await self._store.change(running, after)
            changing.after = after.told(self._clock_ms())
        return after

    async def _erase(self, approval: Approval, subject: str) -> personal_pb2.EraseSubjectResponse:
        asked = personal_pb2.EraseSubjectRequest(
            subject=subject, tenant=approval.tenant, reason=approval.reason, person=approval.asked_by
        )
        answer: personal_pb2.EraseSubjectResponse = await self._audit.EraseSubject(asked, timeout=ERASE_SECONDS)
        return answer


def _tell_failure(task: asyncio.Task[Approval]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("what was agreed to could not be carried out", extra={"reason": failure_of(error)})
