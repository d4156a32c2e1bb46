"""What `pilote insights pressure` shows: how customers are solicited, as the workbench worked it out last."""

import time
from collections.abc import Iterator, Sequence

from gateway.adapters.revisions import RevisionStore
from gateway.settings import Settings
from services.commands.halting import tenants_of
from services.commands.insight_texts import say
from services.commands.shell import Shell
from services.findings import wording
from services.findings.pressure import (
    Pressure,
    PressureChannel,
    PressureCost,
    PressureNumber,
    PressureSegment,
    PressureSender,
    PressureStore,
)

Rows = tuple[tuple[str, ...], ...]


async def kept(shell: Shell, settings: Settings, *, tenant: str) -> tuple[Pressure, ...]:
    """What is known of a tenant, or of all tenants of the active policy.

    Raises:
        RedisError: the store does not answer.
    """
    async with shell.store(settings) as redis:
        tenants = (tenant,) if tenant else await tenants_of(RevisionStore(redis))
        return await PressureStore(redis).of(tenants)


def told(pressure: Pressure, *, language: str) -> Iterator[tuple[str, Rows]]:
    """A heading and a table, again and again; the first row of a table names its columns."""
    for channel in pressure.channels:
        yield (
            say(
                "pressure-channel",
                language=language,
                tenant=pressure.tenant,
                channel=channel.channel,
                start=_day(pressure.start_ms),
                end=_day(pressure.end_ms),
                standing=say(f"pressure-{channel.standing}", language=language),
            ),
            _figures(channel, language),
        )
        if channel.segments:
            low, high = (
                wording.percent(each, language=language) for each in (pressure.target_low, pressure.target_high)
            )
            heading = say("pressure-segments", language=language, low=low, high=high)
            yield heading, _segments(channel.segments, language)
        for cost in channel.costs:
            if cost.groups:
                yield say(f"pressure-{cost.outcome}", language=language), _groups(cost, language)
        if channel.senders:
            yield say("pressure-senders", language=language), _senders(channel.senders, language)


def _figures(channel: PressureChannel, language: str) -> Rows:
    return (
        tuple(say(name, language=language) for name in ("what", "value", "interval")),
        (say("pressure-people", language=language), _plain(channel.people, language), ""),
        (say("pressure-contacts", language=language), _plain(channel.contacts, language), ""),
        *((say(f"pressure-{name}", language=language), *_parts(number, language)) for name, number in channel.numbers),
    )


def _groups(cost: PressureCost, language: str) -> Rows:
    names = ("before", "looks", "events", "per-people", "per-contacts", "above")
    return (
        tuple(say(f"pressure-{name}", language=language) for name in names),
        *(
            (
                f"{each.low}\N{EN DASH}{each.high}",
                _plain(each.looks, language),
                _plain(each.events, language),
                _said(each.per_1000_people, language),
                _said(each.per_1000_contacts, language),
                _said(each.above_holdout, language),
            )
            for each in cost.groups
        ),
        (say("pressure-holdout", language=language), "", "", _said(cost.holdout, language), "", ""),
    )


def _segments(segments: Sequence[PressureSegment], language: str) -> Rows:
    return (
        tuple(say(f"pressure-{name}", language=language) for name in ("segment", "stands", "sample", "fullness")),
        *(
            (
                each.segment,
                say(f"pressure-{each.standing}", language=language),
                _plain(each.people, language),
                _share(each.fullness, language),
            )
            for each in segments
        ),
    )


def _share(number: PressureNumber, language: str) -> str:
    ends = (number.value, number.low, number.low if number.high is None else number.high)
    value, low, high = (wording.percent(each, language=language) for each in ends)
    return f"{value} ({low} \N{EN DASH} {high})"


def _senders(senders: Sequence[PressureSender], language: str) -> Rows:
    return (
        tuple(
            say(f"pressure-{name}", language=language)
            for name in ("agent", "contacts", "beyond", "of-contacts", "of-beyond")
        ),
        *(
            (
                each.agent,
                _plain(each.contacts, language),
                _plain(each.beyond, language),
                _said(each.of_contacts, language),
                _said(each.of_beyond, language),
            )
            for each in senders
        ),
    )


def _parts(number: PressureNumber | None, language: str) -> tuple[str, str]:
    if number is None:
        return say("pressure-few", language=language), ""
    high = "∞" if number.high is None else _plain(number.high, language)
    return _plain(number.value, language), f"{_plain(number.low, language)} \N{EN DASH} {high}"


def _said(number: PressureNumber | None, language: str) -> str:
    value, interval = _parts(number, language)
    return f"{value} ({interval})" if interval else value


def _plain(value: float, language: str) -> str:
    return wording.number(value, language=language)


def _day(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000))
