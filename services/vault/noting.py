"""What the vault notes in the log by itself: that an attribute is read for statistics, and that values were deleted."""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pilote.audit.v1 import personal_pb2
from services.vault.attributes import resource_of
from services.vault.store import Held

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

PERSON: Final = "pilote:insights"
"""Whom the log names: no person, but the process that makes statistics."""
SECONDS: Final = 10.0
"""Longest time that a note may take."""


async def note_reading(audit: "AuditServiceAsyncStub", held: Held) -> None:
    """Note that an attribute is about to be read: which, of how many people, what for. Never of whom, nor what.

    Raises:
        grpc.aio.AioRpcError: it cannot be noted, so it must not be read.
    """
    await _note(audit, "analyze", held.tenant, held.attribute, people=held.people, reason=held.purpose)


async def note_expiry(audit: "AuditServiceAsyncStub", tenant: str, attribute: str, *, people: int) -> None:
    """Note that values were deleted because their time was over.

    Raises:
        grpc.aio.AioRpcError: it cannot be noted now.
    """
    await _note(audit, "expire", tenant, attribute, people=people, done=True)


async def _note(
    audit: "AuditServiceAsyncStub",
    operation: str,
    tenant: str,
    attribute: str,
    *,
    people: int,
    reason: str = "",
    done: bool = False,
) -> None:
    told: Mapping[str, Any] = {"people": people}
    change = personal_pb2.Change(
        request_id=uuid.uuid4().hex,
        known_by="process",
        operation=operation,
        stage=personal_pb2.CHANGE_STAGE_DONE if done else personal_pb2.CHANGE_STAGE_BEGUN,
        after=personal_pb2.ChangedValue(json=msgspec.json.encode(told).decode()),
    )
    request = personal_pb2.RecordChangeRequest(
        change=change, resource=resource_of(tenant, attribute), person=PERSON, tenant=tenant, reason=reason
    )
    await audit.RecordChange(request, timeout=SECONDS)
