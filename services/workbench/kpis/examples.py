"""Which decisions show how an objective stands: contacts that served it, of a guardrail those that did the harm."""

from collections.abc import Mapping
from typing import Final

from gateway.core.objectives import bounds
from gateway.core.policy.objectives import Objective
from services.findings.finding import MOST_DECISIONS
from services.workbench.columns.database import Columns
from services.workbench.looks.spans import CARRIED_OUT, ID

_HARMS: Final[Mapping[str, str]] = {
    "opt_out_rate": "type = 'unsubscribed'",
    "complaint_rate": "type = 'complained'",
    "bounce_rate": "type = 'bounced'",
    "perceived_too_much": "question = 'pressure' AND answer = 'much_too_much'",
    "perceived_pressure": "question = 'pressure' AND answer IN ('much_too_much', 'a_bit_too_much')",
}
"""In SQL, of `followed`, what came of the contacts that show it."""
_FOUND: Final = """SELECT {id} AS id
 FROM admitted LEFT JOIN settled ON settled.id = admitted.id
 WHERE admitted.tenant = $tenant AND admitted.objective = $objective AND operation = 'CONTACT' AND NOT standby
  AND NOT repeats AND {carried} AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms {also}
 ORDER BY admitted.id DESC LIMIT {most}"""


def examples_of(columns: Columns, objective: Objective, measure: str, *, now_ms: int) -> tuple[str, ...]:
    """Ids of the newest of them."""
    start_ms, ends_ms = bounds(objective.period)
    harm = _HARMS.get(measure)
    also = (
        f"AND admitted.id IN (SELECT id FROM followed WHERE tenant = $tenant AND {harm})"  # noqa: S608 - our own words
        if harm
        else ""
    )
    found = columns.asked(
        _FOUND.format(id=ID, carried=CARRIED_OUT, also=also, most=MOST_DECISIONS),
        {
            "tenant": objective.tenant,
            "objective": objective.name,
            "start_ms": start_ms,
            "end_ms": min(ends_ms, now_ms),
        },
    )
    return tuple(str(each) for each in found["id"])
