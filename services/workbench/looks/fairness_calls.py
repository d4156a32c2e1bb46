"""What agents did to each customer whom the vault knows, in one week, out of the columns.

The columns' engine is told pseudonyms and their places in a list, and nothing else: which values belong to them is
joined in this process's own memory, so that no file of the engine's ever holds any.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.workbench.columns.source import Source
from services.workbench.looks.series import CALLS
from services.workbench.looks.spans import CARRIED_OUT, VERSION, Span

Ints = NDArray[np.int64]
_COUNTS: Final = ("decisions", "refusals", "contacts", "offers", "inferences", "led")
_ASKED: Final = f"""WITH led AS (
  SELECT DISTINCT inference AS id FROM admitted
  WHERE tenant = $tenant AND at_ms >= $start_ms AND at_ms < $end_ms AND inference IS NOT NULL AND verdict = 'ALLOW'
   AND operation IN ('CONTACT', 'WRITE') AND NOT standby AND NOT repeats)
 SELECT agent, {VERSION} AS version, known.place AS place,
  count(*) AS decisions,
  count(*) FILTER (verdict = 'DENY') AS refusals,
  count(*) FILTER (operation = 'CONTACT' AND {CARRIED_OUT}) AS contacts,
  count(*) FILTER (operation = 'CONTACT' AND category <> 'service' AND {CARRIED_OUT}) AS offers,
  count(*) FILTER (operation = 'INFER' AND {CARRIED_OUT}) AS inferences,
  count(*) FILTER (operation = 'INFER' AND led.id IS NOT NULL AND {CARRIED_OUT}) AS led
 FROM admitted JOIN known ON CAST(known.subject AS UUID) = admitted.subject
  LEFT JOIN settled ON settled.id = admitted.id LEFT JOIN led ON led.id = admitted.id
 WHERE admitted.tenant = $tenant AND admitted.at_ms >= $start_ms AND admitted.at_ms < $end_ms
  AND {CALLS} AND NOT held_out
 GROUP BY ALL ORDER BY agent, version, place"""  # noqa: S608 - our own texts


class Treated(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What one version of one agent did to people, an entry each; places are those of the list that was given."""

    agent: str
    version: str
    place: Ints
    decisions: Ints
    """About the person, however they ended; those of holdouts are left out, which are drawn."""
    refusals: Ints
    contacts: Ints
    """That were carried out, or may have been; `offers` are those that are no service messages."""
    offers: Ints
    inferences: Ints
    led: Ints
    """Inferences that led to a contact or a change within the same week."""


def treated(columns: Source, tenant: str, subjects: Sequence[str], *, span: Span) -> tuple[Treated, ...]:
    """What each version of each agent did to these customers, given by pseudonym; by agent and version."""
    if not subjects:
        return ()
    values = {"tenant": tenant} | msgspec.structs.asdict(span)
    found = columns.asked(_ASKED, values, beside={"known": known_of(subjects)})
    agents, versions = found["agent"], found["version"]
    numbers = {name: np.asarray(found[name], dtype=np.int64) for name in ("place", *_COUNTS)}
    return tuple(
        Treated(
            agent=str(agents[start]),
            version=str(versions[start]),
            **{name: each[start:end] for name, each in numbers.items()},
        )
        for start, end in runs(agents, versions)
    )


def known_of(subjects: Sequence[str]) -> Mapping[str, NDArray[Any]]:
    """The table that tells the engine of pseudonyms and their places, and of nothing else."""
    return {"subject": np.array(subjects, dtype=object), "place": np.arange(len(subjects), dtype=np.int64)}


def runs(*columns: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """From where to where rows go that are the same in each of these columns."""
    size = columns[0].size
    if not size:
        return
    new = np.flatnonzero(np.logical_or.reduce([each[1:] != each[:-1] for each in columns])) + 1
    yield from pairwise([0, *new.tolist(), size])
