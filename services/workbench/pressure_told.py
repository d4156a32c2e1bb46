"""From the columns to what people are told about pressure: every channel of a tenant, with intervals."""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.findings.pressure import (
    PressureChannel,
    PressureCost,
    PressureGroup,
    PressureNumber,
    PressureSender,
)
from services.insights.pressure import deciles
from services.insights.pressure.attribution import Adding, Sent, adding
from services.insights.pressure.intervals import LEAST_PEOPLE, Estimate, share
from services.insights.pressure.spread import Tally, spread
from services.insights.pressure.watching import Moments
from services.workbench.columns.source import Source
from services.workbench.looks import standings
from services.workbench.looks.pressure_channels import ALPHA, WEEKS, Tired
from services.workbench.looks.pressure_contacts import WEEK_MS, Contacts
from services.workbench.looks.pressure_evidence import ranked

MOST_SENDERS: Final = 20
_CAPPED: Final = f"""WITH asked AS (
  SELECT subject, bool_or(cap <> '') AS capped, bool_or(cap <> '' AND cap_used > cap_capacity) AS over,
   bool_or(cap <> '' AND verdict <> 'ALLOW' AND rule = cap) AS refused
  FROM admitted WHERE tenant = $tenant AND channel = $channel AND operation = 'CONTACT' AND subject IS NOT NULL
   AND NOT standby AND NOT repeats AND at_ms >= $end_ms - {WEEKS * WEEK_MS} AND at_ms < $end_ms GROUP BY ALL)
 SELECT count(*) FILTER (capped) AS capped, count(*) FILTER (over) AS over, count(*) FILTER (refused) AS refused
 FROM asked"""  # noqa: S608 - our own numbers


def channel_told(columns: Source, tired: Tired, stand: standings.Channel | None) -> PressureChannel:
    """What is told of one channel; `stand` is how it stood in the last of these weeks, where that is known."""
    sending, contacts, costs, end_ms = tired.sending, tired.contacts, tired.costs, tired.span.end_ms
    allowed = max([1, *(each.groups[-1].low - 1 for each in costs if each.groups)])
    late = contacts.at_ms >= end_ms - WEEKS * WEEK_MS
    told = spread(_tally(contacts, late))
    caps = columns.asked(_CAPPED, msgspec.structs.asdict(sending) | {"end_ms": end_ms})
    over, refused = (_of_capped(caps, name) for name in ("over", "refused"))
    return PressureChannel(
        channel=sending.channel,
        people=told.people,
        contacts=told.contacts,
        p50=_number(told.p50),
        p95=_number(told.p95),
        p99=_number(told.p99),
        gini=_number(told.gini),
        over_cap=over,
        capped=refused,
        never=_number(told.never),
        standing="UNKNOWN" if stand is None else stand.segment.standing.value,
        fullness=None if stand is None or stand.segment.typical is None else _number(stand.segment.typical.times(0.01)),
        costs=tuple(_cost(each) for each in costs),
        allowed=allowed,
        senders=_senders(contacts, since_ms=end_ms - WEEKS * WEEK_MS, allowed=allowed),
    )


def _tally(contacts: Contacts, late: NDArray[np.bool_]) -> Tally:
    """People by contacts; who has only some that were held back is left out on purpose."""
    carried = np.bincount(contacts.person[~contacts.held], minlength=contacts.people) > 0
    counts = np.bincount(contacts.person[late & ~contacts.held], minlength=contacts.people)
    return Tally.of(counts[carried])


def _of_capped(caps: Mapping[str, NDArray[Any]], name: str) -> PressureNumber | None:
    people = int(caps["capped"][0])
    return _number(share(int(caps[name][0]), people, alpha=ALPHA)) if people >= LEAST_PEOPLE else None


def _senders(contacts: Contacts, *, since_ms: int, allowed: int) -> tuple[PressureSender, ...]:
    its = ~contacts.held
    sent = Sent.of(Moments.of(contacts.person[its], contacts.at_ms[its]), contacts.agent[its], contacts.agents)
    added = ranked(adding(sent, allowed=allowed, window_ms=WEEK_MS, since_ms=since_ms))
    return tuple(_sender(each) for each in added[:MOST_SENDERS] if each.contacts)


def _sender(added: Adding) -> PressureSender:
    return PressureSender(
        agent=added.name,
        contacts=added.contacts,
        beyond=added.beyond,
        of_contacts=_number(added.of_contacts),
        of_beyond=_number(added.of_beyond),
        more=_number(added.more),
    )


def _cost(cost: deciles.Cost) -> PressureCost:
    return PressureCost(
        outcome=cost.outcome,
        fatigue=cost.fatigue.value,
        groups=tuple(_group(each) for each in cost.groups),
        holdout=_number(cost.holdout),
        excess=_number(cost.excess),
    )


def _group(group: deciles.Group) -> PressureGroup:
    return PressureGroup(
        low=group.low,
        high=group.high,
        looks=group.looks,
        events=group.events,
        per_1000_people=_number(group.per_1000_people),
        per_1000_contacts=_number(group.per_1000_contacts),
        above_holdout=_number(group.above_holdout),
    )


def _number(estimate: Estimate | None) -> PressureNumber | None:
    if estimate is None:
        return None
    high = estimate.high if math.isfinite(estimate.high) else None
    return PressureNumber(value=estimate.value, low=estimate.low, high=high, level=estimate.level, n=estimate.n)
