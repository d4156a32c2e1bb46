"""The commands `pilote findings`. What they do is in `services.commands.findings`."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import language
from services.commands.shell import Shell, print_rows

if TYPE_CHECKING:
    from services.findings.finding import Finding

Name = Annotated[str, typer.Argument(help="Id of a finding, as `pilote findings` shows it, or how it begins.")]
Tenant = Annotated[str, typer.Option(help="Tenant; by default all of the active policy.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group; without one of them it lists."""
    app = typer.Typer(help="What is wrong or unusual, and what people have made of it.")

    @app.callback(invoke_without_command=True)
    def findings(
        context: typer.Context,
        tenant: Tenant = "",
        as_json: AsJson = False,  # noqa: FBT002
        closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,  # noqa: FBT002
    ) -> None:
        """Show what is wrong or unusual, the gravest first; how single people review is shown in the console only."""
        if context.invoked_subcommand is not None:
            return
        from services.commands.finding_texts import say
        from services.commands.findings import rows

        lang = language(shell.settings())
        kept = _found(shell, tenant, closed=closed)
        if as_json:
            _print_json(kept, lang)
        elif kept:
            print_rows(shell.out, rows(kept, language=lang), whole="finding")
        else:
            shell.out.print(say("none", language=lang), markup=False, soft_wrap=True)

    @app.command()
    def show(name: Name, tenant: Tenant = "", as_json: AsJson = False) -> None:  # noqa: FBT002
        """Show all that is known of one: how sure it is, which decisions show it, and what people have said."""
        from services.commands.finding_texts import say
        from services.commands.findings import lines, one_of

        lang = language(shell.settings())
        one = one_of(_found(shell, tenant, closed=True), name)
        if one is None:
            shell.fail(say("unknown", language=lang, name=name))
        if as_json:
            _print_json((one,), lang)
            return
        for line in lines(one, language=lang):
            shell.out.print(line, markup=False, soft_wrap=True)

    return app


def _found(shell: Shell, tenant: str, *, closed: bool) -> "tuple[Finding, ...]":
    from gateway.clock import clock_ms
    from services.commands.findings import found

    settings = shell.settings()

    async def work() -> "tuple[Finding, ...]":
        async with shell.store(settings) as redis:
            return await found(redis, tenant=tenant, now_ms=clock_ms(), closed=closed)

    return asyncio.run(work())


def _print_json(findings: "tuple[Finding, ...]", lang: str) -> None:
    """One object a line, as the interface over HTTP has them."""
    import msgspec

    from services.control.findings.shown import shown

    for each in findings:
        typer.echo(msgspec.json.encode(shown(each, language=lang)))
