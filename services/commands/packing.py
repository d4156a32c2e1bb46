"""The commands `pilote packs`: the policy packs that come with Pilote, shown, and copied to be edited."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.packs.shipped import ShippedPack, shipped
from gateway.settings import language
from services.commands.shell import Shell
from services.texts import say

Name = Annotated[str, typer.Argument(help="Name of a pack, such as fr-telephone.")]
Version = Annotated[str, typer.Option(help="Version; by default the newest.")]
Folder = Annotated[Path, typer.Argument(help="Where the copy goes.", exists=True, file_okay=False)]


def commands(shell: Shell) -> typer.Typer:
    """The commands, to be registered under one name."""
    app = typer.Typer(no_args_is_help=True, help="Policy packs: starting points, not legal advice.")

    @app.command("list")
    def list_packs() -> None:
        """Show the packs that come with Pilote."""
        from gateway.adapters.policy_files import read_pack

        lang = language(shell.settings())
        for pack in shipped():
            title = getattr(read_pack(pack.file, label=pack.label).header.title, lang)
            shell.out.print(f"{pack.name}  {pack.version}  {title}", markup=False, soft_wrap=True)
        shell.out.print(say("packs-notice", language=lang), markup=False, soft_wrap=True)

    @app.command()
    def show(name: Name, version: Version = "") -> None:
        """Print a pack's file."""
        shell.out.print(
            _found(shell, name, version).file.read_text(encoding="utf-8"), end="", markup=False, soft_wrap=True
        )

    @app.command()
    def copy(name: Name, folder: Folder, version: Version = "") -> None:
        """Copy a pack into a folder, to edit it there; nothing is overwritten."""
        lang = language(shell.settings())
        pack = _found(shell, name, version)
        target = folder / f"{pack.name}-{pack.version}.yaml"
        try:
            with target.open("xb") as file:
                file.write(pack.file.read_bytes())
        except FileExistsError:
            shell.fail(say("pack-there", language=lang, file=target))
        except OSError:
            shell.fail(say("pack-unwritten", language=lang, file=target))
        shell.out.print(say("pack-copied", language=lang, file=target), markup=False, soft_wrap=True)

    return app


def _found(shell: Shell, name: str, version: str) -> ShippedPack:
    fitting = [pack for pack in shipped() if pack.name == name and version in ("", pack.version)]
    if not fitting:
        known = ", ".join(f"{pack.name} {pack.version}" for pack in shipped())
        shell.fail(
            say("pack-unknown", language=language(shell.settings()), name=f"{name} {version}".strip(), known=known), 2
        )
    return fitting[-1]
