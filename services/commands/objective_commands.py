"""The commands `pilote objectives`: what agents are to achieve, as the active policy states it, and how it stands."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.clock import clock_ms
from gateway.core import texts
from gateway.settings import language
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.core.policy.document import Document
    from services.control.console.pages.finding_picture_parts import Words
    from services.control.objectives import ObjectiveShown

_TEXTS: Final = {
    "no-policy": (
        "No policy is active yet: pilote apply FILE",
        "Aucune politique n’est encore active : pilote apply FICHIER",
    ),
    "none": (
        "No objective is stated. Write one in the section objectives of the policy.",
        "Aucun objectif n’est énoncé. Écrivez-en un dans la section objectives de la politique.",
    ),
    "unknown": (
        "There is no objective {name}. There are: {names}.",
        "Il n’y a pas d’objectif {name}. Il y a : {names}.",
    ),
    "unreadable": (
        "The active policy cannot be read by this version of Pilote: apply it again.",
        "La politique active n’est pas lisible par cette version de Pilote : appliquez-la de nouveau.",
    ),
    "name": ("objective", "objectif"),
    "title": ("title", "titre"),
}
say: Final = texts.saying(_TEXTS)
Tenant = Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Objectives: what agents are to achieve, and how it stands.")

    @app.command("list")
    def list_objectives(tenant: Tenant = "", as_json: AsJson = False) -> None:  # noqa: FBT002
        """Show the objectives of the active policy, each with its KPI, interval and n."""
        import msgspec

        found = _found(shell, tenant)
        if as_json:
            typer.echo(msgspec.json.encode(found))
            return
        if not found:
            print_text(shell.out, say("none", language=language(shell.settings())))
            return
        print_rows(shell.out, _rows(found, _words(shell), language(shell.settings())))

    @app.command()
    def show(
        name: Annotated[str, typer.Argument(help="Name of an objective, as `pilote objectives list` shows it.")],
        tenant: Tenant = "",
        as_json: AsJson = False,  # noqa: FBT002
    ) -> None:
        """Show one: its target, progress, guardrails and budget, and which decisions serve it."""
        import msgspec

        spoken, found = language(shell.settings()), _found(shell, tenant)
        wanted = next((each for each in found if each.name == f"objectives/{name.removeprefix('objectives/')}"), None)
        if wanted is None:
            names = ", ".join(_plain(each) for each in found) or "-"
            shell.fail(say("unknown" if found else "none", language=spoken, name=name, names=names))
        if as_json:
            typer.echo(msgspec.json.encode(wanted))
            return
        _tell(shell, wanted, _words(shell), spoken)

    return app


def _found(shell: Shell, tenant: str) -> "tuple[ObjectiveShown, ...]":
    """Those of a tenant, or all; ends the process where they cannot be read."""
    from services.control.objectives import stated
    from services.control.undone import Undone

    settings = shell.settings()

    async def asked() -> "tuple[ObjectiveShown, ...]":
        async with shell.store(settings) as redis:
            document = await _document(shell, redis)
            tenants = (tenant,) if tenant else tuple({agent.tenant for agent in document.agents})
            try:
                return await stated(document, redis, tenants, now_ms=clock_ms())
            except Undone as undone:
                shell.fail(undone.said(language(settings)))

    return asyncio.run(asked())


async def _document(shell: Shell, redis: object) -> "Document":
    from gateway.adapters.revisions import RevisionStore
    from services.commands.replaying import Revisions, Unusable

    spoken = language(shell.settings())
    number = await RevisionStore(redis).active()  # type: ignore[arg-type]  # a shell does not import the client's type
    if not number:
        shell.fail(say("no-policy", language=spoken))
    try:
        return (await Revisions(redis).get(number)).document  # type: ignore[arg-type]
    except Unusable:
        shell.fail(say("unreadable", language=spoken))


def _words(shell: Shell) -> "Words":
    """The words of the console's page."""
    from services.control.console.pages.finding_picture_parts import Words
    from services.control.console.texts.objectives import TEXTS

    spoken = language(shell.settings())
    return Words(partial(texts.saying(TEXTS), language=spoken), spoken)


def _rows(found: "Sequence[ObjectiveShown]", words: "Words", spoken: str) -> tuple[tuple[str, ...], ...]:
    from services.control.objective_figures import standing, target

    def row(each: "ObjectiveShown") -> tuple[str, ...]:
        worked_out = each.compute_time is not None
        share = each.share_of_target
        broken = ", ".join(words.say(f"objectives-kpi-{one.measure}") for one in each.guardrails if one.breached)
        return (
            _plain(each),
            _state(each, words),
            target(words, each),
            standing(words, each, kpi=each.kpi) if worked_out else words.say("objectives-unknown"),
            words.percent(share) if share is not None else "-",
            words.percent(each.elapsed),
            broken or "-",
        )

    keys = ("standing", "target", "value", "share", "elapsed", "breached")
    head = (say("name", language=spoken), *(words.say(f"objectives-{key}") for key in keys))
    return (head, *map(row, found))


def _tell(shell: Shell, shown: "ObjectiveShown", words: "Words", spoken: str) -> None:
    from services.control.filters import is_
    from services.control.objective_figures import figures, standing

    title = shown.title.get(spoken, "")
    lines = [
        (say("name", language=spoken), _plain(shown)),
        *([(say("title", language=spoken), title)] if title else []),
        (words.say("objectives-standing"), _state(shown, words)),
        (words.say("objectives-period"), _period(shown, words, spoken)),
        *figures(words, shown, several=True),
        (words.say("objectives-decisions"), f"pilote decisions list '{is_('objective', _plain(shown))}'"),
    ]
    for label, text in lines:
        print_text(shell.out, words.say("objectives-line", label=label, text=text))
    if not shown.guardrails:
        return
    head = tuple(words.say(f"objectives-{key}") for key in ("guardrail", "limit", "value", "standing"))
    rows = (
        (
            words.say(f"objectives-kpi-{each.measure}"),
            words.percent(each.most),
            standing(words, each, kpi=each.measure),
            words.say("objectives-broken" if each.breached else "objectives-kept"),
        )
        for each in shown.guardrails
    )
    print_rows(shell.out, (head, *rows))


def _state(shown: "ObjectiveShown", words: "Words") -> str:
    state = words.say(f"objectives-state-{shown.state}")
    if shown.at_risk:
        return f"{state}, {words.say('objectives-at-risk')}"
    if shown.late:
        return f"{state}, {words.say('objectives-late')}"
    reached = shown.share_of_target is not None and shown.share_of_target >= 1
    return f"{state}, {words.say('objectives-reached')}" if reached else state


def _period(shown: "ObjectiveShown", words: "Words", spoken: str) -> str:
    """With times: its days are those of a clock that need not be UTC."""
    start, end = (int(each.timestamp() * 1000) for each in (shown.start_time, shown.end_time))
    return words.say(
        "objectives-span", start=texts.moment(start, language=spoken), end=texts.moment(end, language=spoken)
    )


def _plain(shown: "ObjectiveShown") -> str:
    return shown.name.removeprefix("objectives/")
