"""Lists what was done to the log itself, or read from it."""

from typing import Final

import msgspec

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.times import timestamp
from pilote.audit.v1 import personal_pb2
from services.audit import paging
from services.audit.personal import Written
from services.audit.store import DecisionStore

_NEWEST: Final = 1 << 62


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
    size, before = paging.size_of(request.page_size), _before(request.page_token)
    # One more than asked for says whether there is a next page.
    found = await store.personal.notes(before=before, size=size + 1)
    shown = found[:size]
    more = paging.token_of_name(str(shown[-1].leaf)) if len(found) > size else ""
    return personal_pb2.ListNotesResponse(notes=[_note(each) for each in shown], next_page_token=more)


def _before(token: str) -> int:
    text = paging.name_of(token)
    if not text:
        return _NEWEST
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        problem = "page_token is not one of ours: pass next_page_token of the page before."
        raise CallEnded(
            Reason.ARGUMENT_INVALID,
            problem,
            metadata={"field": "page_token"},
            violations=(("page_token", problem),),
        )
    return int(text)


def _note(written: Written) -> personal_pb2.Note:
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
    )
