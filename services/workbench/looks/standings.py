"""How full customers' caps are, channel by channel: what says whether a channel is saturated or has room left.

What is aimed at is what the policy says: how many contacts a customer may have at most. So a person counts by how much
of the cap with the least room was taken, at the fullest moment of a week, in percent; who got nothing that week, by 0.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from scipy.special import betainc

from services.insights.pressure.segments import Segment, Target, judge
from services.insights.pressure.spread import Tally
from services.workbench.columns.source import Source
from services.workbench.looks.pressure_contacts import WEEK_MS

FULL: Final = 90
"""Percent of a cap from which on a person has no room left worth speaking of, where settings say nothing else."""
EMPTY: Final = 25
"""Percent below which a person is contacted little, likewise."""
TARGET: Final = Target(low=EMPTY, high=FULL - 1)
"""In whole percent."""
KNOWN_WEEKS: Final = 8
"""Who had a contact in so many weeks, this one included, is somebody whom the channel can reach."""
_PEOPLE: Final = f"""WITH asked AS (
  SELECT channel, subject, bool_and(held_out) AS held, bool_or(cap <> '') AS capped,
   max(CASE WHEN cap <> '' AND at_ms >= $week_ms THEN 100 * least(cap_used, cap_capacity) // cap_capacity ELSE 0 END)
    AS percent
  FROM admitted WHERE tenant = $tenant AND operation = 'CONTACT' AND channel <> '' AND subject IS NOT NULL
   AND NOT standby AND NOT repeats
   AND at_ms >= $week_ms - {(KNOWN_WEEKS - 1) * WEEK_MS} AND at_ms < $week_ms + {WEEK_MS}
  GROUP BY ALL)"""  # noqa: S608 - our own numbers
_ASKED: Final = f"""{_PEOPLE}
 SELECT channel, percent, count(*) AS people FROM asked WHERE capped AND NOT held GROUP BY ALL ORDER BY ALL"""  # noqa: S608
_FULLEST: Final = f"""{_PEOPLE}
 SELECT channel, replace(CAST(subject AS VARCHAR), '-', '') AS subject, percent FROM asked WHERE capped AND NOT held
 QUALIFY row_number() OVER (PARTITION BY channel ORDER BY hash(subject), subject) <= $most ORDER BY ALL"""  # noqa: S608


class Fullest(msgspec.Struct, frozen=True):
    """How full the cap of one person of a channel was, at the fullest moment of a week."""

    channel: str
    subject: str
    """Their pseudonym."""
    percent: int


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """How one channel stands."""

    segment: Segment
    """`typical` is the person in the middle, in percent of the cap."""
    p_value: float
    """That half of its people or fewer are beyond the target: one-sided, of this channel alone."""


def standings(
    columns: Source, tenant: str, *, week_ms: int, alpha: float, target: Target = TARGET
) -> Mapping[str, Channel]:
    """Channels of a tenant in the week that begins then, by name; people without any cap do not count."""
    found = columns.asked(_ASKED, {"tenant": tenant, "week_ms": week_ms})
    tallies: dict[str, Tally] = {}
    for channel in np.unique(found["channel"].astype(np.str_)).tolist():
        its = found["channel"] == channel
        percents, people = (found[name][its].astype(np.int64).tolist() for name in ("percent", "people"))
        tallies[channel] = Tally(contacts=tuple(percents), people=tuple(people))
    return {
        each.name: Channel(segment=each, p_value=_half(tallies[each.name], full_of(target)))
        for each in judge(tallies, target, alpha=alpha)
    }


def fullest(columns: Source, tenant: str, *, week_ms: int, most: int) -> Sequence[Fullest]:
    """The same people, `most` of a channel."""
    found = columns.asked(_FULLEST, {"tenant": tenant, "week_ms": week_ms, "most": most})
    rows = zip(*(found[name].tolist() for name in ("channel", "subject", "percent")), strict=True)
    return [Fullest(str(channel), str(subject), int(percent)) for channel, subject, percent in rows]


def full_of(target: Target) -> int:
    """Percent of a cap from which on a person is beyond a target."""
    return int(target.high) + 1


def _half(tally: Tally, least: int) -> float:
    full = sum(people for percent, people in zip(tally.contacts, tally.people, strict=True) if percent >= least)
    return float(betainc(full, tally.n - full + 1, 0.5)) if full else 1.0
