"""Looks for fatigue: whether customers opt out, complain or say that it is much too much the more they were contacted.

Every channel of every tenant is looked at by itself, once a week, four weeks together: see `pressure_channels`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from services.findings.finding import Seen
from services.findings.pressure import Pressure, PressureChannel
from services.insights.pressure.attribution import Adding, Sent, adding, beyond
from services.insights.pressure.deciles import Cost, Fatigue
from services.insights.pressure.segments import Target
from services.insights.pressure.trends import Trend
from services.insights.pressure.watching import Moments
from services.workbench.columns.source import Source
from services.workbench.looks.pressure_channels import ALPHA, WEEKS, Tired, span_at, tired
from services.workbench.looks.pressure_contacts import WEEK_MS, Contacts, Sending
from services.workbench.looks.pressure_evidence import contacts_filter, drawn, named, senders
from services.workbench.looks.pressure_weeks import QUESTIONS, Weeks
from services.workbench.looks.spans import Span
from services.workbench.looks.standings import TARGET, standings
from services.workbench.pressure_told import channel_told

_NO_PROOF: Final = 0.5
"""How grave it is where people under more pressure may be other people, for one that is proven."""


class PressureLook:
    """See `services.workbench.looking.Look`."""

    kind = "pressure"

    def __init__(self, target: Target = TARGET) -> None:
        self._target = target
        self.told: tuple[Pressure, ...] = ()
        """The numbers of every tenant, of the weeks that were looked at last."""

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """The fatigue of the last four weeks that are over, in each channel; and who adds what brings it about."""
        end_ms = span_at(now_ms).end_ms
        tenants = columns.tenants()
        stand = {
            tenant: standings(columns, tenant, week_ms=end_ms - WEEK_MS, alpha=ALPHA, target=self._target)
            for tenant in tenants
        }
        channels: dict[str, list[PressureChannel]] = {tenant: [] for tenant in tenants}
        seen: list[Seen] = []
        for each in tired(columns, now_ms=now_ms):
            seen += _seen(columns, each)
            tenant, channel = each.sending.tenant, each.sending.channel
            channels[tenant].append(channel_told(columns, each, stand[tenant].get(channel)))
        start_ms = end_ms - WEEKS * WEEK_MS
        self.told = tuple(
            Pressure(
                tenant=tenant,
                start_ms=start_ms,
                end_ms=end_ms,
                channels=tuple(its),
                target_low=self._target.low / 100,
                target_high=self._target.high / 100,
            )
            for tenant, its in channels.items()
        )
        return seen


def _seen(columns: Source, its: Tired) -> Iterator[Seen]:
    sending, span, contacts, weeks, series = its.sending, its.span, its.contacts, its.weeks, its.series
    found = [each for each in its.costs if each.fatigue in {Fatigue.PROVEN, Fatigue.ASSOCIATED}]
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
    columns: Source, sending: Sending, weeks: Weeks, cost: Cost, *, span: Span, added: Sequence[Adding], series: int
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
