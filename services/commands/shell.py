"""What `services.cli` lends to commands that live in modules of their own."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, NoReturn

import typer
from rich.console import Console

from gateway.core.authority import Authority
from gateway.settings import Settings


class Shell(NamedTuple):
    """Settings, store and ways to speak."""

    settings: Callable[[], Settings]
    store: Callable[[Settings], AbstractAsyncContextManager[Any]]
    pseudonym_key: Callable[[Settings], bytes]
    hold_keys: Callable[[Settings], tuple[bytes, ...]]
    replay_keys: Callable[[Settings], tuple[bytes, ...]]
    fail: Callable[..., NoReturn]
    """Says a text and ends with an exit code."""
    out: Console
    err: Console
    trusted_people: Callable[[Settings], Authority | None]
    """The people in `PILOTE_TRUSTED_PEOPLE_FILE`."""
    record_keys: Callable[[Settings], tuple[bytes, ...]]
    """The master keys of what records say of customers."""
    control_keys: Callable[[Settings], tuple[bytes, ...]]
    """The control plane's own keys."""
    settings_read: Callable[[], Settings]
    """The settings, of which this process shows no certificate yet; for who says what is wrong with that."""
    vault_keys: Callable[[Settings], tuple[bytes, ...]]
    """Those of the vault of sensitive attributes."""


def print_rows(out: Console, rows: tuple[tuple[str, ...], ...], *, whole: str = "") -> None:
    """Print a table; the first row names the columns, and the one named `whole` is never cut."""
    if not out.is_terminal:
        for row in rows:
            print_row(out, row)
        return
    from rich.table import Table
    from rich.text import Text

    from services.commands.stacking import fits, for_people

    shown = [tuple(for_people(cell) for cell in row) for row in rows]
    if not fits(shown, width=out.width):
        print_row(out, shown[0], style="bold")
        for row in shown[1:]:
            print_row(out, row)
        return
    table = Table()
    for column in shown[0]:
        table.add_column(column, no_wrap=column == whole, overflow="fold")
    for row in shown[1:]:
        table.add_row(*(Text(cell) for cell in row))  # a text of somebody's might look like markup
    out.print(table)


def print_row(out: Console, row: tuple[str, ...], *, style: str = "") -> None:
    """Print one row by itself: in as few lines as it takes on a terminal, else whole values, parted by tabs."""
    if not out.is_terminal:  # another program reads it
        typer.echo("\t".join(row))  # rich would make spaces of the tabs
        return
    from rich.text import Text

    from services.commands.stacking import for_people, stacked

    for line in stacked(tuple(for_people(cell) for cell in row), width=out.width):
        out.print(Text(line, style=style), soft_wrap=True)


def print_text(out: Console, text: str) -> None:
    """Print a sentence: a terminal gets it in lines that end between words, another program on one line."""
    out.print(text, markup=False, highlight=False, soft_wrap=not out.is_terminal)
