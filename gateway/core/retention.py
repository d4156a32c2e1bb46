"""How long a record is kept: the classes of the policy, the first that fits counts. Pure."""

from collections.abc import Sequence

import msgspec

from gateway.core.contract import MethodContract
from gateway.core.policy.document import Retention
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.revision.counted import applies

_DAY_MS = 86_400_000


class RetentionRule(msgspec.Struct, frozen=True, kw_only=True):
    """A class that records of one method may belong to."""

    name: str
    days: int
    """How long its records are kept, 1 or more."""
    categories: frozenset[str] = frozenset()
    """Empty: all, and none."""


def retention_rules(classes: Sequence[Retention], contract: MethodContract) -> tuple[RetentionRule, ...]:
    """The classes that the method's records may belong to, in the order of the policy."""
    return tuple(
        RetentionRule(name=each.name, days=duration_ms(each.keep) // _DAY_MS, categories=frozenset(each.categories))
        for each in classes
        if applies(each, contract)
    )


def retention_of(rules: Sequence[RetentionRule], category: str) -> RetentionRule | None:
    """The class of a record with this category; `None` where none fits."""
    return next((rule for rule in rules if not rule.categories or category in rule.categories), None)
