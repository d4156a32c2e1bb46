"""What trials came to, as people and programs read it: every number of each of them, and how they differ. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.insights.pressure.intervals import Estimate
from services.insights.whatif.arms import touched
from services.insights.whatif.between import between
from services.insights.whatif.forecast import told
from services.insights.whatif.trial import Contacts
from services.insights.whatif.weighing import Weighed

FIGURES: Final = {
    "avoided": "contacts",
    "affected": "people",
    "opt_outs": "events",
    "complaints": "events",
    "purchases": "events",
    "cents": "money",
    "blocked": "money",
    "protected": "money",
}
"""What is told, and in which unit; money is whole and broken hundredths of the reporting currency."""
MOST_ARMS: Final = 50


def figures(weights: Sequence[Weighed | None], *, alpha: float) -> list[dict[str, Any]]:
    """Each number of each trial, `null` where too little is known, and the first trial's less the second's."""
    forecasts = [None if each is None else told(each, alpha=alpha) for each in weights]
    apart = None
    if len(weights) > 1 and weights[0] is not None and weights[1] is not None:
        apart = between(weights[0], weights[1], alpha=alpha)
    return [
        {
            "name": _camel(name),
            "unit": unit,
            "tried": [_told(None if each is None else getattr(each, name)) for each in forecasts],
            "difference": _told(None if apart is None else getattr(apart, name)),
        }
        for name, unit in FIGURES.items()
    ]


def arms_told(contacts: Contacts, *, alpha: float) -> list[dict[str, Any]]:
    """Variations and versions, those of which most changes first."""
    return [
        {
            "kind": each.arm.kind,
            "name": each.arm.name,
            "contacts": each.contacts,
            "refused": each.refused,
            "allowed": each.allowed,
            "share": _told(each.share),
        }
        for each in touched(contacts, alpha=alpha)[:MOST_ARMS]
    ]


def _told(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else msgspec.structs.asdict(estimate)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
