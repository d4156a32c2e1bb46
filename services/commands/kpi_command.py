"""The command `pilote kpis`: what copilots are judged by, with intervals."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.clock import clock_ms
from gateway.core import texts
from gateway.settings import Settings, language
from services.cockpit.measures import BY_PART
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from services.cockpit.viewing import Part, View

_TEXTS: Final = {
    "none": (
        "Nothing was worked out of these days yet: `pilote insights run` does so once an hour.",
        "Rien n’a encore été calculé pour ces jours : `pilote insights run` le fait une fois par heure.",
    ),
    "head": (
        "{tenant}, {first} to {last} (UTC), amounts in {currency}{rates}; intervals of 95%. {open}",
        "{tenant}, du {first} au {last} (UTC), montants en {currency}{rates} ; intervalles à 95 %. {open}",
    ),
    "open": ("Of {days} days more may still come.", "Pour {days} jours, des résultats peuvent encore arriver."),
    "closed": ("All days are closed.", "Tous les jours sont clos."),
    "apart": (
        "Not counted, for want of a rate: {n} amounts in {currency}, {cents} in all.",
        "Non comptés, faute de taux : {n} montants en {currency}, {cents} au total.",
    ),
    "kpi": ("KPI", "indicateur"),
    "value": ("value", "valeur"),
    "interval": ("interval", "intervalle"),
    "n": ("n", "n"),
    "note": ("note", "remarque"),
    "contacts": ("contacts", "sollicitations"),
    "refusals": ("refused", "refusées"),
    "by-unknown": ("--by is one of {choices}.", "--by est l’un de : {choices}."),
}
say: Final = texts.saying(_TEXTS)


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add it to the commands of `pilote`."""

    @app.command()
    def kpis(
        first: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01; by default 28 days.")] = "",
        last: Annotated[str, typer.Option("--to", help="Last day; by default yesterday.")] = "",
        by: Annotated[
            str, typer.Option(help="agent, version, campaign, objective, category, segment, channel or rule.")
        ] = "agent",
        tenant: Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what copilots are judged by: activation, NPS, pressure, revenue, with intervals."""
        import msgspec

        from services.cockpit.dimensions import DIMENSIONS
        from services.control.findings.kpis import shown

        settings = shell.settings()
        spoken = language(settings)
        if by not in DIMENSIONS:
            shell.fail(say("by-unknown", language=spoken, choices=", ".join(DIMENSIONS)))
        found = asyncio.run(_views(shell, settings, first, last=last, by=by, tenant=tenant))
        if as_json:
            for each in found:
                typer.echo(msgspec.json.encode(shown(each)))
            return
        if not found:
            print_text(shell.out, say("none", language=spoken))
        for each in found:
            for line in _head(each, spoken):
                print_text(shell.out, line)
            print_rows(shell.out, _whole(each, spoken))
            if each.parts:
                print_rows(shell.out, _parts(each, spoken))


async def _views(shell: Shell, settings: Settings, first: str, *, last: str, by: str, tenant: str) -> "Sequence[View]":
    from gateway.adapters.revisions import RevisionStore
    from services.commands.halting import tenants_of
    from services.control.findings.kpis import KpiBook
    from services.control.undone import Undone

    async with shell.store(settings) as redis:
        book = KpiBook(redis, clock_ms=clock_ms)
        try:
            span = book.span(first, last)
            tenants = (tenant,) if tenant else await tenants_of(RevisionStore(redis))
            return await book.of(tenants, span, by=by)
        except Undone as undone:
            shell.fail(undone.said(language(settings)))


def _head(view: "View", spoken: str) -> Iterator[str]:
    from services.cockpit.viewing import date_of
    from services.cockpit.wording import money

    rates = ", ".join(f"1 {name} = {rate}" for name, rate in sorted(view.rates.items()))
    still = say("open", language=spoken, days=view.open_days) if view.open_days else say("closed", language=spoken)
    yield say(
        "head",
        language=spoken,
        tenant=view.tenant,
        first=date_of(view.span.first),
        last=date_of(view.span.last),
        currency=view.currency,
        rates=f" ({rates})" if rates else "",
        open=still,
    )
    for currency, (n, cents) in sorted(view.apart.items()):
        told = money(cents, currency=currency, language=spoken)
        yield say("apart", language=spoken, n=n, currency=currency, cents=told)


def _whole(view: "View", spoken: str) -> tuple[tuple[str, ...], ...]:
    from services.cockpit import wording

    rows = [tuple(say(name, language=spoken) for name in ("kpi", "value", "interval", "n", "note"))]
    for name, number in view.whole.numbers.items():
        at_ms = number.revised.at_ms if number.revised else 0
        rows.append(
            (
                wording.say(f"kpi-{name}", language=spoken),
                wording.said(name, number, currency=view.currency, language=spoken),
                wording.interval_of(name, number, currency=view.currency, language=spoken),
                texts.number(number.figure.n, digits=0, language=spoken),
                wording.revised(
                    name, number, day=texts.day(at_ms, language=spoken), currency=view.currency, language=spoken
                ),
            )
        )
    return tuple(rows)


def _parts(view: "View", spoken: str) -> tuple[tuple[str, ...], ...]:
    from services.cockpit import wording

    head = (
        wording.say(f"kpi-by-{view.by}", language=spoken),
        say("contacts", language=spoken),
        say("refusals", language=spoken),
        *(wording.say(f"kpi-{name}", language=spoken) for name in BY_PART),
    )
    return (head, *(_row(each, view.currency, spoken) for each in view.parts))


def _row(part: "Part", currency: str, spoken: str) -> tuple[str, ...]:
    from services.cockpit import wording

    def told(name: str) -> str:
        number = part.numbers[name]
        value = wording.said(name, number, currency=currency, language=spoken)
        interval = wording.interval_of(name, number, currency=currency, language=spoken)
        return f"{value} ({interval})" if interval else value

    counts = (texts.number(each, digits=0, language=spoken) for each in (part.contacts, part.refusals))
    return (part.key, *counts, *(told(name) for name in BY_PART))
