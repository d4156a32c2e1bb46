"""How often single customers are contacted, and what that costs, for the report of a period. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from gateway.core.texts import day
from services.findings.pressure import Pressure, PressureChannel, PressureNumber
from services.findings.wording import number, percent
from services.reports.document import Block, Paragraph, Table
from services.reports.section_texts import say

_NO: Final = "\N{EN DASH}"
Said = Callable[[float], str]


def spread(pressures: Sequence[Pressure], *, language: str) -> Iterator[Block]:
    """All of it, tenant by tenant."""
    found = [each for each in pressures if each.channels]
    if not found:
        yield Paragraph(say("spread-none", language=language))
    for each in found:
        yield from _Spread(each, language).blocks()


class _Spread:
    def __init__(self, pressure: Pressure, language: str) -> None:
        self._pressure = pressure
        self._language = language

    def blocks(self) -> Iterator[Block]:
        pressure = self._pressure
        start, end = (day(at_ms, language=self._language) for at_ms in (pressure.start_ms, pressure.end_ms))
        yield Paragraph(self._say("spread-said", tenant=pressure.tenant, start=start, end=end))
        rows = tuple(self._row(channel) for channel in pressure.channels)
        yield Table(self._say("spread", tenant=pressure.tenant), self._head("spread-columns"), rows, (1,))
        costs = tuple(
            (
                f"{channel.channel or _NO}, {self._say(f'cost-{cost.outcome}')}",
                self._told(cost.holdout, self._number),
                self._told(cost.excess, self._number),
            )
            for channel in pressure.channels
            for cost in channel.costs
            if cost.holdout is not None or cost.excess is not None
        )
        if costs:
            yield Table(self._say("cost", tenant=pressure.tenant), self._head("cost-columns"), costs)

    def _row(self, channel: PressureChannel) -> tuple[str, ...]:
        return (
            channel.channel or _NO,
            self._number(channel.people),
            *(self._told(each, self._number) for each in (channel.p50, channel.p95, channel.p99)),
            *(self._told(each, self._percent) for each in (channel.never, channel.over_cap)),
        )

    def _told(self, found: PressureNumber | None, said: Said) -> str:
        """A number with its interval, or that there are too few to say it."""
        if found is None:
            return self._say("few")
        if found.high is None:
            return self._say("at-least", value=said(found.value), low=said(found.low))
        return self._say("interval", value=said(found.value), low=said(found.low), high=said(found.high))

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)

    def _head(self, key: str) -> tuple[str, ...]:
        return tuple(self._say(key).split("|"))

    def _number(self, value: float) -> str:
        return number(value, language=self._language)

    def _percent(self, value: float) -> str:
        return percent(value, language=self._language)
