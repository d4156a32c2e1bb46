"""What lies between two policies, in words and as text; and how a draft follows what has become active meanwhile."""

import contextlib
import difflib
from collections.abc import Iterator, Sequence

import msgspec

from gateway.activation.loading import canonical
from gateway.core.changes import Change, Place, changes
from gateway.core.merging import merge
from gateway.core.policy.document import Document
from gateway.core.policy.vocabulary import Part
from gateway.core.texts import LANGUAGES
from services.control.drafts.checking import loaded
from services.control.drafts.edits import Edit, EditRefused, edited
from services.control.drafts.people import Holder, with_people
from services.control.drafts.rendering import as_text, keyed, part_text
from services.control.drafts.store import DraftProblem
from services.revisions.tables import told

MOST_LINES = 20_000
"""Of a difference; longer ones end there."""


class Compared(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a policy differs from another one."""

    words: dict[str, tuple[str, ...]]
    """Each change in words, by language; none: nothing changes."""
    lines: tuple[str, ...]
    """The same as text: of each part that differs "@@ section name @@", and a unified difference of its YAML."""


def compared(old: bytes, new: bytes) -> Compared:
    """What leads from one canonical document to another. Empty: from nothing."""
    before = decoded(old) if old else _NOTHING
    return _compared(before, decoded(new))


def draft_compared(old: bytes, text: str, holders: Sequence[Holder]) -> Compared:
    """What leads from a canonical document to a draft, with the people who would be put there when it is proposed.

    Raises:
        PolicyInvalid: the draft has mistakes.
    """
    document = loaded(text)[0].document
    with contextlib.suppress(DraftProblem):  # proposing it says so
        document = with_people(document, holders)
    return _compared(decoded(old) if old else _NOTHING, document)


def difference(old: str, new: str) -> tuple[str, ...]:
    """Lines of a unified difference between two texts."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
    return tuple(line for _, line in zip(range(MOST_LINES), lines, strict=False))


def rebased(text: str, was: bytes, theirs: bytes) -> str:
    """A draft that was made from the document `was`, with what has led from there to `theirs`.

    Where its text can follow, its comments and layout stay; else it is written anew.

    Raises:
        PolicyInvalid: the draft has mistakes.
        DraftProblem: both have changed the same parts.
    """
    base, active, ours = decoded(was), decoded(theirs), loaded(text)[0].document
    merged = merge(base, ours, active)
    if merged.document is None:
        places = ", ".join(f"{place.section} {place.name}".strip() for place in merged.conflicts)
        raise DraftProblem("rebase-conflict", places=places, active=0)
    try:
        for change in changes(ours, merged.document):
            text = edited(text, [_edit(change)])
        if canonical(loaded(text)[0].document) == canonical(merged.document):
            return text
    except EditRefused:
        pass
    return as_text(merged.document)


_NOTHING = Document(agents=(), upstreams=(), routes=(), rules=())


def _compared(before: Document, after: Document) -> Compared:
    made = changes(before, after)
    words = {language: tuple(line.strip() for line in told(made, language=language)) for language in LANGUAGES}
    lines = (line for change in made if change.kind != "moved" for line in _lines(change))
    return Compared(
        words=words if made else dict.fromkeys(LANGUAGES, ()),
        lines=tuple(line for _, line in zip(range(MOST_LINES), lines, strict=False)),
    )


def _lines(change: Change) -> Iterator[str]:
    """One part as it was and as it is. The parts that stay the same need not be written out, which takes long."""
    yield f"@@ {change.place.section} {change.place.name}".rstrip() + " @@"
    old, new = (_text(change.place, part) for part in (change.old, change.new))
    shown = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=MOST_LINES)
    yield from (line for line in shown if not line.startswith(("---", "+++", "@@")))


def _text(place: Place, part: Part | str | None) -> str:
    if part is None:
        return ""
    return part_text(msgspec.json.encode(part)) if place.name else keyed(place.section, msgspec.to_builtins(part))


def _edit(change: Change) -> Edit:
    """The edit of a text that a change of policies is."""
    section, name = change.place.section, change.place.name
    value = msgspec.UNSET if change.new is None else msgspec.to_builtins(change.new)
    if not name:
        return Edit(kind="set", section=section, value=value)
    if change.kind == "added":
        return Edit(kind="add", section=section, value=value, after=change.after)
    if change.kind == "moved":
        return Edit(kind="move", section=section, name=name, after=change.after)
    if change.kind == "removed":
        return Edit(kind="remove", section=section, name=name)
    return Edit(kind="replace", section=section, name=name, value=value)


def decoded(document: bytes) -> Document:
    """A canonical document."""
    return msgspec.json.decode(document, type=Document)
