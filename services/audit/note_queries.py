"""Lists what was done to the log itself, read from it, or changed in what is governed."""

import re
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.rpc.times import timestamp
from pilote.audit.v1 import personal_pb2
from services.audit import paging
from services.audit.changes import change_of
from services.audit.noting import NotesQuery, Written, found_by
from services.audit.store import DecisionStore

MOST_BYTES: Final = 1 << 20
"""Bytes of a page's notes, of which each is told twice: gRPC's clients take 4 MiB unless told otherwise."""
MOST_TENANTS: Final = 1_000
_NEWEST: Final = 1 << 62
_AT_ONCE: Final = 64
_RESOURCE: Final = re.compile(r"[!-~]{0,300}")


class _Said(msgspec.Struct, frozen=True):
    """What the kinds of notes have in common."""

    at_ms: int = 0
    person: str = ""
    reason: str = ""
    tenant: str = ""
    decision: str = ""
    subject_ref: str = ""


async def list_notes(store: DecisionStore, request: personal_pb2.ListNotesRequest) -> personal_pb2.ListNotesResponse:
    """A page of notes, newest first.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    size, before, query = paging.size_of(request.page_size), _before(request.page_token), _query(request)
    shown: list[Written] = []
    left = MOST_BYTES
    while True:
        # One more than asked for says whether there is a next page.
        wanted = min(size + 1 - len(shown), _AT_ONCE)
        found = await store.personal.notes(query, before=before, size=wanted)
        for each in found:
            if shown and (len(shown) == size or len(each.raw) > left):
                token = paging.token_of_name(str(shown[-1].leaf))
                return personal_pb2.ListNotesResponse(notes=map(told_note, shown), next_page_token=token)
            shown.append(each)
            left -= len(each.raw)
        if len(found) < wanted:
            return personal_pb2.ListNotesResponse(notes=map(told_note, shown))
        before = found[-1].leaf


def told_note(written: Written) -> personal_pb2.Note:
    """The note as its contract has it; of what this version cannot read only that it is there."""
    try:
        said = msgspec.json.decode(written.raw, type=_Said)
    except msgspec.DecodeError:  # of a later version, or somebody's own
        said = _Said()
    return personal_pb2.Note(
        leaf_index=written.leaf,
        kind=written.kind,
        note_time=timestamp(said.at_ms) if said.at_ms else None,
        person=said.person,
        reason=said.reason,
        tenant=said.tenant,
        decision=f"decisions/{said.decision}" if said.decision else "",
        subject_ref=said.subject_ref,
        raw=written.raw,
        resource=found_by(written.kind, written.raw).resource,
        change=change_of(written),
    )


def _query(request: personal_pb2.ListNotesRequest) -> NotesQuery:
    if not _RESOURCE.fullmatch(request.resource):
        raise invalid("resource", "resource must be the beginning of a resource name, such as revisions/.")
    if len(request.tenants) > MOST_TENANTS or "" in request.tenants:
        raise invalid("tenants", f"tenants must be names of tenants, at most {MOST_TENANTS}.")
    for field in ("kind", "person"):
        if len(getattr(request, field)) > 128:
            raise invalid(field, f"{field} has at most 128 characters.")
    start_ms = request.start_time.ToMilliseconds() if request.HasField("start_time") else 0
    end_ms = request.end_time.ToMilliseconds() if request.HasField("end_time") else 0
    if request.HasField("end_time") and end_ms <= max(0, start_ms):
        raise invalid("end_time", "end_time must be after start_time.")
    return NotesQuery(
        kind=request.kind,
        person=request.person,
        resource=request.resource,
        tenants=tuple(request.tenants),
        start_ms=max(0, start_ms),
        end_ms=end_ms,
    )


def _before(token: str) -> int:
    text = paging.name_of(token)
    if not text:
        return _NEWEST
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise invalid("page_token", "page_token is not one of ours: pass next_page_token of the page before.")
    return int(text)
