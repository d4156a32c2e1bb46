"""Looks for fatigue: whether customers opt out, complain or say that it is much too much the more they were contacted.

Every channel of every tenant is looked at by itself, once a week, four weeks together. A week is looked at eight days
after it has ended: seven in which customers may react to its last contacts, and one for reports of that to come in.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from services.findings.finding import Seen
from services.insights.pressure.attribution import Adding, Sent, adding, beyond
from services.insights.pressure.deciles import Cost, Fatigue
from services.insights.pressure.trends import Trend
from services.insights.pressure.watching import Moments
from services.workbench.columns.database import Columns
from services.workbench.looks.pressure_contacts import (
    FOLLOW_MS,
    WEEK_MS,
    Contacts,
    Sending,
    contacts_of,
    sendings,
    week_of,
)
from services.workbench.looks.pressure_evidence import contacts_filter, drawn, named, senders
from services.workbench.looks.pressure_weeks import QUESTIONS, Weeks, fatigue, weeks_of
from services.workbench.looks.spans import DAY_MS, Span

WEEKS: Final = 4
BEFORE: Final = 4
"""Weeks before the first of them: what was sent then, and what is usual for a person."""
REPORTED_MS: Final = FOLLOW_MS + DAY_MS
"""After the end of a week, until when reports count. What comes later never changes what was seen."""
ALPHA: Final = 0.05
"""Of weeks without fatigue, in any channel of any tenant: at most this share has any finding."""
_NO_PROOF: Final = 0.5
"""How grave it is where people under more pressure may be other people, for one that is proven."""


class PressureLook:
    """See `services.workbench.looking.Look`."""

    kind = "pressure"

    def look(self, columns: Columns, *, now_ms: int) -> Sequence[Seen]:
        """The fatigue of the last four weeks that are over, in each channel; and who adds what brings it about."""
        end_ms = week_of(now_ms - REPORTED_MS)
        span = Span(end_ms - (BEFORE + WEEKS) * WEEK_MS, end_ms)
        known = sendings(columns, start_ms=span.start_ms, end_ms=span.end_ms)
        return [each for sending in known for each in _seen(columns, sending, span, series=len(known))]


def _seen(columns: Columns, sending: Sending, span: Span, *, series: int) -> Iterator[Seen]:
    contacts = contacts_of(
        columns, sending, start_ms=span.start_ms, end_ms=span.end_ms, reported_ms=span.end_ms + REPORTED_MS
    )
    weeks = weeks_of(contacts, start_ms=span.start_ms, weeks=BEFORE + WEEKS, looks=WEEKS)
    found = [
        each for each in fatigue(weeks, alpha=ALPHA / series) if each.fatigue in {Fatigue.PROVEN, Fatigue.ASSOCIATED}
    ]
    if not found:
        return
    allowed = max(1, max(each.groups[-1].low for each in found) - 1)
    sent = _sent(contacts)
    added = adding(sent, allowed=allowed, window_ms=WEEK_MS, alpha=ALPHA / series)
    told = [_cost(columns, sending, weeks, each, span=span, added=added, series=series) for each in found]
    yield from told
    certainty = max(each.certainty for each in told)
    too_many = beyond(sent, allowed=allowed, window_ms=WEEK_MS)
    for place, each in enumerate(added):
        if each.more is not None and each.more.low > 0:
            leaves = contacts.leaf[~contacts.held][too_many & (sent.by == place)]
            yield _adds(sending, each, span=span, certainty=certainty, decisions=named(columns, leaves), all_=added)


def _sent(contacts: Contacts) -> Sent:
    carried = ~contacts.held
    return Sent.of(
        Moments.of(contacts.person[carried], contacts.at_ms[carried]), contacts.agent[carried], contacts.agents
    )


def _cost(
    columns: Columns, sending: Sending, weeks: Weeks, cost: Cost, *, span: Span, added: Sequence[Adding], series: int
) -> Seen:
    trend, proven = _trend(cost), cost.fatigue is Fatigue.PROVEN
    watch = weeks.watches[cost.outcome]
    top = (watch.pressure >= cost.groups[-1].low) & watch.at_risk & ~watch.holdout[:, None]
    rows, looks = np.nonzero(watch.event & ~watch.holdout[:, None])
    worst = np.lexsort((weeks.leaf[rows, looks], -watch.pressure[rows, looks]))
    return Seen(
        kind="pressure",
        tenant=sending.tenant,
        about=(("channel", sending.channel), ("measure", cost.outcome)),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=(1 - 1 / trend.ratio.low) * (1 if proven else _NO_PROOF),
        reach=int(top.any(axis=1).sum()),
        of="people",
        certainty=max(0.0, 1 - trend.p_value * QUESTIONS * series),
        value=trend.ratio.value,
        low=trend.ratio.low,
        high=trend.ratio.high,
        level=trend.ratio.level,
        n=cost.looks,
        false_alarms=ALPHA,
        filter=contacts_filter({"tenant": sending.tenant, "channel": sending.channel}, span=span),
        decisions=named(columns, weeks.leaf[rows[worst], looks[worst]]),
        shown=drawn(cost) | {"agents": senders(added)},
    )


def _trend(cost: Cost) -> Trend:
    """The trend that a finding rests on."""
    trend = cost.within if cost.fatigue is Fatigue.PROVEN else cost.between
    assert trend is not None  # noqa: S101 - what is proven or associated has one
    return trend


def _adds(
    sending: Sending, added: Adding, *, span: Span, certainty: float, decisions: tuple[str, ...], all_: Sequence[Adding]
) -> Seen:
    """An agent that adds more of the contacts beyond than of all contacts, where these are too many."""
    more = added.more
    assert more is not None  # noqa: S101 - only who is said to add more
    fields = {"tenant": sending.tenant, "agent": added.name, "channel": sending.channel}
    return Seen(
        kind="pressure",
        tenant=sending.tenant,
        about=(("agent", added.name), ("channel", sending.channel), ("measure", "contacts")),
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        size=more.low,
        reach=added.beyond,
        certainty=min(certainty, more.level),
        value=more.value,
        low=more.low,
        high=more.high,
        level=more.level,
        n=added.contacts,
        false_alarms=ALPHA,
        filter=contacts_filter(fields, span=span),
        decisions=decisions,
        shown={"agents": senders(all_)},
    )
