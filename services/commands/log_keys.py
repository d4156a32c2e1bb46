"""The keys of witnesses, as the settings name them."""

from typing import TYPE_CHECKING

from gateway.settings import Settings
from services.commands.shell import Shell

if TYPE_CHECKING:
    from services.proof.notes import Key


def witnesses_of(shell: Shell, settings: Settings) -> "tuple[Key, ...]":
    """Who may cosign checkpoints here; a file with anything else ends the process."""
    from services.proof.notes import WITNESS, read_key

    path = settings.witness_keys_file
    if path is None:
        return ()
    try:
        keys = tuple(read_key(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, ValueError) as error:
        shell.fail(f"{path}: {error}", 2)
    if not keys or any(key.kind != WITNESS for key in keys):
        shell.fail(
            f"{path} must hold the public keys of witnesses, one a line: pilote audit witness prints its own.", 2
        )
    return keys
