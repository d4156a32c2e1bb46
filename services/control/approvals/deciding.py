"""Asks for what needs a second person, agrees to it and carries it out, once. Each step is noted in the log."""

import hmac
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.core.errors import Reason
from gateway.core.record import decision_id, subject_ref
from gateway.redis_clients import Client
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import EVERYWHERE
from services.control.approvals.asked import FETCH_MS, RIGHTS, WAIT_MS, Approval, Kind, begun, ended
from services.control.approvals.carrying_out import ANSWER_SECONDS, CarryingOut
from services.control.approvals.store import MOST_WAITING, ApprovalStore
from services.control.changes import Changes
from services.control.undone import Undone, reason_given, storing

LONGEST_REASON: Final = 500
LONGEST_SUBJECT: Final = 256


class Approvals:
    """The approvals of all tenants. `clock_ms` is milliseconds since the epoch.

    Every method raises `Undone`, STORE_UNAVAILABLE, when the store or the log does not answer, and `Forbidden` where
    whoever asks has not the right of that kind in that tenant; for every tenant at once they need it everywhere.
    """

    def __init__(
        self,
        redis: Client,
        audit: AuditServiceStub,
        changes: Changes,
        *,
        pseudonym_key: bytes,
        clock_ms: Callable[[], int],
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._store = ApprovalStore(redis)
        self._changes = changes
        self._pseudonym_key = pseudonym_key
        # Whoever may not know customers by their pseudonyms' key may not read their names here either.
        self._sealer = Sealer((hmac.digest(pseudonym_key, b"pilote.dev/approvals/v1", "sha256"),))
        self._clock_ms = clock_ms
        self.carrying_out: Final = CarryingOut(
            self._store, audit, changes, clock_ms=clock_ms, answer_seconds=answer_seconds
        )

    async def list(self, who: Principal) -> tuple[Approval, ...]:
        """Those that they may see, as they are by now, in no order."""
        now_ms = self._clock_ms()
        with storing():
            found = await self._store.all()
        return tuple(_by_now(each, now_ms) for each in found if _may(who, each.kind, each.tenant))

    async def get(self, who: Principal, approval_id: str) -> Approval:
        """One, as it is by now.

        Raises:
            Undone: NOT_FOUND, also where they may not see it.
        """
        return _by_now(await self._found(who, approval_id), self._clock_ms())

    def subject_of(self, approval: Approval) -> str:
        """The customer's resource name; empty where it is not kept any more, or cannot be read here."""
        if not approval.sealed:
            return ""
        try:
            return self._sealer.open(approval.sealed, bound_to=approval.id.encode()).decode()
        except (Damaged, KeyMissing):
            return ""

    async def ask(self, who: Principal, kind: Kind, *, tenant: str, subject: str, reason: str) -> Approval:
        """Ask for it; gives one's own that waits for the same already.

        Raises:
            Undone: ARGUMENT_INVALID; ALREADY_EXISTS where somebody else's waits for the same; LIMIT_EXCEEDED.
        """
        _needed(who, kind, tenant)
        told = reason_given(reason, most=LONGEST_REASON)
        if kind == "personal-export" and not tenant:
            raise Undone(Reason.ARGUMENT_INVALID, "tenant-needed", field="tenant")
        if not 1 <= len(subject) <= LONGEST_SUBJECT:
            raise Undone(Reason.ARGUMENT_INVALID, "subject-needed", field="subject")
        now_ms = self._clock_ms()
        wanted = decision_id(now_ms=now_ms, random=secrets.token_bytes(10))
        made = Approval(
            id=wanted,
            kind=kind,
            tenant=tenant,
            subject_ref=self._ref(tenant, subject),
            sealed=self._sealer.seal(subject.encode(), bound_to=wanted.encode()),
            reason=told,
            asked_by=who.name,
            asked_ms=now_ms,
            expires_ms=now_ms + WAIT_MS,
        )
        with storing():
            await self._store.tidy(now_ms=now_ms)
            before = [each for each in await self._store.all() if each.state == "waiting" and _same(each, made)]
        if before:
            return self._own(who, before[0])
        async with self._changes.recording(
            who, operation="ask", resource=made.name, tenant=tenant, after=made.told(now_ms), reason=told
        ):
            with storing():
                there = await self._store.create(made)
                other = None if there == made.id else await self._store.read(there)
            if not there:
                raise Undone(Reason.LIMIT_EXCEEDED, "approvals-full", most=MOST_WAITING)
            if other is not None:
                raise Undone(Reason.ALREADY_EXISTS, "approval-there", name=other.name, person=other.asked_by)
        return made

    async def agree(self, who: Principal, approval_id: str, *, comment: str) -> Approval:
        """Agree to what somebody else asks for, and carry it out: an erasure now; a report whoever asked may fetch.

        An erasure that takes long is "running" when this returns, and goes on.

        Raises:
            Undone: CONFLICT where it waits no more, POLICY_DENIED for one's own, ARGUMENT_INVALID without a comment.
            grpc.aio.AioRpcError: it could not be carried out; it is "failed" then, and can be retried.
        """
        now_ms, told = self._clock_ms(), reason_given(comment, most=LONGEST_REASON)
        before = await self._waiting(who, approval_id, now_ms)
        if before.asked_by == who.name:
            raise Undone(Reason.POLICY_DENIED, "approval-own", name=before.name)
        decided = msgspec.structs.replace(before, decided_by=who.name, decided_ms=now_ms, comment=told)
        if before.kind == "personal-export":
            agreed = ended(decided, "agreed", expires_ms=now_ms + FETCH_MS)
            return await self._moved(who, "agree", before, agreed, reason=told)
        return await self._carried_out(who, "agree", before, begun(decided, now_ms=now_ms), reason=told)

    async def refuse(self, who: Principal, approval_id: str, *, comment: str) -> Approval:
        """End what somebody else asks for; it is not done. Raises like `agree`."""
        now_ms, told = self._clock_ms(), reason_given(comment, most=LONGEST_REASON)
        before = await self._waiting(who, approval_id, now_ms)
        if before.asked_by == who.name:
            raise Undone(Reason.POLICY_DENIED, "approval-own-refused", name=before.name)
        after = ended(before, "refused", decided_by=who.name, decided_ms=now_ms, comment=told)
        return await self._moved(who, "refuse", before, after, reason=told)

    async def withdraw(self, who: Principal, approval_id: str, *, comment: str) -> Approval:
        """Take back what one has asked for oneself. Raises like `agree`."""
        now_ms = self._clock_ms()
        before = await self._waiting(who, approval_id, now_ms)
        if before.asked_by != who.name:
            raise Undone(Reason.POLICY_DENIED, "approval-others", name=before.name, person=before.asked_by)
        after = ended(before, "withdrawn", decided_by=who.name, decided_ms=now_ms, comment=comment.strip()[:500])
        return await self._moved(who, "withdraw", before, after, reason=after.comment)

    async def retry(self, who: Principal, approval_id: str) -> Approval:
        """Carry out once more what was agreed to and failed, or was interrupted; either of the two may.

        Raises:
            Undone: CONFLICT where nothing has failed, POLICY_DENIED for anybody else.
            grpc.aio.AioRpcError: it has failed again.
        """
        now_ms = self._clock_ms()
        before = await self._found(who, approval_id)
        if before.at(now_ms) not in ("failed", "interrupted"):
            raise Undone(Reason.CONFLICT, "approval-not-failed", name=before.name)
        if who.name not in (before.asked_by, before.decided_by):
            raise Undone(
                Reason.POLICY_DENIED, "approval-not-yours", name=before.name, one=before.asked_by, two=before.decided_by
            )
        return await self._carried_out(who, "retry", before, begun(before, now_ms=now_ms), reason=before.reason)

    async def fetching(self, who: Principal, *, tenant: str, subject: str) -> Approval | None:
        """Their approval of a report about that customer, noted as fetched; `None` where nobody has agreed to one.

        Raises:
            Undone: CONFLICT where it was fetched at this very moment; it can be fetched again.
        """
        now_ms, ref = self._clock_ms(), self._ref(tenant, subject)
        with storing():
            found = [each for each in await self._store.all() if each.subject_ref == ref]
        own = [each for each in found if each.may_be_fetched(by=who.name, now_ms=now_ms)]
        if not own:
            return None
        _needed(who, "personal-export", tenant)
        newest = max(own, key=lambda each: each.asked_ms)
        if newest.state == "done":  # every report is noted by the audit service itself
            return newest
        after = msgspec.structs.replace(newest, state="done")
        return await self._moved(who, "fetch", newest, after, reason=newest.reason)

    async def _carried_out(
        self, who: Principal, operation: str, before: Approval, running: Approval, *, reason: str
    ) -> Approval:
        subject = self.subject_of(before)
        if not subject:
            raise Undone(Reason.CONFLICT, "approval-unreadable", name=before.name)
        return await self.carrying_out.carried_out(who, operation, before, running, subject=subject, reason=reason)

    async def _moved(
        self, who: Principal, operation: str, before: Approval, after: Approval, *, reason: str
    ) -> Approval:
        now_ms = self._clock_ms()
        async with self._changes.recording(
            who,
            operation=operation,
            resource=before.name,
            tenant=before.tenant,
            before=before.told(now_ms),
            after=after.told(now_ms),
            reason=reason,
        ):
            with storing():
                ours = await self._store.change(before, after)
            if not ours:
                raise Undone(Reason.CONFLICT, "approval-decided", name=before.name)
        return after

    async def _waiting(self, who: Principal, approval_id: str, now_ms: int) -> Approval:
        found = await self._found(who, approval_id)
        if found.at(now_ms) != "waiting":
            raise Undone(Reason.CONFLICT, "approval-decided", name=found.name)
        return found

    async def _found(self, who: Principal, approval_id: str) -> Approval:
        with storing():
            found = await self._store.read(approval_id)
        if found is None or not _may(who, found.kind, found.tenant):
            raise Undone(Reason.NOT_FOUND, "approval-unknown", name=approval_id[:64])
        return found

    def _own(self, who: Principal, there: Approval) -> Approval:
        if there.asked_by != who.name:
            raise Undone(Reason.ALREADY_EXISTS, "approval-there", name=there.name, person=there.asked_by)
        return there

    def _ref(self, tenant: str, subject: str) -> str:
        return subject_ref(self._pseudonym_key, tenant=tenant or EVERYWHERE, subject=subject)


def _may(who: Principal, kind: Kind, tenant: str) -> bool:
    return who.may(RIGHTS[kind], tenant or EVERYWHERE)


def _needed(who: Principal, kind: Kind, tenant: str) -> None:
    if not _may(who, kind, tenant):
        raise Forbidden(RIGHTS[kind], tenant or EVERYWHERE)


def _same(one: Approval, other: Approval) -> bool:
    return (one.kind, one.subject_ref) == (other.kind, other.subject_ref)


def _by_now(approval: Approval, now_ms: int) -> Approval:
    return msgspec.structs.replace(approval, state=approval.at(now_ms))
