"""The command `pilote capacity`: what a load takes, and what gives way first."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from gateway.core.texts import number
from gateway.settings import language
from services.commands.capacity_texts import say
from services.commands.shell import Shell, print_rows, print_text

if TYPE_CHECKING:
    from services.capacity.planning import Plan


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add it to the commands of `pilote`."""

    @app.command()
    def capacity(
        calls_per_second: Annotated[float, typer.Option(help="The load.")] = 1_000.0,
        cells: Annotated[int, typer.Option(help="Cells that the tenants have in all.")] = 1,
        message_bytes: Annotated[int, typer.Option(min=0, help="Of a request and its reply together.")] = 2_000,
        keep_days: Annotated[int, typer.Option(min=1, help="How long decisions are kept.")] = 365,
        as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,  # noqa: FBT002
    ) -> None:
        """Say what a load takes: cores, servers of the store, database, network, and what gives way first."""
        from services.capacity.constants import ALL
        from services.capacity.planning import BUSY, MOST, Load, plan

        lang = language(shell.settings())
        try:
            found = plan(
                Load(calls_per_second=calls_per_second, cells=cells, message_bytes=message_bytes, keep_days=keep_days)
            )
        except ValueError:
            shell.fail(say("wrong", language=lang, most=MOST), 2)
        if as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode({"plan": found, "constants": ALL}), indent=2).decode())
            return
        print_rows(shell.out, _rows(found, lang))
        print_text(shell.out, say(found.bottleneck, language=lang))
        if found.writers > 1:
            print_text(shell.out, say("writer", language=lang))
        print_text(shell.out, say("stated", language=lang, busy=round(BUSY * 100)))


def _rows(found: "Plan", lang: str) -> tuple[tuple[str, ...], ...]:
    values = msgspec.structs.asdict(found)
    names = ("gateway_cores", "gateway_memory_mb", "store_shards", "store_memory_mb", "writers", "database_gb")
    rows = [
        (say(name, language=lang), number(values[name], digits=0, language=lang)) for name in (*names, "network_mbit")
    ]
    wait = ", ".join(number(each / 1e3, digits=2, language=lang) for each in (found.wait.mean_us, found.wait.p99_us))
    return tuple(say("rows", language=lang).split("|")), *rows, (say("wait", language=lang), wait)
