"""The commands `pilote views`: searches that are saved under a name."""

import getpass
from typing import Annotated

import typer

from gateway.settings import language
from services.commands.decision_commands import Columns, Order, Where, columns_of, run
from services.commands.decision_texts import say
from services.commands.shell import Shell, print_rows

_Name = Annotated[str, typer.Argument(help="Name of the view.")]


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="Saved searches for decisions.")

    @app.command("list")
    def list_views() -> None:
        """Show the saved views."""
        from services.commands.decision_tables import clean

        lang = language(shell.settings())
        found = run(shell, lambda searching: searching.views())
        if not found and shell.out.is_terminal:
            shell.out.print(say("views-none", language=lang), markup=False)
            return
        rows = [
            (
                *(view.name.removeprefix("views/"), view.title, view.filter, view.order_by),
                *(", ".join(view.columns), view.owner, view.update_time.ToJsonString()),
            )
            for view in found
        ]
        head = tuple(say("view-columns", language=lang).split("|"))
        print_rows(shell.out, (head, *(tuple(clean(cell) for cell in row) for row in rows)))

    @app.command()
    def save(
        name: _Name,
        where: Where = "",
        title: Annotated[str, typer.Option(help="What it shows; by default its name.")] = "",
        order_by: Order = "",
        columns: Columns = "",
        by: Annotated[str, typer.Option("--by", help="Who saves it; by default the name of your login.")] = "",
        replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of the one there.")] = False,  # noqa: FBT002
    ) -> None:
        """Save a search; `pilote decisions list --view NAME` shows it."""
        from pilote.audit.v1.views_pb2 import View
        from services.commands.searching import name_of

        view = View(
            name=name_of(name),
            title=title or name.removeprefix("views/"),
            filter=where,
            order_by=order_by,
            columns=columns_of(shell, columns),
            owner=by or getpass.getuser(),
        )
        saved = run(shell, lambda searching: searching.save(view, replace=replace))
        shell.out.print(say("view-saved", language=language(shell.settings()), name=saved.name), markup=False)

    @app.command()
    def delete(name: _Name) -> None:
        """Delete a saved view."""
        from services.commands.searching import name_of

        run(shell, lambda searching: searching.delete(name))
        shell.out.print(say("view-deleted", language=language(shell.settings()), name=name_of(name)), markup=False)

    return app
