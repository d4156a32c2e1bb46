"""What every match of a filter is about: a customer, a rule, a decision that led to it …; and how that is looked up."""

import hashlib
from typing import Final

from services.audit.filters.expression import All, Comparison, Expression, Some, SubjectIs

NAMING: Final = ("inference", "parent")
"""Kinds that are in the record only, and name another decision."""
KINDS: Final = ("agent", "version", "subject_ref", "rules", *NAMING)
_FIELDS: Final = {f"record.{kind}": kind for kind in KINDS if kind != "rules"}

Wanted = tuple[tuple[bytes, ...], ...]
"""For each thing that a match is about the keys of values of which it has one."""


def wanted(expression: Expression) -> Wanted:
    """What every match of a filter is about."""
    parts = expression.parts if isinstance(expression, All) else (expression,)
    found: list[tuple[bytes, ...]] = []
    for part in parts:
        keys = _keys(part)
        if keys is not None:
            found.append(keys)
    return tuple(found)


def about(subject_refs: tuple[str, ...]) -> Wanted:
    """What decisions about one of these customers are about."""
    return (tuple(key_of("subject_ref", ref) for ref in subject_refs),)


def key_of(kind: str, value: str) -> bytes:
    """Eight bytes of a hash. Two values may have the same: what is found by it is looked at once more."""
    return hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=8, person=kind.encode()).digest()


def _keys(part: Expression) -> tuple[bytes, ...] | None:
    """The keys of values of which every match of it has one; `None` where it says nothing of that."""
    match part:
        case SubjectIs(refs=refs):
            return tuple(key_of("subject_ref", ref) for ref in refs)
        case Comparison(comparator="=", value=str(value)) if kind := _kind(part):
            return (key_of(kind, value),)
        case Some(parts=parts) if parts:
            each = [_keys(one) for one in parts]
            return None if None in each else tuple(key for keys in each if keys is not None for key in keys)
    return None


def _kind(part: Comparison) -> str:
    where = part.field.path
    if where.source == "rules":
        return "rules"
    return "" if where.inner or where.shape else _FIELDS.get(f"{where.source}.{where.name}", "")
