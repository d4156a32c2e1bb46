"""What would have been right, as far as anybody knows it afterwards: by what customers did, and by what reviews say.

By outcomes: customers who had a contact, from whichever agent, and converted within a week of it, were glad of an
offer, unless they opted out or complained as well; the others were not. By reviews: decisions that were drawn, and of
which it was said whether they should have been allowed. Each stands for as many as its chance of being drawn says.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.insights.fairness.judging import Kind
from services.insights.fairness.rates import LEAST
from services.reviews.item import Item, Label
from services.workbench.columns.source import Source
from services.workbench.looks.fairness_calls import Ints, Treated, known_of, runs
from services.workbench.looks.fairness_tables import Measured
from services.workbench.looks.pressure_contacts import FOLLOW_MS
from services.workbench.looks.series import CALLS
from services.workbench.looks.spans import CARRIED_OUT, VERSION, Span

OUTCOMES: Final = "outcomes"
REVIEWS: Final = "reviews"
_TOLD: Final = f"""WITH dealt AS (
  SELECT admitted.id AS id, subject, admitted.at_ms AS at_ms, operation = 'CONTACT' AND {CARRIED_OUT} AS made
  FROM admitted LEFT JOIN settled ON settled.id = admitted.id
  WHERE tenant = $tenant AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
   AND {CALLS}),
 told AS (
  SELECT followed.id AS id, bool_or(type = 'converted') AS glad, bool_or(type <> 'converted') AS sorry
  FROM followed JOIN dealt ON dealt.id = followed.id
  WHERE followed.tenant = $tenant AND type IN ('converted', 'unsubscribed', 'complained')
   AND followed.at_ms >= dealt.at_ms AND followed.at_ms < dealt.at_ms + {FOLLOW_MS}
   AND reported_ms < $end_ms + {FOLLOW_MS}
  GROUP BY followed.id)
 SELECT known.place AS place, coalesce(bool_or(glad), false) AND NOT coalesce(bool_or(sorry), false) AS glad
 FROM dealt JOIN known ON CAST(known.subject AS UUID) = dealt.subject LEFT JOIN told ON told.id = dealt.id
 WHERE made OR told.id IS NOT NULL GROUP BY known.place ORDER BY place"""  # noqa: S608 - our own texts
_REVIEWED: Final = f"""SELECT agent, {VERSION} AS version, meant, known.place AS place,
  sum(weight * allowed) AS allowed, sum(weight) AS weight
 FROM admitted JOIN labelled ON CAST(labelled.id AS UUID) = admitted.id
  JOIN known ON CAST(known.subject AS UUID) = admitted.subject LEFT JOIN settled ON settled.id = admitted.id
 WHERE tenant = $tenant AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
  AND {CALLS}
 GROUP BY ALL ORDER BY agent, version, meant, place"""  # noqa: S608 - our own texts


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """By what it is known what would have been right, and of how many people of the vault."""

    by: str
    """`OUTCOMES` or `REVIEWS`."""
    people: int


class Outcomes(msgspec.Struct, frozen=True, eq=False):
    """An entry for each person of whom it is known; places ascend, and are those of the list that was given."""

    place: Ints
    glad: Ints
    """1 or 0."""


def outcomes_of(columns: Source, tenant: str, subjects: Sequence[str], *, span: Span) -> Outcomes:
    """Who was glad of what they got in that time, of customers given by pseudonym.

    Nobody is where fewer than `LEAST` were: then nobody reports conversions, or there are too few to learn from.
    """
    values = {"tenant": tenant} | msgspec.structs.asdict(span)
    found = columns.asked(_TOLD, values, beside={"known": known_of(subjects)})
    place, glad = (np.asarray(found[name], dtype=np.int64) for name in ("place", "glad"))
    few = int(glad.sum()) < LEAST
    return Outcomes(place[:0], glad[:0]) if few else Outcomes(place, glad)


def by_outcomes(found: Treated, outcomes: Outcomes, *, span: Span) -> Iterator[Measured]:
    """Of those who were glad, and of the others, who got an offer of this version of this agent."""
    got = np.isin(outcomes.place, found.place[found.offers > 0]).astype(np.int64)
    for name, kind, rows in (
        ("true", Kind.BENEFIT, outcomes.glad == 1),
        ("false", Kind.BURDEN, outcomes.glad == 0),
    ):
        yield Measured(
            agent=found.agent,
            version=found.version,
            span=span,
            name=f"{name}-{OUTCOMES}",
            kind=kind,
            share=True,
            place=outcomes.place[rows],
            got=got[rows],
            among=np.ones_like(got[rows]),
        )


def by_reviews(
    columns: Source, tenant: str, subjects: Sequence[str], *, items: Sequence[Item], span: Span
) -> Iterator[Measured]:
    """Of decisions that should have been allowed, and of the others, which were; by agent and version."""
    labelled = _labelled(items)
    if labelled is None:
        return
    values = {"tenant": tenant} | msgspec.structs.asdict(span)
    found = columns.asked(_REVIEWED, values, beside={"known": known_of(subjects), "labelled": labelled})
    agents, versions, meant = (found[name] for name in ("agent", "version", "meant"))
    place = np.asarray(found["place"], dtype=np.int64)
    allowed, weight = (np.asarray(found[name], dtype=np.float64) for name in ("allowed", "weight"))
    for start, end in runs(agents, versions, meant):
        right, rows = bool(meant[start]), slice(start, end)
        yield Measured(
            agent=str(agents[start]),
            version=str(versions[start]),
            span=span,
            name=f"{'true' if right else 'false'}-{REVIEWS}",
            kind=Kind.BENEFIT if right else Kind.BURDEN,
            share=True,
            place=place[rows],
            got=np.minimum(allowed[rows], weight[rows]),
            among=weight[rows],
        )


def people_of(measured: Sequence[Measured], by: str) -> int:
    """How many people a truth is known of, in these measures."""
    places = [each.place for each in measured if each.name.endswith(by)]
    return int(np.unique(np.concatenate(places)).size) if places else 0


def _labelled(items: Sequence[Item]) -> Mapping[str, NDArray[Any]] | None:
    """Drawn decisions of which it was settled what they should have been; None where there are none."""
    rows = [
        (each.decision, 1 / each.chance, float(each.verdict == "ALLOW"), _meant(each))
        for each in items
        if each.chance and each.known is None and each.outcome is not None and each.outcome is not Label.UNCLEAR
    ]
    if not rows:
        return None
    ids, weights, allowed, meant = zip(*rows, strict=True)
    return {
        "id": np.array(ids, dtype=object),
        "weight": np.array(weights, dtype=np.float64),
        "allowed": np.array(allowed, dtype=np.float64),
        "meant": np.array(meant, dtype=np.bool_),
    }


def _meant(item: Item) -> bool:
    """Whether it should have been allowed."""
    match item.outcome:
        case Label.WRONG_SHOULD_ALLOW:
            return True
        case Label.WRONG_SHOULD_DENY:
            return False
        case _:
            return item.verdict == "ALLOW"
