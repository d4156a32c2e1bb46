"""By what entries of the log's own are found: read from what is proved of them. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.audit.entries import LARGEST

CHANGE: Final = "change"
"""Kind of the log's own entry that somebody changes something: the JSON of `services.audit.changes.ChangeNote`."""
COLUMNS: Final = ("kind", "at_ms", "person", "tenant", "resource", "request")
"""Columns in which every store keeps a `FoundBy`."""
_LONGEST: Final = 400


class FoundBy(msgspec.Struct, frozen=True):
    """What a store looks at when it is asked for entries. What is not known is empty, or 0."""

    kind: str
    at_ms: int = 0
    """Milliseconds since the epoch."""
    person: str = ""
    tenant: str = ""
    resource: str = ""
    """Such as `revisions/12`, `decisions/{decision}` of an access, `subjects/{subject_ref}` of an erasure."""
    request: str = ""
    """Of a change, what is written once only: its request and stage."""

    @property
    def row(self) -> tuple[str | int, ...]:
        """The values of `COLUMNS`."""
        return (self.kind, self.at_ms, self.person, self.tenant, self.resource, self.request)


class NotesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for: all that match whatever is not empty. Times are milliseconds since the epoch."""

    kind: str = ""
    person: str = ""
    resource: str = ""
    """What the resource begins with, in ASCII."""
    tenants: tuple[str, ...] = ()
    start_ms: int = 0
    end_ms: int = 0
    """Exclusive."""


class Written(msgspec.Struct, frozen=True):
    """An entry of the log's own, as it stands there."""

    leaf: int
    """Its index in the log."""
    kind: str
    raw: bytes


class _Said(msgspec.Struct, frozen=True):
    at_ms: int = 0
    person: str = ""
    tenant: str = ""
    decision: str = ""
    subject_ref: str = ""
    resource: str = ""
    request_id: str = ""
    stage: str = ""


_said: Final = msgspec.json.Decoder(_Said)


def found_by(kind: str, raw: bytes) -> FoundBy:
    """By what an entry is found; by its kind only where this version cannot read it."""
    try:
        said = _said.decode(raw)
    except msgspec.DecodeError:  # of a later version, or somebody's own
        return FoundBy(_short(kind))
    return FoundBy(
        _short(kind),
        said.at_ms if 0 <= said.at_ms <= LARGEST else 0,
        _short(said.person),
        _short(said.tenant),
        _short(said.resource or about(decision=said.decision, subject_ref=said.subject_ref)),
        request_of(said.request_id, said.stage) if kind == CHANGE and said.request_id else "",
    )


def about(*, decision: str, subject_ref: str) -> str:
    """The resource of an entry that names none: the decision, or the customer."""
    if decision:
        return f"decisions/{decision}"
    return f"subjects/{subject_ref}" if subject_ref else ""


def request_of(request_id: str, stage: str) -> str:
    """What is written once only."""
    return _short(f"{request_id}/{stage}")


def condition(query: NotesQuery, *, mark: str, one_of: str) -> tuple[str, list[object]]:
    """What rows of `noted` must meet, as SQL with `mark` for values, and these; the tenants are the last, if asked for.

    `one_of` is what a text is compared with that must be one of a value of several.
    """
    wanted: tuple[tuple[str, object], ...] = (
        ("noted.kind =", query.kind),
        ("noted.person =", query.person),
        ("noted.resource >=", query.resource),
        ("noted.resource <", f"{query.resource}\x7f" if query.resource else ""),
        ("noted.at_ms >=", query.start_ms),
        ("noted.at_ms <", query.end_ms),
    )
    asked = [(text, value) for text, value in wanted if value]
    texts = [f"{text} {mark}" for text, _ in asked]
    values = [value for _, value in asked]
    if query.tenants:
        texts.append(f"noted.tenant {one_of}")
        values.append(query.tenants)
    return " AND ".join(texts) or "1 = 1", values


def misplaced(rows: Sequence[tuple[int, str, bytes, tuple[str | int, ...]]]) -> list[int]:
    """Those of (index, kind, raw, row) that would be found by something else than what is proved of them."""
    return [leaf for leaf, kind, raw, row in rows if found_by(kind, raw).row != row]


def _short(text: str) -> str:
    """A text that every store can keep: ours are no longer, but an import may bring any."""
    return text[:_LONGEST].replace("\0", "\ufffd")
