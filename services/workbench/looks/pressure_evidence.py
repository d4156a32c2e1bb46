"""What shows a finding about contacts: a filter that finds them, some of them, and groups as a picture draws them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.findings.finding import MOST_DECISIONS
from services.insights.pressure.attribution import Adding
from services.insights.pressure.deciles import Cost, Group
from services.insights.pressure.intervals import Estimate
from services.workbench.columns.source import Source
from services.workbench.looks.spans import ID, Span, quoted

_NAMED: Final = """SELECT {id} AS id FROM admitted
 WHERE leaf IN (SELECT unnest($leaves)) ORDER BY leaf"""


def contacts_filter(fields: Mapping[str, str], *, span: Span) -> str:
    """Contacts that were let through, with these fields, as `pilote decisions list` takes it."""
    parts = [f"{name} = {quoted(value)}" for name, value in fields.items() if value]
    return " AND ".join([*parts, "operation = CONTACT", "verdict = ALLOW", span.filter])


def named(columns: Source, leaves: NDArray[np.int64]) -> tuple[str, ...]:
    """The ids of the first of these decisions, which are given by their index in the log."""
    found = (
        columns.asked(_NAMED.format(id=ID), {"leaves": leaves[:MOST_DECISIONS].tolist()}) if leaves.size else {"id": ()}
    )
    return tuple(str(each) for each in found["id"])


def drawn(cost: Cost) -> dict[str, Any]:
    """What a cost is drawn from: groups of people by contacts in the week before, and the holdout."""
    return {
        "fatigue": cost.fatigue.value,
        "groups": [_group(each) for each in cost.groups],
        "holdout": estimated(cost.holdout),
        "excess": estimated(cost.excess),
    }


def senders(added: Sequence[Adding]) -> list[dict[str, Any]]:
    """Who adds the pressure, who adds most first."""
    return [
        {
            "agent": each.name,
            "contacts": each.contacts,
            "beyond": each.beyond,
            "of_contacts": estimated(each.of_contacts),
            "of_beyond": estimated(each.of_beyond),
        }
        for each in ranked(added)[:MOST_DECISIONS]
    ]


def ranked(added: Sequence[Adding]) -> list[Adding]:
    """Who adds most first."""
    return sorted(added, key=lambda each: (-each.beyond, -each.contacts, each.name))


def estimated(estimate: Estimate | None) -> dict[str, float] | None:
    """An estimate as it is drawn."""
    return None if estimate is None else {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _group(group: Group) -> dict[str, Any]:
    return {
        "from": group.low,
        "to": group.high,
        "looks": group.looks,
        "events": group.events,
        "per_1000": estimated(group.per_1000_people),
    }
