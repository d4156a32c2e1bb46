"""What every match of a filter is about: a customer, a rule, a version or an agent; and how those are looked up."""

import hashlib
from typing import Final

from services.audit.filters.expression import All, Comparison, Expression, SubjectIs

KINDS: Final = ("agent", "version", "subject_ref", "rules")
_FIELDS: Final = {"record.agent": "agent", "record.version": "version", "record.subject_ref": "subject_ref"}

Wanted = tuple[tuple[bytes, ...], ...]
"""For each thing that a match is about the keys of values of which it has one."""


def wanted(expression: Expression) -> Wanted:
    """What every match of a filter is about."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    found: list[tuple[bytes, ...]] = []
    for part in parts:
        match part:
            case SubjectIs(refs=refs):
                found.append(tuple(key_of("subject_ref", ref) for ref in refs))
            case Comparison(comparator="=", value=str(value)) if kind := _kind(part):
                found.append((key_of(kind, value),))
    return tuple(found)


def about(subject_refs: tuple[str, ...]) -> Wanted:
    """What decisions about one of these customers are about."""
    return (tuple(key_of("subject_ref", ref) for ref in subject_refs),)


def key_of(kind: str, value: str) -> bytes:
    """Eight bytes of a hash. Two values may have the same: what is found by it is looked at once more."""
    return hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=8, person=kind.encode()).digest()


def _kind(part: Comparison) -> str:
    where = part.field.path
    if where.source == "rules":
        return "rules"
    return "" if where.inner or where.shape else _FIELDS.get(f"{where.source}.{where.name}", "")
