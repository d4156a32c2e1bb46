"""The commands `pilote decisions`: what the gateway decided."""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from gateway.settings import language
from services.commands.decision_texts import say
from services.commands.shell import Shell, print_row, print_rows
from services.commands.unreadable import tell

if TYPE_CHECKING:
    from services.commands.searching import Found, Searching

T = TypeVar("T")
Where = Annotated[str, typer.Argument(metavar="FILTER", help="AIP-160 filter; empty: all.")]
Since = Annotated[str, typer.Option(help="Received in the last so long, such as 30m, 12h or 7d.")]
Order = Annotated[str, typer.Option("--order", help="Such as 'latency desc'; by default the newest first.")]
Columns = Annotated[str, typer.Option("--columns", help="Fields to show, parted by commas.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
_MOST: Final = 100_000


def commands(shell: Shell) -> typer.Typer:
    """The commands as one group."""
    app = typer.Typer(no_args_is_help=True, help="What the gateway decided.")
    _add_lists(app, shell)
    _add_tail(app, shell)
    _add_counts(app, shell)

    @app.command()
    def fields() -> None:
        """Show what filters may name: fields and functions."""
        from services.audit.filters.field_tables import field_rows, function_rows

        lang = language(shell.settings())
        print_rows(shell.out, field_rows(language=lang))
        print_rows(shell.out, function_rows(language=lang))

    return app


def _add_lists(app: typer.Typer, shell: Shell) -> None:
    @app.command("list")
    def list_decisions(
        where: Where = "",
        count: Annotated[int, typer.Option(min=1, max=_MOST, help="Most to show.")] = 20,
        order_by: Order = "",
        columns: Columns = "",
        since: Since = "",
        view: Annotated[str, typer.Option(help="Name of a saved view; a filter narrows it.")] = "",
        total: Annotated[bool, typer.Option("--total", help="Say how many match in all.")] = False,  # noqa: FBT002
        as_json: Json = False,  # noqa: FBT002
    ) -> None:
        """Show decisions, the newest first or in another order."""
        saved = run(shell, lambda searching: searching.view(view)) if view else None
        if saved is not None:
            columns, order_by = columns or ",".join(saved.columns), order_by or saved.order_by
            where = f"{saved.filter} {where}".strip()
        shown, text = columns_of(shell, columns), within(shell, where, since)

        found = run(shell, lambda searching: searching.decisions(text, order_by=order_by, count=count, total=total))
        _print(shell, found, shown, as_json=as_json)
        if found.total is not None and (total or shell.out.is_terminal):
            values = {"shown": len(found.decisions), "total": found.total}
            shell.err.print(say("of-all", language=language(shell.settings()), **values), markup=False)


def _add_tail(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def tail(where: Where = "", columns: Columns = "", as_json: Json = False) -> None:  # noqa: FBT002
        """Show decisions as they are stored, and again when they are settled."""
        from services.commands.decision_tables import head, row

        shown = columns_of(shell, columns)

        def begun() -> None:
            if shell.out.is_terminal:
                shell.err.print(say("following", language=language(shell.settings())), markup=False)
            if not as_json:
                print_row(shell.out, head(shown), style="bold")

        async def work(searching: "Searching") -> None:
            async for decision in searching.follow(where, begun=begun):
                if as_json:
                    typer.echo(_json(decision))
                else:
                    print_row(shell.out, row(decision, shown))

        with contextlib.suppress(KeyboardInterrupt):
            run(shell, work)


def _print(shell: Shell, found: "Found", shown: tuple[str, ...], *, as_json: bool) -> None:
    from services.commands.decision_tables import head, row

    if as_json:
        for decision in found.decisions:
            typer.echo(_json(decision))
        if found.unreadable:
            typer.echo(json.dumps({"unreadable_segments": found.unreadable}))
    elif not found.decisions and shell.out.is_terminal:
        shell.out.print(say("nothing", language=language(shell.settings())), markup=False)
    else:
        print_rows(shell.out, (head(shown), *(row(decision, shown) for decision in found.decisions)), whole="id")
    tell(shell, found.unreadable)


def _add_counts(app: typer.Typer, shell: Shell) -> None:
    @app.command()
    def facets(
        fields: Annotated[list[str], typer.Argument(metavar="FIELD…", help="Such as verdict, reason, rule, agent.")],
        where: Annotated[str, typer.Option("--filter", help="AIP-160 filter; without one all.")] = "",
        since: Since = "",
        top: Annotated[int, typer.Option(min=1, max=1_000, help="Most values of each field.")] = 10,
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Count decisions by the values of fields."""
        from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
        from services.commands.decision_tables import facet_rows

        lang = language(shell.settings())
        request = SummarizeDecisionsRequest(filter=within(shell, where, since), fields=fields, top_size=top)
        found = run(shell, lambda searching: searching.facets(request))
        tell(shell, found.unreadable_segments)
        if as_json:
            typer.echo(_json(found, defaults=True))
            return
        if shell.out.is_terminal:
            shell.out.print(say("total", language=lang, count=found.total_count), markup=False)
        for facet in found.facets:
            print_rows(shell.out, facet_rows(facet, total=found.total_count, language=lang))

    @app.command()
    def histogram(
        where: Where = "",
        since: Since = "",
        width: Annotated[str, typer.Option(help="Length of a bar, such as 5m; by default at most 60 bars.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Count decisions by the time at which they were received."""
        from gateway.rpc.times import duration
        from pilote.audit.v1.summaries_pb2 import ChartDecisionsRequest
        from services.commands.decision_tables import bar_room, chart_rows

        lang = language(shell.settings())
        request = ChartDecisionsRequest(filter=within(shell, where, since))
        if width:
            request.bucket_width.CopyFrom(duration(span_of(shell, width)))
        found = run(shell, lambda searching: searching.chart(request))
        tell(shell, found.unreadable_segments)
        if as_json:
            typer.echo(_json(found, defaults=True))
            return
        if shell.out.is_terminal:
            from gateway.core.texts import span

            long = span(found.bucket_width.ToMilliseconds(), language=lang)
            text = say("chart-width", language=lang, count=found.total_count, width=long)
            shell.out.print(text if found.buckets else say("nothing", language=lang), markup=False)
        room = bar_room(shell.out.width) if shell.out.is_terminal else 0
        print_rows(shell.out, chart_rows(found, room=room, language=lang))


def run(shell: Shell, work: "Any") -> Any:
    """What `work` finds with a `Searching`; says why and ends the process where it fails."""
    from services.commands.searching import SearchFailed, Searching

    settings = shell.settings()
    asked: Coroutine[Any, Any, Any] = work(Searching(settings.audit_listen, language=language(settings)))
    try:
        return asyncio.run(asked)
    except SearchFailed as failed:
        shell.fail(str(failed))


def columns_of(shell: Shell, text: str) -> tuple[str, ...]:
    """The fields that are named; ends the process for one that is none."""
    from services.audit.filters.fields import FIELDS
    from services.audit.filters.suggesting import nearest

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in FIELDS:
            lang, near = language(shell.settings()), nearest(name, tuple(FIELDS))
            hint = say("near", language=lang, near=near) if near else say("see-fields", language=lang)
            shell.fail(say("bad-column", language=lang, name=name, hint=hint), 2)
    return names


def within(shell: Shell, where: str, since: str) -> str:
    """The filter, of what was received in the last so long only."""
    if not since:
        return where
    span_of(shell, since)
    # What stands beside each other is joined by AND, and OR binds tighter: no parentheses, so that places stay theirs.
    return f"{where} since({since})".strip()


def span_of(shell: Shell, text: str) -> int:
    """Microseconds; ends the process where the text is no span."""
    from services.audit.filters.suggesting import span_meant
    from services.audit.filters.values import span_us

    found = span_us(text)
    if found is None:
        lang, near = language(shell.settings()), span_meant(text, unit="h")
        hint = say("near", language=lang, near=near) if near else ""
        shell.fail(say("bad-span", language=lang, text=text, hint=hint).rstrip(), 2)
    return found


def _json(message: Any, *, defaults: bool = False) -> str:
    from google.protobuf.json_format import MessageToDict

    found = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=defaults)
    return json.dumps(found, ensure_ascii=False)
