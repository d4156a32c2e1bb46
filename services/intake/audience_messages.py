"""Audiences between the contract's messages and what is known here. Pure."""

import hashlib
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.rpc.times import timestamp
from pilote.dmp.v1.audience_pb2 import Audience, Member
from services.intake.audiences import Progress
from services.intake.member_order import Listed
from services.intake.registry import Entry

LONGEST_ID: Final = 63


def audience_of(name: str, entry: Entry, stands: Progress) -> Audience:
    """The audience as contracts have it."""
    audience = Audience(
        name=f"audiences/{name}",
        display_name=entry.display_name,
        description=entry.description,
        purpose=entry.purpose,
        member_count=stands.members,
        etag=hashlib.sha256(msgspec.json.encode((name, entry, stands.members, stands.changed_ms))).hexdigest()[:32],
    )
    if entry.created_ms:
        audience.create_time.CopyFrom(timestamp(entry.created_ms))
    if changed_ms := max(entry.created_ms, stands.changed_ms):
        audience.update_time.CopyFrom(timestamp(changed_ms))
    if stands.running or stands.read or stands.applied:
        audience.synchronisation.running = stands.running
        audience.synchronisation.read_count = stands.read
        audience.synchronisation.applied_count = stands.applied
    return audience


def member_of(listed: Listed) -> Member:
    """The member as contracts have it."""
    return Member(customer=listed.customer, add_time=timestamp(listed.place.added_ms))


def audience_in(field: str, name: str) -> str:
    """The id of the audience that a field names.

    Raises:
        CallEnded: ARGUMENT_INVALID where it names none.
    """
    kind, _, identifier = name.partition("/")
    if kind != "audiences" or not 0 < len(identifier) <= LONGEST_ID or "/" in identifier:
        raise invalid(field, f"{field} must name an audience, such as audiences/vip.")
    return identifier
