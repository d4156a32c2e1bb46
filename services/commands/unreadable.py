"""Says which parts of the store of decisions could not be read, so that nobody takes an answer for all there is."""

from collections.abc import Sequence

from gateway.settings import language
from services.commands.decision_texts import say
from services.commands.shell import Shell


def tell(shell: Shell, segments: Sequence[str]) -> None:
    """Say on standard error what is missing, if anything is; `segments` are the names that the audit service gave."""
    if segments:
        text = say("unreadable", language=language(shell.settings()), segments=", ".join(segments))
        shell.err.print(text, markup=False, soft_wrap=True)
